"""The rules of chat. Standard library only."""
