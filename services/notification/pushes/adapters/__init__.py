"""HTTP client of webhooks."""
