"""The use cases of tickets and their ports."""
