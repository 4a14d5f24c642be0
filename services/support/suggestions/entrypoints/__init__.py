"""HTTP routes of suggestions, and the report of a training."""
