"""Routing on a real broker and store."""
