"""HTTP routes of tickets."""
