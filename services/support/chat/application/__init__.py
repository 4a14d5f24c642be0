"""The use cases of chat and their ports."""
