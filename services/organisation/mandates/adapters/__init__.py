"""Store of mandates."""
