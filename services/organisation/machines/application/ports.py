"""Ports of machines: their store, one transaction over it, secrets and signatures."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from services.organisation.audit.application.ports import AuditedChange
from services.organisation.machines.domain.machines import Machine
from shared.application.mail import Mail

T = TypeVar("T")


class MachineChange(AuditedChange, Protocol):
    """One transaction over machines: all that it does is committed together."""

    async def load(self, client_id: str) -> Machine | None:
        """Read a machine; None when there is none."""

    async def save(self, machine: Machine) -> None:
        """Write a machine."""

    async def count(self, structure: str) -> int:
        """Count the machines of a structure, those to which it grants scopes included."""

    async def list_main_managers(self, structure: str) -> Mapping[str, str]:
        """List the main managers of a structure: the address of each, by the id of its account."""

    async def find_name(self, structure: str) -> str:
        """Find the name of a structure."""

    async def queue_mail(self, mail: Mail) -> None:
        """Queue a mail, sent once the transaction has committed."""


class Machines(Protocol):
    """Store of machines."""

    async def change(self, work: Callable[[MachineChange], Awaitable[T]]) -> T:
        """Run `work` in a transaction; it may run several times."""

    async def find(self, client_id: str) -> Machine | None:
        """Read a machine."""

    async def list_of(self, structure: str) -> Sequence[Machine]:
        """List the machines of a structure, those to which it grants scopes included."""

    async def find_expiring(self, before: datetime) -> Collection[str]:
        """Find the machines with a secret that expires before a moment, and is not announced."""


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret in clear, which is shown once, and what is kept of it."""

    text: str
    digest: str


class SecretMaker(Protocol):
    """Makes secrets, and compares them in constant time."""

    def make(self) -> NewSecret:
        """Make a secret of 256 random bits."""

    def matches(self, text: str, digests: Sequence[str]) -> str | None:
        """Return the digest that a secret has; None when it has none of them."""


class Signer(Protocol):
    """Signs access tokens."""

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Sign the claims of a token: a JWT."""


class FailureLimit(Protocol):
    """Rate limit of failed authentications, by client and network address."""

    async def is_exceeded(self, client_id: str, address: str) -> bool:
        """Tell whether there were too many failures."""

    async def count(self, client_id: str, address: str) -> None:
        """Count one failure."""


@dataclass(frozen=True, slots=True)
class MachinePorts:
    """What the use cases of machines need."""

    machines: Machines
    secrets: SecretMaker
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    secret_life: timedelta
    origin: str
    """Origin of the links in mails."""
