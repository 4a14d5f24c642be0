"""Entrypoints of routing: consumers of topics, jobs, gauges, HTTP routes."""
