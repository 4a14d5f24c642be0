"""Structures: who they are, their services, their parameters.

- `domain/judgement.py`: the rules that a declaration keeps.
- Every change publishes the whole structure on a compacted topic, from which the other services
  keep their directory.
"""
