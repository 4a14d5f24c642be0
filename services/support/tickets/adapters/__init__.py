"""Adapters of tickets: what the ports reach."""
