"""Commands to a dossier: deposits and completions (messages), treatments (HTTP), time passing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from shared.circuit.parties import Parties, Party
from shared.circuit.statuses import Act
from shared.vocabulary.actors import Actor
from shared.vocabulary.amounts import Amounts
from shared.vocabulary.cadres import Cadre
from shared.vocabulary.roles import Role


@dataclass(frozen=True, slots=True)
class Deposit:
    """A piece for which the service deposit has given a certificate.

    `follows` is None for the piece that opens the dossier. `parties` of a next piece name the
    structures of the dossier; their services may be told later than at the opening.
    """

    piece_id: str
    dossier_id: str
    cadre: Cadre
    number: str
    issued_on: date
    currency: str
    amounts: Amounts
    depositor: Actor
    parties: Parties
    follows: str | None
    engagement: str | None
    file_sha256: str
    file_size_bytes: int
    certificate_sha256: str
    table_version: str
    deposited_at: datetime
    attachments: tuple[str, ...] = ()
    """The SHA-256 of each, in the order deposited."""
    comment: str | None = None
    type_code: str | None = None
    """BT-3, UNTDID 1001; trails that are older do not hold it."""


@dataclass(frozen=True, slots=True)
class Complete:
    """What an actor adds to a piece, in files: what a suspended one lacks, or why it contests."""

    piece_id: str
    actor: Actor
    attachments: tuple[str, ...]
    comment: str | None
    completed_at: datetime
    act: Act = Act.COMPLETER
    certificate_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """What a recycled piece says otherwise than before: to whom it goes, under which engagement."""

    parties: Mapping[Role, Party] = field(default_factory=dict)
    engagement: str | None = None


@dataclass(frozen=True, slots=True)
class Treat:
    """An act of whoever the dossier awaits, one of `shared.circuit.statuses.TREATMENTS`."""

    piece_id: str
    act: Act
    actor: Actor
    motive: str | None = None
    comment: str | None = None
    correction: Correction | None = None
    """What a recycling puts right."""


@dataclass(frozen=True, slots=True)
class Rejudge:
    """A structure of the dossier has changed: release it if it was held, or keep it."""


@dataclass(frozen=True, slots=True)
class Elapse:
    """Time has passed: what follows from a delay that is over."""


Command = Deposit | Complete | Treat | Rejudge | Elapse
