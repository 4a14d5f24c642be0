"""The portal on a real broker and store."""
