"""Store of accounts."""
