"""Jobs of pushes, and HTTP routes of their log."""
