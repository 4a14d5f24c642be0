"""Ports of structures: their store, one transaction over it, and what SIRENE says."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from services.organisation.structures.domain.establishment import Establishment
from services.organisation.structures.domain.structure import Structure
from shared.contracts.outgoing import Outgoing
from shared.rights.model import Requester
from shared.vocabulary.structures import StructureKind

T = TypeVar("T")
Details = Mapping[str, str | int | bool | tuple[str, ...] | None]
"""Details of an act: plain values, without personal data."""


@dataclass(frozen=True, slots=True)
class Act:
    """An act about a structure, for its audit trail: no personal data."""

    name: str
    by: str
    """Id of the account that acted, or the platform's name for a command."""
    details: Details = field(default_factory=dict)


class Change(Protocol):
    """One transaction over structures: all that it does is committed together."""

    async def load(self, structure: str) -> Structure | None:
        """Read a structure; None when there is none."""

    async def save(self, structure: Structure) -> None:
        """Write the new version of a structure."""

    async def find_establishment(self, siret: str) -> Establishment | None:
        """Find what SIRENE says of an establishment; None when nothing was loaded of it."""

    async def record(self, structure: str, act: Act) -> None:
        """Append an act to the audit trail of a structure."""

    async def appoint_first_manager(self, structure: Structure, requester: Requester) -> str:
        """Make a caller the first main manager of a structure that it creates.

        Returns the id of its account.
        """

    async def find_unready_managers(self, structure: str) -> Sequence[str]:
        """Find the managers without a recorded account on the PIGP: their ids."""

    def publish(self, message: Outgoing) -> None:
        """Publish a message through the outbox, when the transaction commits."""


class Structures(Protocol):
    """Store of structures."""

    async def change(self, work: Callable[[Change], Awaitable[T]]) -> T:
        """Run `work` in a transaction; it may run several times."""

    async def find(self, structure: str) -> Structure | None:
        """Read a structure."""

    async def find_existing(self, structures: Collection[str]) -> Collection[Structure]:
        """Find those of these structures that exist."""

    async def search(
        self, query: str, kind: StructureKind | None, after: str, limit: int
    ) -> Sequence[Structure]:
        """List structures by id, from the one after `after`, whose name or identifier matches."""


class Establishments(Protocol):
    """Store of what SIRENE says of establishments."""

    async def find(self, siret: str) -> Establishment | None:
        """Find an establishment."""

    async def find_known(self, sirets: Collection[str]) -> Mapping[str, Establishment]:
        """Find those of these establishments that are known, by SIRET."""

    async def save(self, establishments: Sequence[Establishment]) -> None:
        """Write establishments over those of before."""
