"""Ports of the use cases: dossiers, audit trails, structures, messages to publish."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from services.routing.application.journey import Entry, Journey
from services.routing.domain.dossier import Dossier
from shared.circuit.parties import Structure
from shared.contracts.outgoing import Outgoing
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a list of what is awaited, oldest first."""

    since: datetime
    dossier_id: str


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry of the audit trail as the store holds it: the bytes that its hash vouches for."""

    entry: Entry
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Report:
    """What the verification of an audit trail found."""

    entries: int
    is_valid: bool
    fault_version: int | None = None
    """Version of the first entry that does not hold."""
    fault: str | None = None


class Archive(Protocol):
    """Reads what routing knows."""

    async def find_journey(self, dossier_id: str) -> Journey | None: ...

    async def find_journey_of_piece(self, piece_id: str) -> Journey | None: ...

    async def read_trail(self, dossier_id: str) -> Sequence[StoredEntry]:
        """Read the audit trail, oldest entry first. Entries that cannot be read are left out."""

    async def verify(self, dossier_id: str) -> Report | None:
        """Recompute the whole audit trail; None for a dossier that does not exist."""

    async def list_awaited(
        self, actor: Actor, after: Position | None, limit: int
    ) -> Sequence[Dossier]:
        """List the dossiers that await a structure in a role, oldest first.

        Those of one service when `actor` names it.
        """

    async def count_awaited(self, actor: Actor) -> Mapping[str | None, int]:
        """Count what awaits a structure in a role, by service."""

    async def count_held(self) -> int: ...

    async def find_oldest_awaited(self, role: Role) -> datetime | None:
        """Tell since when the piece waits that has awaited a role longest."""

    async def find_structures(self, structures: Collection[str]) -> Mapping[str, Structure]: ...


class Work(Archive, Protocol):
    """One transaction: what it keeps and what it says take effect together, or not at all."""

    async def find_journeys(self, dossier_ids: Collection[str]) -> dict[str, Journey]: ...

    async def find_owners(self, pieces: Collection[str]) -> dict[str, str]:
        """Find which of these pieces a dossier holds, and which one, by piece id."""

    async def find_held_by(self, structures: Collection[str]) -> Sequence[Journey]:
        """Find the dossiers that wait for one of these structures to be set right."""

    async def find_held(self, after: str) -> Sequence[Journey]:
        """Find a page of the dossiers that wait for any structure, by id."""

    async def find_late(self, now: datetime, after: str) -> Sequence[Journey]:
        """Find a page of the dossiers in which a delay has passed, by id."""

    def seal(self, journey: Journey) -> None:
        """Chain what has happened to a dossier behind the last entry of its trail."""

    async def keep(self, journeys: Collection[Journey]) -> None:
        """Write dossiers and the new entries of their trails."""

    def publish(self, message: Outgoing) -> None: ...

    def log(self, event: str, **fields: object) -> None:
        """Log what an operator should know."""
