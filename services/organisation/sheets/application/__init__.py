"""Use cases of sheets, and their ports."""
