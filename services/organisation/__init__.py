"""Owns structures: who they are, their services, their parameters.

Every change publishes the whole structure on a compacted topic, from which the other services keep
their directory.
"""
