"""What the routes answer."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from services.routing.domain.dossier import State
from shared.circuit.statuses import Act
from shared.contracts.common_v1 import AmountsV1, PartiesV1
from shared.contracts.fields import Difference, Montant
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status


class Answer(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)


class ActorOut(Answer):
    """A structure in a role."""

    role: Role
    role_label: str
    structure: str
    service: str | None


class CadreOut(Answer):
    """A cadre with its words."""

    code: str
    label: str


class StampOut(Answer):
    """When a piece last entered a status, and what was said of it."""

    status: Status
    label: str
    at: datetime
    motive: str | None = None
    motive_label: str | None = None
    comment: str | None = None


class ChangeOut(Answer):
    """A total that differs from the one stated by the piece before."""

    field: str
    previous: Montant
    now: Montant
    difference: Difference


class PieceOut(Answer):
    """A piece, and what has become of it."""

    piece_id: str
    follows: str | None
    cadre: CadreOut
    number: str
    issued_on: date
    currency: str
    amounts: AmountsV1
    changes: tuple[ChangeOut, ...]
    depositor: ActorOut
    engagement: str | None
    comment: str | None
    status: Status
    status_label: str
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

    actor: ActorOut
    cadres: tuple[CadreOut, ...]
    acts: tuple[Act, ...]


class AwaitedOut(Answer):
    """Who must act on which piece, how, since when and until when."""

    actor: ActorOut
    piece_id: str
    cadres: tuple[CadreOut, ...]
    acts: tuple[Act, ...]
    since: datetime
    due: datetime | None
    others: tuple[TurnOut, ...]
    hold: HoldOut | None


class PrevailingOut(Answer):
    """The amounts that hold, the piece that states them, and whether they may still change."""

    piece_id: str
    amounts: AmountsV1
    is_settled: bool


class DossierOut(Answer):
    """A dossier as a party sees it."""

    dossier_id: str
    version: int
    state: State
    table_version: str
    parties: PartiesV1
    pieces: tuple[PieceOut, ...]
    prevailing: PrevailingOut | None
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
    prevailing: PrevailingOut | None
    differences: tuple[ChangeOut, ...] = Field(
        description="Where the piece states other totals than those that prevail (`previous`)."
    )
    awaited: AwaitedOut


class ServiceCountOut(Answer):
    """How many pieces await a service; None for those that name none."""

    service: str | None
    count: int


class SyntheseOut(Answer):
    """What awaits a structure, oldest first."""

    items: tuple[AwaitedPieceOut, ...]
    services: tuple[ServiceCountOut, ...]
    next: str | None


class TreatmentsOut(Answer):
    """What the caller may do to a piece now; empty acts have a reason."""

    piece_id: str
    acts: tuple[Act, ...]
    cadres: tuple[CadreOut, ...]
    reason: str | None


class MotiveOut(Answer):
    """A motive of refusal. One that blocks the refusal says what to do instead."""

    code: str
    label: str
    needs_comment: bool
    blocks: bool
    answer: str | None
