"""HTTP routes of structures."""
