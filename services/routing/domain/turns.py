"""Turns in a dossier: who may act now."""

from services.routing.domain.dossier import Dossier, Piece
from shared.circuit import turns
from shared.circuit.statuses import Act, Transition
from shared.circuit.table import Row
from shared.circuit.turns import Awaited, CurrentPiece, Turn, judge_act
from shared.vocabulary.actors import Actor
from shared.vocabulary.rules import Violation


def judge_turn(dossier: Dossier, piece: Piece, actor: Actor) -> Turn | Violation:
    """Find the turn of an actor, or the violation when it is not its turn."""
    return turns.judge_turn(
        _build_awaited(dossier), _build_current(piece), actor.role, actor.structure
    )


def find_transition(
    piece: Piece, row: Row, act: Act, actor: Actor, level: int
) -> Transition | Violation:
    """Find the transition of an act, by the status of the piece and its row of the circuit.

    `level` is the write level: acts above it are refused.
    """
    return judge_act(_build_current(piece), row, act, actor.role, level)


def _build_current(piece: Piece) -> CurrentPiece:
    return CurrentPiece(piece.id, piece.number, piece.status)


def _build_awaited(dossier: Dossier) -> Awaited | None:
    waiting = dossier.awaited
    if waiting is None:
        return None
    return Awaited(
        tuple(Turn(each.actor.role, each.actor.structure, each.cadres) for each in waiting.turns),
        waiting.piece_id,
        dossier[waiting.piece_id].number,
        held=dossier.hold.message if dossier.hold else None,
    )
