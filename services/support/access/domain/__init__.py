"""Pure rules and data of access. Standard library only."""
