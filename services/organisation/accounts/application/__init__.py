"""Use cases of accounts, and their ports."""
