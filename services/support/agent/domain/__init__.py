"""The rules of the virtual agent. Standard library only."""
