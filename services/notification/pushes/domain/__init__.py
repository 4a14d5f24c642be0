"""Targets of pushes and outcomes of attempts, without any input or output."""
