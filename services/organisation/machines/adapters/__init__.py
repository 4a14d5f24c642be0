"""Store, secrets, signatures and rate limit of machines."""
