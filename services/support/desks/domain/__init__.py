"""Pure rules and data of all features. Standard library only."""
