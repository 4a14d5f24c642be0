"""Notification on a real broker and store."""
