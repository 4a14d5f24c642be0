"""The rules of suggestions. Standard library only."""
