"""Bodies of the HTTP answers of routing."""

from datetime import date, datetime
from typing import Any

from pydantic import Field

from services.routing.domain.dossier import State
from shared.answers.pieces import (
    ActorAnswer,
    Answer,
    CadreAnswer,
    ChangeAnswer,
    PieceAnswer,
    PrevailingAnswer,
)
from shared.circuit.statuses import Act
from shared.contracts.common_v1 import AmountsV1, PartiesV1
from shared.vocabulary.statuses import Status


class StampOut(Answer):
    """When a piece last entered a status, and what was said of it."""

    status: Status
    status_label: str
    at: datetime
    motive: str | None = None
    motive_label: str | None = None
    comment: str | None = None


class PieceOut(PieceAnswer):
    """A piece, and what has become of it."""

    issued_on: date
    currency: str
    amounts: AmountsV1
    changes: tuple[ChangeAnswer, ...]
    comment: str | None
    stamps: tuple[StampOut, ...]
    file_sha256: str
    attachments: tuple[str, ...]


class HoldOut(Answer):
    """Why the one awaited has not got the piece yet."""

    code: str
    message: str
    structure: str


class TurnOut(Answer):
    """Somebody else who may act: the first of all to do so decides."""

    actor: ActorAnswer
    cadres: tuple[CadreAnswer, ...]
    acts: tuple[Act, ...]


class AwaitedOut(Answer):
    """Who must act on which piece, how, since when and until when."""

    actor: ActorAnswer
    piece_id: str
    cadres: tuple[CadreAnswer, ...]
    acts: tuple[Act, ...]
    since: datetime
    due: datetime | None
    others: tuple[TurnOut, ...]
    hold: HoldOut | None


class DossierOut(Answer):
    """A dossier as a party sees it."""

    dossier_id: str
    version: int
    state: State
    table_version: str
    parties: PartiesV1
    pieces: tuple[PieceOut, ...]
    prevailing: PrevailingAnswer | None
    awaited: AwaitedOut | None


class VerificationOut(Answer):
    """What recomputing the audit trail found."""

    is_valid: bool
    entries: int
    fault_version: int | None
    fault: str | None


class AuditOut(Answer):
    """The audit trail: each entry whole, so that anybody can recompute its hash."""

    entries: tuple[dict[str, Any], ...]
    verification: VerificationOut


class AwaitedPieceOut(Answer):
    """A line of the Synthèse."""

    dossier_id: str
    piece: PieceOut
    prevailing: PrevailingAnswer | None
    differences: tuple[ChangeAnswer, ...] = Field(
        description="Where the piece states other totals than those that prevail (`previous`)."
    )
    awaited: AwaitedOut


class ServiceCountOut(Answer):
    """How many pieces await a service; None for those that name none."""

    service: str | None
    count: int


class AwaitedPiecesOut(Answer):
    """What awaits a structure, oldest first."""

    pieces: tuple[AwaitedPieceOut, ...]
    services: tuple[ServiceCountOut, ...]
    next: str | None


class TreatmentsOut(Answer):
    """What the caller may do to a piece now; empty acts have a reason."""

    piece_id: str
    acts: tuple[Act, ...]
    cadres: tuple[CadreAnswer, ...]
    reason: str | None


class MotiveOut(Answer):
    """A motive of refusal. One that blocks the refusal says what to do instead."""

    code: str
    label: str
    needs_comment: bool
    blocks: bool
    answer: str | None
