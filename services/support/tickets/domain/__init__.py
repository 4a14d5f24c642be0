"""The rules of tickets. Standard library only."""
