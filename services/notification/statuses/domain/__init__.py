"""Statuses of pieces, and who may see them, without any input or output."""
