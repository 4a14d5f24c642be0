"""Decision on a delay that has ended: the effect of the table of delays on the dossier."""

from collections.abc import Iterable

from services.routing.domain.decision import MessageError, World
from services.routing.domain.dossier import Dossier, Piece, Waiting
from services.routing.domain.events import DelayElapsed, Event, Forwarded, Offered, StatusSet
from services.routing.domain.hops import find_actor, prepare_hop_to_recipient
from shared.circuit.delays import CONCLUDED, Delay, Effect
from shared.circuit.loader import load_version
from shared.circuit.table import Circuit, Row, find_application
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Purpose
from shared.vocabulary.statuses import Status


def decide_elapsed_delay(dossier: Dossier, world: World) -> tuple[Event, ...]:
    """Decide the events of a delay that has ended, by the table of delays.

    There are none while no delay runs, before it ends, or for a held dossier: a held dossier is not
    late, since its recipient has not received the piece.
    """
    waiting = dossier.awaited
    if waiting is None or waiting.due is None or world.now < waiting.due or dossier.hold:
        return ()
    piece = dossier[waiting.piece_id]
    circuit = load_version(dossier.table_version)
    delay = circuit.find_delay(piece.cadre, waiting.actor.role)
    if delay is None:
        raise MessageError(f"circuit {circuit.version}: no delay of {waiting.actor.role} there")
    elapsed = DelayElapsed(
        world.now, piece.id, delay.name, waiting.actor, waiting.since, waiting.due
    )
    return (elapsed, *_apply_effect(circuit, delay, dossier, waiting, piece, world))


def _apply_effect(
    circuit: Circuit, delay: Delay, dossier: Dossier, waiting: Waiting, piece: Piece, world: World
) -> Iterable[Event]:
    row = circuit[piece.cadre, dossier.moa_present]
    match delay.effect:
        case Effect.SIGNAL:
            return ()
        case Effect.VALIDATE:
            return _validate(circuit, row, dossier, piece, world)
        case Effect.OFFER:
            return _offer(circuit.list_replacing_rows(row), dossier, piece, waiting, world)
        case Effect.CONCLUDE:
            return _conclude(circuit, row, dossier, piece, world)


def _validate(
    circuit: Circuit, row: Row, dossier: Dossier, piece: Piece, world: World
) -> Iterable[Event]:
    silent = Status.ABSENCE_VALIDATION_1_HORS_DELAI
    yield StatusSet(world.now, piece.id, piece.status, silent)
    hop = prepare_hop_to_recipient(circuit, row, piece.deposit, silent, dossier)
    yield from hop.hand_over(world)


def _offer(
    rows: Iterable[Row], dossier: Dossier, piece: Piece, waiting: Waiting, world: World
) -> Iterable[Event]:
    for actor, cadres in _group_by_depositor(rows, dossier, piece).items():
        if waiting.find_turn(actor) is None:
            yield Offered(world.now, piece.id, actor, find_application(actor.role), cadres)


def _conclude(
    circuit: Circuit, row: Row, dossier: Dossier, piece: Piece, world: World
) -> Iterable[Event]:
    """Await the depositor of the piece first, and beside it the others who may conclude."""
    depositors = _group_by_depositor(circuit.list_tacit_rows(row), dossier, piece)
    first, *others = sorted(depositors, key=lambda actor: actor.role is not row.depositor)
    yield StatusSet(world.now, piece.id, piece.status, CONCLUDED)
    yield Forwarded(
        world.now,
        piece.id,
        first,
        find_application(first.role),
        Purpose.ACTION,
        depositors[first],
        {},
    )
    for actor in others:
        where = find_application(actor.role)
        yield Offered(world.now, piece.id, actor, where, depositors[actor])


def _group_by_depositor(
    rows: Iterable[Row], dossier: Dossier, piece: Piece
) -> dict[Actor, tuple[str, ...]]:
    """Group cadres by who may deposit them. A role that the dossier does not name is left out."""
    found: dict[Actor, tuple[str, ...]] = {}
    for row in rows:
        if dossier.parties.of(row.depositor):
            actor = find_actor(row.depositor, piece.deposit, dossier.parties)
            found[actor] = (*found.get(actor, ()), row.cadre)
    return found
