"""Entrypoints of routing: topics, timers, HTTP."""
