"""Routes, sockets and tasks of suggestions."""
