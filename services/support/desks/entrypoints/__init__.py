"""Routes, sockets and tasks of all features."""
