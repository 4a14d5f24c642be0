"""Use cases of tickets, and their ports."""
