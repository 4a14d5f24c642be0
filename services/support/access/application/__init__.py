"""Use cases of access, and their ports."""
