"""HTTP routes of mandates."""
