"""Use cases of machines and of their tokens, and their ports."""
