"""Ports of the use cases: stores, reader, certificates, and their values."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from services.deposit.domain.invoice import Invoice
from services.deposit.domain.piece import Completion, Piece
from services.deposit.domain.turns import DossierState
from shared.application.idempotency import Key, UsedKey
from shared.application.uploads import FileStore
from shared.circuit.mandates import Mandate
from shared.circuit.parties import Directory
from shared.circuit.sheets import Sheet
from shared.circuit.table import Circuit
from shared.vocabulary.cadres import Cadre
from shared.vocabulary.levels import LEVEL
from shared.vocabulary.roles import Role

Clock = Callable[[], datetime]
NewId = Callable[[], str]


class SaturatedError(Exception):
    """Too many deposits wait to be read or stored: the answer is 503 with Retry-After."""


Reader = Callable[[bytes, str, str], Awaitable[Invoice]]
"""Reads the e-invoice in a file; the arguments are its content, its name and its sender.

Senders are served in turn. Raises `Unreadable`, or `SaturatedError` when too many wait.
"""
Certifier = Callable[[Piece, Directory, Completion | None], Awaitable[bytes]]
"""Writes the certificate of a deposit or of a completion."""


@dataclass(frozen=True, slots=True)
class Depositor:
    """Depositor of a possible next piece: its role, its structure, and the cadre."""

    role: Role
    structure: str
    cadre: Cadre


class Structures(Protocol):
    """The projection of structures."""

    async def find(self, structures: Iterable[str]) -> Directory:
        """Find those of these structures that exist."""


class Mandates(Protocol):
    """The projection of mandates."""

    async def find(self, mandants: Sequence[str]) -> tuple[Mandate, ...]:
        """Find every mandate that these mandants have given."""


class Sheets(Protocol):
    """The projection of sheets of marchés."""

    async def find(self, moa: str, number: str) -> Sheet | None:
        """Find the sheet of a marché, by the structure whose marché it is and its number."""


class Dossiers(Protocol):
    """The projection of dossiers."""

    async def find(self, dossier_id: str) -> DossierState | None:
        """Find the state that routing published last; None before the first one."""

    async def find_awaiting(self, who: Depositor, titulaire: str) -> str | None:
        """Find the id of a piece that awaits this deposit in a dossier of a titulaire, if any."""


class Pieces(Protocol):
    """The pieces as deposited."""

    async def get(self, piece_id: str) -> Piece | None:
        """Find a piece."""

    async def find_by_number(self, depositor: str, number: str) -> Piece | None:
        """Find the piece of a depositor by its number."""

    async def find_with_number(self, number: str, role: Role, structure: str) -> list[Piece]:
        """Find the pieces with a number in whose dossiers a structure has a role."""

    async def list_ids(self, dossier_id: str) -> set[str]:
        """List the ids of the pieces deposited in a dossier."""

    async def find_settlements(self, dossiers: Iterable[str]) -> Mapping[str, str]:
        """Find the facture de régularisation that claims each of these dossiers, if any.

        Returns ids of pieces by id of dossier.
        """

    async def find_key_use(self, key: Key) -> UsedKey | None:
        """Find what an idempotency key was used for."""


class Refusal(StrEnum):
    """Why the ledger refused a deposit when it wrote its group."""

    NUMBER_SPENT = "number spent"
    KEY_REUSED = "key reused"
    ALREADY_SETTLED = "already settled"


@dataclass(frozen=True, slots=True)
class RecordedDeposit:
    """A deposit that is stored: its piece, or that of the same deposit sent before."""

    piece_id: str
    is_replay: bool


@dataclass(frozen=True, slots=True)
class RecordedAddition:
    """Result of writing a completion or a contest."""

    is_written: bool
    used: UsedKey | None = None
    """Use of its idempotency key, when the key was used before."""


class Ledger(Protocol):
    """Writes deposits durably, each with its event."""

    async def record(
        self, piece: Piece, key: Key | None, level: int, freed: frozenset[str] = frozenset()
    ) -> RecordedDeposit | Refusal:
        """Write a piece, at `level` at least. Raises `SaturatedError` when too many wait.

        It claims the dossiers that it settles, also from the `freed` pieces, which were refused.
        """

    async def complete(
        self, piece: Piece, completion: Completion, key: Key | None, level: int
    ) -> RecordedAddition:
        """Write a completion or a contest, at `level` at least.

        Nothing is written when its key was used before, or this version of the dossier has one.
        """


@dataclass(frozen=True, slots=True)
class Ports:
    """Dependencies of the use cases."""

    reader: Reader
    structures: Structures
    mandates: Mandates
    sheets: Sheets
    dossiers: Dossiers
    pieces: Pieces
    ledger: Ledger
    vault: FileStore
    certify: Certifier
    clock: Clock
    new_id: NewId


@dataclass(frozen=True, slots=True)
class Policy:
    """Settings of the use cases of a deposit."""

    circuit: Circuit
    """Version of the circuit for new dossiers."""
    max_number_length: int
    max_read_at_once: int
    """Limit of deposits whose files are in memory at the same time."""
    require_moa: bool = True
    read_wait_s: float = 60.0
    """Timeout of the wait for a turn, in seconds; over it `SaturatedError` is raised."""
    level: int = LEVEL
    """Write level: acts above it are refused."""
