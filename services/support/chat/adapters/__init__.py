"""Adapters of the chat: what the ports reach."""
