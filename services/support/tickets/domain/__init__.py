"""Pure rules and data of tickets. Standard library only."""
