"""Routes, sockets and tasks of tickets."""
