"""Ports that every feature of support needs: clock, directory of structures, rate limits."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.support.desks.domain.parties import Issuer, Recipient, mailbox
from shared.circuit.parties import Directory

Clock = Callable[[], datetime]


class Structures(Protocol):
    """The structures that the directory has told."""

    async def find(self, structures: Iterable[str]) -> Directory:
        """Find those that exist."""


async def named(structures: Structures, *parties: Issuer | Recipient | None) -> Directory:
    """Find the structures of these parties in the directory."""
    ids = {each.structure for each in parties if each and each.structure}
    return await structures.find(ids) if ids else {}


class Rate(Protocol):
    """How often each comer does something, by hour."""

    an_hour: int
    """How many one comer may do."""

    async def is_exceeded(self, who: str) -> bool:
        """Count one."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be sent without an account, by network address and by e-mail address."""

    by_address: Rate
    by_email: Rate

    async def exceeded(self, email: str, address: str) -> str | None:
        """Count one, and say in French what is over its limit."""
        counted = (
            ("adresse réseau", self.by_address, address),
            ("adresse électronique", self.by_email, mailbox(email)),
        )
        for what, rate, who in counted:
            if await rate.is_exceeded(who):
                return f"{what}, {rate.an_hour} au plus"
        return None
