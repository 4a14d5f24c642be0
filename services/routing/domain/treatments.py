"""Decision on treatments: acts of the awaited actor, and additions to a piece."""

from typing import assert_never

from services.routing.domain import rules
from services.routing.domain.commands import Complete, Treat
from services.routing.domain.decision import Decision, MessageError, World
from services.routing.domain.dossier import Dossier, Piece
from services.routing.domain.events import AdditionRefused, Closed, Event, PieceCompleted, StatusSet
from services.routing.domain.hops import (
    hand_back,
    judge_mandate_of,
    prepare_hop_to_depositor,
    prepare_hop_to_recipient,
)
from services.routing.domain.recycling import decide_recycling
from services.routing.domain.turns import find_transition, judge_turn
from shared.circuit.loader import load_version
from shared.circuit.motives import judge_comment, judge_refusal
from shared.circuit.statuses import TREATMENTS, Act, NextActor, Reason, Transition
from shared.circuit.table import Circuit
from shared.circuit.turns import mark_early
from shared.vocabulary.dates import find_paris_day
from shared.vocabulary.rules import Violation


def decide_treatment(dossier: Dossier, treat: Treat, world: World) -> Decision:
    """Decide on an act of the awaited actor."""
    if treat.act not in TREATMENTS:
        raise MessageError(f"{treat.act} passes through the service deposit")
    piece = dossier.find_piece(treat.piece_id)
    if piece is None:
        return _refuse(rules.PIECE_UNKNOWN.build_violation("piece", piece_id=treat.piece_id))
    circuit = load_version(dossier.table_version)
    found = _judge_transition(circuit, dossier, piece, treat, world)
    if isinstance(found, Violation):
        return _refuse(found)
    unmandated = judge_mandate_of(treat.actor.role, dossier, world)
    if unmandated:
        return _refuse(unmandated)
    broken = _judge_reason(found, piece, treat, world)
    if broken:
        return Decision(violations=broken)
    if found.act is Act.RECYCLER:
        return decide_recycling(dossier, piece, found, treat, world)
    status = StatusSet(
        world.now,
        piece.id,
        piece.status,
        found.target,
        treat.actor,
        treat.act,
        motive=treat.motive if found.reason is Reason.MOTIVE else None,
        comment=treat.comment,
    )
    return Decision((status, *_await_next(circuit, dossier, piece, found, world)))


def decide_completion(dossier: Dossier, complete: Complete, world: World) -> Decision:
    """Decide on an addition: send the piece to who acts next, or report that it is too late."""
    piece = dossier.find_piece(complete.piece_id)
    if piece is None:
        raise MessageError(f"completion of {complete.piece_id}, which its dossier does not hold")
    circuit = load_version(dossier.table_version)
    found = _judge_transition(circuit, dossier, piece, complete, world)
    if isinstance(found, Violation):
        refused = AdditionRefused(world.now, complete, found.code, found.message)
        return Decision((refused,), (found,))
    status = StatusSet(
        complete.completed_at,
        piece.id,
        piece.status,
        found.target,
        complete.actor,
        found.act,
        comment=complete.comment,
    )
    completed = PieceCompleted(world.now, complete)
    return Decision((completed, status, *_await_next(circuit, dossier, piece, found, world)))


def _refuse(violation: Violation) -> Decision:
    return Decision(violations=(violation,))


def _judge_transition(
    circuit: Circuit, dossier: Dossier, piece: Piece, command: Treat | Complete, world: World
) -> Transition | Violation:
    act, actor, level = command.act, command.actor, world.level
    turn = judge_turn(dossier, piece, actor)
    if isinstance(turn, Violation):
        # A piece that was rejected at its deposit may have no row.
        place = circuit.find_row(piece.cadre, moa=dossier.moa_present)
        return mark_early(turn, circuit, place, act, actor.role, level)
    row = circuit[piece.cadre, dossier.moa_present]
    found = find_transition(piece, row, act, actor, level)
    if isinstance(found, Violation):
        return mark_early(found, circuit, row, act, actor.role, level)
    return found


def _judge_reason(
    found: Transition, piece: Piece, treat: Treat, world: World
) -> tuple[Violation, ...]:
    if found.reason is Reason.MOTIVE:
        return judge_refusal(piece.cadre, treat.motive, treat.comment, find_paris_day(world.now))
    return judge_comment(treat.comment, is_required=found.reason is Reason.COMMENT)


def _await_next(
    circuit: Circuit, dossier: Dossier, piece: Piece, done: Transition, world: World
) -> tuple[Event, ...]:
    """Build the events by which the next actor is awaited after a transition."""
    row = circuit[piece.cadre, dossier.moa_present]
    match done.awaited:
        case NextActor.SAME | NextActor.RECIPIENT_OF_FOLLOWER:
            return ()
        case NextActor.NOBODY:
            return (Closed(world.now),)
        case NextActor.DEPOSITOR_COMPLETES | NextActor.DEPOSITOR_RECYCLES:
            return (hand_back(piece, world),)
        case NextActor.DEPOSITOR_ANSWERS:
            hop = prepare_hop_to_depositor(circuit, row, piece.deposit, done.target, dossier)
            return hop.hand_over(world)
        case NextActor.RECIPIENT:
            hop = prepare_hop_to_recipient(circuit, row, piece.deposit, done.target, dossier)
            return hop.hand_over(world)
        case _:
            assert_never(done.awaited)
