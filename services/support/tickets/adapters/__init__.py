"""Adapters of tickets: their store in MongoDB."""
