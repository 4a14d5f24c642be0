"""The HTTP routes, sockets and timers of the virtual agent."""
