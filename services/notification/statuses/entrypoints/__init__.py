"""HTTP routes and live streams of statuses; the handler that keeps them."""
