"""Routes, sockets and tasks of the chat."""
