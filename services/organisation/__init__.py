"""Owns structures: who they are, their services, their parameters.

Every change is told whole, on a compacted topic from which the other services keep their directory.
"""
