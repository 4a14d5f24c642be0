"""Answers about dossiers, built from their state."""

from collections.abc import Iterable
from datetime import datetime

from services.routing.application.amounts import find_prevailing, list_changes, list_differences
from services.routing.application.journey import list_acts
from services.routing.domain.dossier import Dossier, Piece, Words
from services.routing.entrypoints.http.schemas import (
    AwaitedOut,
    AwaitedPieceOut,
    DossierOut,
    HoldOut,
    PieceOut,
    StampOut,
    TurnOut,
)
from shared.answers.pieces import ActorAnswer, CadreAnswer, ChangeAnswer, PrevailingAnswer
from shared.circuit.labels import label_cadre
from shared.circuit.motives import find_motive_label
from shared.contracts.common_v1 import AmountsV1, PartiesV1
from shared.vocabulary.amounts import Change
from shared.vocabulary.cadres import Cadre
from shared.vocabulary.labels import STATUSES
from shared.vocabulary.statuses import Status


def show_dossier(dossier: Dossier) -> DossierOut:
    """Show a dossier whole."""
    return DossierOut(
        dossier_id=dossier.id,
        version=dossier.version,
        state=dossier.state,
        table_version=dossier.table_version,
        parties=PartiesV1.of(dossier.parties),
        pieces=tuple(show_piece(dossier, piece) for piece in dossier.pieces),
        prevailing=show_prevailing(dossier),
        awaited=show_awaited(dossier),
    )


def show_prevailing(dossier: Dossier) -> PrevailingAnswer | None:
    """Show the amounts that hold."""
    holding = find_prevailing(dossier)
    return PrevailingAnswer.of(holding) if holding else None


def show_piece(dossier: Dossier, piece: Piece) -> PieceOut:
    """Show a piece beside the one it follows."""
    stamps = sorted(piece.stamps.items(), key=lambda stamp: stamp[1])
    return PieceOut(
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
        stamps=tuple(_show_stamp(status, at, piece.words.get(status)) for status, at in stamps),
        file_sha256=piece.deposit.file_sha256,
        attachments=piece.attachments,
    )


def _show_changes(changes: Iterable[Change]) -> tuple[ChangeAnswer, ...]:
    return tuple(ChangeAnswer.of(change) for change in changes)


def _show_stamp(status: Status, at: datetime, words: Words | None) -> StampOut:
    motive = words.motive if words else None
    return StampOut(
        status=status,
        status_label=STATUSES[status],
        at=at,
        motive=motive,
        motive_label=find_motive_label(motive) if motive else None,
        comment=words.comment if words else None,
    )


def show_awaited(dossier: Dossier) -> AwaitedOut | None:
    """Show who must act."""
    awaited, hold = dossier.awaited, dossier.hold
    if awaited is None:
        return None
    return AwaitedOut(
        actor=ActorAnswer.of_actor(awaited.actor),
        piece_id=awaited.piece_id,
        cadres=tuple(show_cadres(dossier, awaited.cadres)),
        acts=list_acts(dossier, awaited.actor.role),
        since=awaited.since,
        due=awaited.due,
        others=tuple(
            TurnOut(
                actor=ActorAnswer.of_actor(turn.actor),
                cadres=tuple(show_cadres(dossier, turn.cadres)),
                acts=list_acts(dossier, turn.actor.role),
            )
            for turn in awaited.others
        ),
        hold=HoldOut(code=hold.reason, message=hold.message, structure=hold.structure)
        if hold
        else None,
    )


def show_lines(dossiers: Iterable[Dossier]) -> Iterable[AwaitedPieceOut]:
    """Show what is awaited of dossiers that await somebody."""
    for dossier in dossiers:
        awaited = show_awaited(dossier)
        if awaited:
            piece = dossier[awaited.piece_id]
            yield AwaitedPieceOut(
                dossier_id=dossier.id,
                piece=show_piece(dossier, piece),
                prevailing=show_prevailing(dossier),
                differences=_show_changes(list_differences(dossier, piece)),
                awaited=awaited,
            )


def show_cadres(dossier: Dossier, cadres: Iterable[Cadre]) -> Iterable[CadreAnswer]:
    """Show cadres with their words."""
    return (show_cadre(dossier, cadre) for cadre in cadres)


def show_cadre(dossier: Dossier, cadre: Cadre) -> CadreAnswer:
    """Show a cadre with its label, in the dossier's own version of the circuit."""
    return CadreAnswer(cadre=cadre, cadre_label=label_cadre(cadre, dossier.table_version))
