"""The use cases of desks and their ports."""
