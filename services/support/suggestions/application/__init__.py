"""Use cases of suggestions, and their ports."""
