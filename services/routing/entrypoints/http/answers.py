"""Bodies of the HTTP answers of routing: a dossier, who is awaited, its audit trail."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, Self

from pydantic import Field

from services.routing.application.amounts import find_prevailing, list_changes, list_differences
from services.routing.application.journey import list_acts
from services.routing.application.views import AuditView, DossierView
from services.routing.domain.dossier import Dossier, Hold, Piece, State
from services.routing.domain.stamps import Stamp
from services.routing.entrypoints.http.delay_start_answers import (
    DelayStartAnswer,
    DelayStartsAnswer,
)
from shared.answers.answer import Answer
from shared.answers.pieces import (
    ActorAnswer,
    CadreAnswer,
    ChangeAnswer,
    PieceAnswer,
    PrevailingAnswer,
)
from shared.circuit.labels import label_cadre
from shared.circuit.motives import Motive, find_motive_label
from shared.circuit.statuses import Act
from shared.contracts.common_v1 import AmountsV1, PartiesV1
from shared.vocabulary.actors import Actor
from shared.vocabulary.amounts import Change
from shared.vocabulary.cadres import Cadre
from shared.vocabulary.labels import STATUSES
from shared.vocabulary.statuses import Status


class StampAnswer(Answer):
    """When a piece entered a status, and the motive and comment given then."""

    status: Status
    status_label: str
    at: datetime
    rank: int = Field(description="Combien de fois la pièce avait alors pris ce statut, depuis 1.")
    motive: str | None = None
    motive_label: str | None = None
    comment: str | None = None

    @classmethod
    def of(cls, stamp: Stamp) -> Self:
        """Show a stamp."""
        return cls(
            status=stamp.status,
            status_label=STATUSES[stamp.status],
            at=stamp.at,
            rank=stamp.rank,
            motive=stamp.motive,
            motive_label=find_motive_label(stamp.motive) if stamp.motive else None,
            comment=stamp.comment,
        )


class RoutedPieceAnswer(PieceAnswer):
    """A piece of a dossier, with its statuses and what it changes of the piece before."""

    issued_on: date
    currency: str
    amounts: AmountsV1
    changes: tuple[ChangeAnswer, ...]
    comment: str | None
    stamps: tuple[StampAnswer, ...]
    file_sha256: str
    attachments: tuple[str, ...]

    @classmethod
    def of(cls, shown: DossierView, piece: Piece) -> Self:
        """Show a piece of a dossier."""
        dossier = shown.dossier
        return cls(
            piece_id=piece.id,
            dossier_id=dossier.id,
            follows=piece.follows,
            cadre=piece.cadre,
            cadre_label=label_cadre(piece.cadre, dossier.table_version),
            number=piece.number,
            issued_on=piece.deposit.issued_on,
            currency=piece.deposit.currency,
            amounts=AmountsV1.of(piece.amounts),
            changes=_show_changes(list_changes(dossier, piece)),
            depositor=ActorAnswer.of_actor(piece.depositor),
            engagement=piece.deposit.engagement,
            comment=piece.deposit.comment,
            status=piece.status,
            status_label=STATUSES[piece.status],
            stamps=tuple(map(StampAnswer.of, shown.stamps[piece.id])),
            file_sha256=piece.deposit.file_sha256,
            attachments=piece.attachments,
        )


class HoldAnswer(Answer):
    """The rule that holds a dossier back, and the structure to correct."""

    code: str
    message: str
    structure: str

    @classmethod
    def of(cls, hold: Hold) -> Self:
        """Show why a dossier is held."""
        return cls(code=hold.reason, message=hold.message, structure=hold.structure)


class TurnAnswer(Answer):
    """Somebody else who may act: the first of all to do so decides."""

    actor: ActorAnswer
    cadres: tuple[CadreAnswer, ...]
    acts: tuple[Act, ...]

    @classmethod
    def of(cls, dossier: Dossier, actor: Actor, cadres: Iterable[Cadre], level: int) -> Self:
        """Show what an actor may do at a write level, and which cadres it may deposit."""
        return cls(
            actor=ActorAnswer.of_actor(actor),
            cadres=show_cadres(dossier, cadres),
            acts=list_acts(dossier, actor.role, level),
        )


class AwaitedAnswer(TurnAnswer):
    """Who must act on which piece, how, since when and until when."""

    piece_id: str
    since: datetime
    due: datetime | None
    others: tuple[TurnAnswer, ...]
    hold: HoldAnswer | None

    @classmethod
    def of_dossier(cls, dossier: Dossier, level: int) -> Self | None:
        """Show who must act; None when nobody must."""
        awaited, hold = dossier.awaited, dossier.hold
        if awaited is None:
            return None
        return cls(
            **dict(TurnAnswer.of(dossier, awaited.actor, awaited.cadres, level)),
            piece_id=awaited.piece_id,
            since=awaited.since,
            due=awaited.due,
            others=tuple(
                TurnAnswer.of(dossier, each.actor, each.cadres, level) for each in awaited.others
            ),
            hold=HoldAnswer.of(hold) if hold else None,
        )


class DossierAnswer(Answer):
    """A dossier as a party sees it."""

    dossier_id: str
    version: int
    state: State
    table_version: str
    parties: PartiesV1
    pieces: tuple[RoutedPieceAnswer, ...]
    prevailing: PrevailingAnswer | None
    awaited: AwaitedAnswer | None
    mandant: str | None = Field(
        description="Structure pour laquelle la maîtrise d'ouvrage agit sous mandat ; absente "
        "quand elle agit pour elle-même."
    )
    delay_starts: DelayStartsAnswer

    @classmethod
    def of(cls, shown: DossierView, level: int) -> Self:
        """Show a dossier, with the acts that a write level offers."""
        dossier = shown.dossier
        return cls(
            dossier_id=dossier.id,
            version=dossier.version,
            state=dossier.state,
            table_version=dossier.table_version,
            parties=PartiesV1.of(dossier.parties),
            pieces=tuple(RoutedPieceAnswer.of(shown, piece) for piece in dossier.pieces),
            prevailing=_show_prevailing(dossier),
            awaited=AwaitedAnswer.of_dossier(dossier, level),
            mandant=dossier.mandant,
            delay_starts=DelayStartsAnswer(
                starts=tuple(DelayStartAnswer.of(dossier, each) for each in shown.starts)
            ),
        )


class VerificationAnswer(Answer):
    """Result of the verification of an audit trail, whose hashes are computed again."""

    is_valid: bool
    entries: int
    fault_version: int | None
    fault: str | None


class AuditAnswer(Answer):
    """The audit trail: each entry whole, so that anybody can recompute its hash."""

    entries: tuple[dict[str, Any], ...]
    verification: VerificationAnswer

    @classmethod
    def of(cls, view: AuditView) -> Self:
        """Show an audit trail and its verification."""
        return cls(
            entries=tuple(dict(kept.document) for kept in view.entries),
            verification=VerificationAnswer(**asdict(view.report)),
        )


class AwaitedPieceAnswer(Answer):
    """A piece that awaits a structure, with the amounts that prevail in its dossier."""

    dossier_id: str
    piece: RoutedPieceAnswer
    prevailing: PrevailingAnswer | None
    differences: tuple[ChangeAnswer, ...] = Field(
        description="Where the piece states other totals than those that prevail (`previous`)."
    )
    awaited: AwaitedAnswer


class ServiceCountAnswer(Answer):
    """Number of pieces that await a service; `service` is None for those that name none."""

    service: str | None
    count: int


class AwaitedPiecesAnswer(Answer):
    """The pieces that await a structure, oldest first."""

    pieces: tuple[AwaitedPieceAnswer, ...]
    services: tuple[ServiceCountAnswer, ...]
    next: str | None


class TreatmentsAnswer(Answer):
    """The acts that the caller may do on a piece now; without any, `reason` says why."""

    piece_id: str
    acts: tuple[Act, ...]
    cadres: tuple[CadreAnswer, ...]
    reason: str | None


class MotiveAnswer(Answer):
    """A motive of refusal. One that blocks the refusal says what to do instead."""

    code: str
    label: str
    needs_comment: bool
    blocks: bool
    answer: str | None

    @classmethod
    def of(cls, motive: Motive) -> Self:
        """Show a motive."""
        return cls(
            code=motive.code,
            label=motive.label,
            needs_comment=motive.needs_comment,
            blocks=bool(motive.answer),
            answer=motive.answer or None,
        )


def show_awaited_pieces(views: Iterable[DossierView], level: int) -> Iterable[AwaitedPieceAnswer]:
    """Show the awaited piece of each dossier that awaits somebody."""
    for shown in views:
        dossier = shown.dossier
        awaited = AwaitedAnswer.of_dossier(dossier, level)
        if awaited:
            piece = dossier[awaited.piece_id]
            yield AwaitedPieceAnswer(
                dossier_id=dossier.id,
                piece=RoutedPieceAnswer.of(shown, piece),
                prevailing=_show_prevailing(dossier),
                differences=_show_changes(list_differences(dossier, piece)),
                awaited=awaited,
            )


def show_cadres(dossier: Dossier, cadres: Iterable[Cadre]) -> tuple[CadreAnswer, ...]:
    """Show cadres with their labels, in the dossier's own version of the circuit."""
    return tuple(
        CadreAnswer(cadre=cadre, cadre_label=label_cadre(cadre, dossier.table_version))
        for cadre in cadres
    )


def _show_changes(changes: Iterable[Change]) -> tuple[ChangeAnswer, ...]:
    return tuple(ChangeAnswer.of(change) for change in changes)


def _show_prevailing(dossier: Dossier) -> PrevailingAnswer | None:
    prevailing = find_prevailing(dossier)
    return PrevailingAnswer.of(prevailing) if prevailing else None
