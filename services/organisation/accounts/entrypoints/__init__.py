"""HTTP routes and jobs of accounts."""
