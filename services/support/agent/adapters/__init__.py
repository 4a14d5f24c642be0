"""Adapters of the virtual agent: what the ports reach."""
