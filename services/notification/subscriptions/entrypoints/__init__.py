"""HTTP routes of subscriptions."""
