"""Use cases of structures, and their ports."""
