"""Use cases of subscriptions, and their ports."""
