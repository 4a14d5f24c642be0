"""Support on a real broker and store."""
