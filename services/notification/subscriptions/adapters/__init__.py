"""Store of subscriptions, and their secrets."""
