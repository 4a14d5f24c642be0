"""Use cases of mandates, and their ports."""
