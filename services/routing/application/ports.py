"""Ports of the use cases: dossiers, audit trails, structures, messages to publish."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from services.routing.application.journey import Entry, Journey
from services.routing.domain.dossier import Dossier
from shared.application.idempotency import Key, UsedKey
from shared.circuit.mandates import Mandate
from shared.circuit.parties import Directory
from shared.contracts.outgoing import Outgoing
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role


@dataclass(frozen=True, slots=True)
class Position:
    """Position in a list of awaited pieces, oldest first: a cursor."""

    since: datetime
    dossier_id: str


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry of the audit trail, with the document that its hash is computed from."""

    entry: Entry
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Report:
    """Result of the verification of an audit trail."""

    entries: int
    is_valid: bool
    fault_version: int | None = None
    """Version of the first wrong entry, None if it has none.

    When no entry is wrong, but the end of the trail, the dossier or its search keys: the last
    version, as stored.
    """
    fault: str | None = None


class Dossiers(Protocol):
    """Reads of dossiers and of their audit trails."""

    async def find_journey(self, dossier_id: str) -> Journey | None: ...

    async def find_journey_of_piece(self, piece_id: str) -> Journey | None: ...

    async def read_trail(self, dossier_id: str) -> Sequence[StoredEntry]:
        """Read the audit trail, oldest entry first, up to the first one that cannot be read."""

    async def verify(self, dossier_id: str) -> Report | None:
        """Verify the whole audit trail; None for a dossier that does not exist."""

    async def list_awaited(
        self, actor: Actor, after: Position | None, limit: int
    ) -> Sequence[Dossier]:
        """List the dossiers that await a structure in a role, oldest first.

        Only those of one service when `actor` names it.
        """

    async def count_awaited(self, actor: Actor) -> Mapping[str | None, int]:
        """Count the pieces that await a structure in a role, by service."""

    async def count_held(self) -> int: ...

    async def find_oldest_awaited(self, role: Role) -> datetime | None:
        """Find since when the oldest awaited piece of a role waits; None when none waits."""

    async def find_held(self) -> Collection[str]:
        """List the ids of the held dossiers, which wait for a structure to be corrected."""

    async def find_held_by(self, structures: Collection[str]) -> Mapping[str, str]:
        """Find the dossiers held because of one of these structures, up to a limit.

        Returns the id of that structure, by dossier id.
        """

    async def find_late(self, now: datetime) -> Collection[str]:
        """List the ids of the dossiers in which a delay has passed."""

    async def find_to_remind(self, now: datetime) -> Collection[str]:
        """List the ids of the dossiers in which an actor is to be reminded of its delay."""


class DossierChange(Dossiers, Protocol):
    """One transaction over dossiers: what it writes and publishes is committed together."""

    @property
    def level(self) -> int:
        """The level written: the write level, or a higher one of a message or document read.

        Decide by it only after the reads of the transaction, which may raise it.
        """

    async def find_journeys(self, dossier_ids: Collection[str]) -> dict[str, Journey]: ...

    async def find_directory(self, needed: Mapping[str, Collection[str]]) -> Directory:
        """Find the structures that dossiers need; `needed` lists their ids by dossier id.

        Raises a transient error that names the dossiers whose structures are of a newer version.
        """

    async def find_mandates(self, needed: Mapping[str, Collection[str]]) -> Sequence[Mandate]:
        """Find the mandates of the mandants of dossiers; `needed` lists them by dossier id.

        Raises a transient error that names the dossiers whose mandates are of a newer version.
        """

    async def find_owners(self, pieces: Collection[str]) -> dict[str, str]:
        """Find the dossier of each of these pieces, by piece id."""

    def seal(self, journey: Journey) -> None:
        """Hash the new entries of a dossier, after its last stored one; `keep` writes them."""

    async def keep(self, journeys: Collection[Journey]) -> None:
        """Write dossiers, and the entries of their trails that have been sealed."""

    async def keep_ranks(self, journey: Journey) -> None:
        """Write the ranks of messages alone; no other change of the dossier commits beside it."""

    async def find_key_use(self, key: Key | None) -> UsedKey | None:
        """Find what an idempotency key was used for; None without a key."""

    async def record_key_use(self, key: Key | None, piece_id: str) -> None:
        """Record that an idempotency key was used for a piece; nothing without a key."""

    def publish(self, message: Outgoing) -> None: ...

    def log(self, event: str, **fields: object) -> None:
        """Log an event for the operator, once the transaction has committed."""
