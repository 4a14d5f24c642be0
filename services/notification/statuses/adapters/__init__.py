"""Store of statuses."""
