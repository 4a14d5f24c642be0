"""Adapters of access: rate limits and tokens."""
