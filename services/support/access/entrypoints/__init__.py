"""Entrypoints of access: authentication, request models, the 429 answer."""
