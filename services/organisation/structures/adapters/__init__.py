"""Adapters of structures: their store in MongoDB."""
