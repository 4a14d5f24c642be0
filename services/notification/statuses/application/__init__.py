"""Use cases of the history of statuses."""
