"""The rules of desks. Standard library only."""
