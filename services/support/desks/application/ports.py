"""Ports that every feature of support needs: clock, directory of structures, rate limits."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

from shared.circuit.parties import Directory

Clock = Callable[[], datetime]


class Structures(Protocol):
    """The structures that the directory has told."""

    async def find(self, structures: Iterable[str]) -> Directory:
        """Find those that exist."""


class RateLimit(Protocol):
    """How often each comer does something, by hour."""

    an_hour: int
    """How many one comer may do."""

    async def is_exceeded(self, who: str) -> bool:
        """Count one."""
