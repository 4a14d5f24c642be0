"""HTTP routes of sheets."""
