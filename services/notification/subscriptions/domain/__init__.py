"""Subscriptions without any input or output."""
