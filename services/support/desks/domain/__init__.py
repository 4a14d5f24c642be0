"""Pure rules and data that all features share. Standard library only."""
