"""Ports that every feature of support needs: clock, directory of structures, rate limits."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

from shared.circuit.parties import Directory

Clock = Callable[[], datetime]


class Structures(Protocol):
    """Directory of structures, projected from their events."""

    async def find(self, structures: Iterable[str]) -> Directory:
        """Find those of these structures that exist."""


class RateLimit(Protocol):
    """Hourly rate limit of each caller."""

    an_hour: int
    """Requests that one caller may make in an hour."""

    async def count_request(self, who: str) -> bool:
        """Count one request; True when it exceeds the limit."""
