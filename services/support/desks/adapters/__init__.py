"""Adapters of all features: what the ports reach."""
