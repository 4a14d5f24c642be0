"""Ports of the use cases: stores, reader, certificates, and the values that they exchange."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from services.deposit.domain.invoice import Invoice
from services.deposit.domain.piece import Completion, Piece
from services.deposit.domain.turns import DossierState
from shared.application.idempotency import Key, UsedKey
from shared.application.uploads import FileStore
from shared.circuit.parties import Directory
from shared.circuit.table import Circuit
from shared.vocabulary.cadres import Cadre
from shared.vocabulary.roles import Role

Clock = Callable[[], datetime]
NewId = Callable[[], str]


class SaturatedError(Exception):
    """More deposits wait than can be read or kept soon: the caller is to come back."""


Reader = Callable[[bytes, str, str], Awaitable[Invoice]]
"""Reads the e-invoice in a file, given its content, its name and its sender.

Raises `Unreadable`; `SaturatedError` when too many wait. Files of several senders are read in turn.
"""
Certifier = Callable[[Piece, Directory, Completion | None], Awaitable[bytes]]
"""Writes the certificate of a deposit, or of what was added to the piece."""


@dataclass(frozen=True, slots=True)
class Depositor:
    """Who would deposit a piece, and of which cadre."""

    role: Role
    structure: str
    cadre: Cadre


class Structures(Protocol):
    """The projection of structures."""

    async def find(self, structures: Iterable[str]) -> Directory:
        """Find those that exist."""


class Dossiers(Protocol):
    """The projection of dossiers."""

    async def find(self, dossier_id: str) -> DossierState | None:
        """Find what routing last told; None before it told anything."""

    async def find_awaiting(self, who: Depositor, titulaire: str) -> str | None:
        """Find a piece that awaits such a deposit in a dossier of a titulaire."""


class Pieces(Protocol):
    """The pieces as deposited."""

    async def get(self, piece_id: str) -> Piece | None:
        """Find a piece."""

    async def find_by_number(self, depositor: str, number: str) -> Piece | None:
        """Find the piece of a depositor by its number."""

    async def find_with_number(self, number: str, role: Role, structure: str) -> list[Piece]:
        """Find the pieces of a number in the dossiers of a structure."""

    async def list_ids(self, dossier_id: str) -> set[str]:
        """List the pieces deposited in a dossier."""

    async def find_key_use(self, key: Key) -> UsedKey | None:
        """Find what an idempotency key served for."""


class Refusal(StrEnum):
    """Why the ledger did not keep a deposit, found only when it was about to."""

    NUMBER_SPENT = "number spent"
    KEY_REUSED = "key reused"


@dataclass(frozen=True, slots=True)
class RecordedDeposit:
    """A deposit that is kept: its piece, or that of the same deposit sent before."""

    piece_id: str
    is_replay: bool


class Ledger(Protocol):
    """Keeps deposits, durably, each with its event."""

    async def record(self, piece: Piece, key: Key | None) -> RecordedDeposit | Refusal:
        """Keep a piece, or raise `SaturatedError`."""

    async def complete(self, piece: Piece, completion: Completion) -> bool:
        """Keep a completion; False when this suspension was already answered."""


@dataclass(frozen=True, slots=True)
class Ports:
    """All the ports."""

    reader: Reader
    structures: Structures
    dossiers: Dossiers
    pieces: Pieces
    ledger: Ledger
    vault: FileStore
    certify: Certifier
    clock: Clock
    new_id: NewId


@dataclass(frozen=True, slots=True)
class Policy:
    """What is settable about a deposit."""

    circuit: Circuit
    """The table by which new dossiers open."""
    max_number_length: int
    max_read_at_once: int
    """Deposits whose files are in memory at the same time."""
    require_moa: bool = True
    read_wait_s: float = 60.0
    """How long a deposit waits for its turn before its sender is told to come back."""
