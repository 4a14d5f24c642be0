"""Use cases of the chat, and their ports."""
