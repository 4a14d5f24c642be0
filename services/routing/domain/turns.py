"""Whose turn it is: who may act on which piece of a dossier."""

from services.routing.domain import rules
from services.routing.domain.commands import Actor
from services.routing.domain.dossier import Dossier, Piece, Turn
from shared.circuit.parties import LABELS
from shared.circuit.statuses import Act, Transition, fitting_acts, is_fitting, transition
from shared.circuit.table import Row
from shared.vocabulary.rules import Violation


def judge_turn(dossier: Dossier, piece: Piece, actor: Actor) -> Turn | Violation:
    """Find the turn of an actor, or say that the dossier does not await it on this piece now."""
    awaited = dossier.awaited
    if awaited is None:
        return rules.DOSSIER_CLOSED.broken("dossier")
    if piece.id != awaited.piece_id:
        return rules.PIECE_NOT_AWAITED.broken(
            "piece",
            number=piece.number,
            status=piece.status,
            awaited=LABELS[awaited.actor.role],
            current=dossier[awaited.piece_id].number,
        )
    turn = awaited.turn_of(actor)
    if turn is None:
        return rules.ACTOR_NOT_AWAITED.broken(
            "role",
            awaited=LABELS[awaited.actor.role],
            structure=awaited.actor.structure,
            role=LABELS[actor.role],
            caller=actor.structure,
        )
    if dossier.hold:
        hold = dossier.hold
        return rules.DOSSIER_HELD.broken("dossier", message=hold.message, structure=hold.structure)
    return turn


def find_transition(piece: Piece, row: Row, act: Act, actor: Actor) -> Transition | Violation:
    """Find what an act makes of a piece, by its status and by what its row allows."""
    found = transition(act, actor.role, piece.status)
    if found and is_fitting(act, actor.role, row):
        return found
    return rules.ACT_NOT_POSSIBLE.broken(
        "act",
        number=piece.number,
        status=piece.status,
        act=act,
        allowed=", ".join(fitting_acts(actor.role, piece.status, row)) or "aucun",
    )
