"""The rules of a deposit. Standard library only."""
