"""Entrypoints that all features share: authentication, request models, the 429 answer."""
