"""HTTP routes and jobs of machines."""
