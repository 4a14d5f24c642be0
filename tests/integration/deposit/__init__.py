"""Deposit on a real broker and store."""
