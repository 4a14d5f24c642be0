"""Organisation on a real broker and store."""
