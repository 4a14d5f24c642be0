"""Entrypoints of routing: consumers of topics, timers, HTTP routes."""
