"""Pure rules and data of suggestions. Standard library only."""
