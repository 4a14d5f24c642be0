"""Acts of a user or a machine for a structure: who asks, under which idempotency key and lock."""

from collections.abc import Callable
from dataclasses import dataclass

Precondition = Callable[[int], bool]
"""Optimistic lock: tells whether a change may replace a version, 0 for what is new."""


@dataclass(frozen=True, slots=True)
class Act:
    """Who asks for a change, for which structure, under which idempotency key."""

    user: str
    """Id of the account or of the machine."""
    structure: str
    key: str | None = None
