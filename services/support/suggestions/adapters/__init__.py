"""Adapters of suggestions: what the ports reach."""
