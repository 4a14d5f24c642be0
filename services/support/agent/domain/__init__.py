"""Pure rules and data of the virtual agent. Standard library only."""
