"""Use cases that all features share, and their ports."""
