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
    """A deposited piece, which has a certificate.

    `follows` is None for the piece that opens the dossier. The `parties` of a next piece are the
    structures of the dossier; their services may be added after the opening.
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
    """SHA-256 of each attachment, in the order deposited."""
    comment: str | None = None
    type_code: str | None = None
    """BT-3, UNTDID 1001; older trails do not hold it."""
    mandant: str | None = None
    """Structure for which the MOA acts under a mandate; older trails hold none."""
    marche: str | None = None
    """Number of the marché; older trails do not hold it."""
    settles: tuple[str, ...] = ()
    """Dossiers that a facture de régularisation settles."""
    delays: Mapping[str, int] = field(default_factory=dict)
    """Days of the delays from which the marché derogates, by the name of the delay."""


@dataclass(frozen=True, slots=True)
class Complete:
    """Files added to a piece: a completion, or a contestation."""

    piece_id: str
    actor: Actor
    attachments: tuple[str, ...]
    comment: str | None
    completed_at: datetime
    act: Act = Act.COMPLETER
    certificate_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """Correction of a recycled piece: its new parties and engagement."""

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
    """Correction by a recycling; None for the other acts."""


@dataclass(frozen=True, slots=True)
class Rejudge:
    """Judge a held dossier again after a structure changed."""


@dataclass(frozen=True, slots=True)
class ApplyDelay:
    """Command of the timer: apply the delay that has ended."""


@dataclass(frozen=True, slots=True)
class Remind:
    """Command of the timer: remind the awaited actor of its delay."""


Command = Deposit | Complete | Treat | Rejudge | ApplyDelay | Remind
