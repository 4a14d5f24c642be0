"""The HTTP routes, sockets and timers of desks."""
