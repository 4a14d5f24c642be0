"""Pure rules and data of the chat. Standard library only."""
