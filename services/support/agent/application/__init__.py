"""Use cases of the virtual agent, and their ports."""
