"""Adapters of the chat: its store in MongoDB."""
