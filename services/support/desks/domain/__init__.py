"""Pure rules and data of the desks. Standard library only."""
