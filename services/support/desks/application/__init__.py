"""Use cases of all features, and their ports."""
