"""Routes, sockets and tasks of the virtual agent."""
