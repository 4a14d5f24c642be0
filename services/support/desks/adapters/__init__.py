"""Adapters that all features share: rate limits and tokens."""
