"""Machines, their scopes and secrets, and what a token may hold."""
