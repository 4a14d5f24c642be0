"""HTTP route of the catalogue."""
