"""Support: a question reaches the desk that can answer it, and is followed until it is settled."""
