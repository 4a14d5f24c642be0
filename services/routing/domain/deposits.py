"""Decision on a deposited piece: it opens a dossier, advances it, or is rejected."""

from collections.abc import Iterator
from dataclasses import replace

from services.routing.domain import rules
from services.routing.domain.commands import Deposit
from services.routing.domain.decision import Decision, MessageError, World
from services.routing.domain.dossier import Dossier, Piece, evolve
from services.routing.domain.events import Closed, Event, PieceReceived, StatusSet
from services.routing.domain.hops import prepare_first_hop
from services.routing.domain.turns import find_transition, judge_turn
from shared.circuit.amounts import Previous, judge_carried, judge_currency
from shared.circuit.cadres import find_deposit_act, judge_depositor, judge_following, judge_opening
from shared.circuit.delays import CONCLUDED
from shared.circuit.loader import load_version
from shared.circuit.parties import LABELS
from shared.circuit.statuses import Transition
from shared.circuit.table import Circuit, Row
from shared.vocabulary.rules import Violation
from shared.vocabulary.statuses import Status


def decide_deposit(dossier: Dossier | None, deposit: Deposit, world: World) -> Decision:
    """Decide on a deposit. It has a certificate, so it is received even when it is rejected."""
    if dossier is None:
        return _open(deposit, world)
    return _follow(dossier, deposit, world)


def _open(deposit: Deposit, world: World) -> Decision:
    if deposit.follows is not None:
        raise MessageError(f"piece {deposit.piece_id} follows, but its dossier is unknown")
    circuit = load_version(deposit.table_version)
    depositor, parties = deposit.depositor, deposit.parties
    received = _receive(circuit, deposit, world)
    broken = (
        *judge_opening(circuit, deposit.cadre, depositor.role, parties),
        *judge_depositor(depositor.role, depositor.structure, parties),
    )
    if broken:
        return Decision((*received, _reject(deposit, broken, world), Closed(world.now)), broken)
    row = circuit[deposit.cadre, parties.moa is not None]
    hop = prepare_first_hop(circuit, row, deposit, evolve(None, received[0]))
    return Decision((*received, *hop.hand_over(world)))


def _follow(dossier: Dossier, deposit: Deposit, world: World) -> Decision:
    if deposit.follows is None:
        raise MessageError(f"piece {deposit.piece_id} opens a dossier that is already open")
    if dossier.find_piece(deposit.piece_id):
        raise MessageError(f"piece {deposit.piece_id} is already in its dossier")
    previous = dossier.find_piece(deposit.follows)
    if previous is None:
        raise MessageError(f"piece {deposit.piece_id} follows one that its dossier does not hold")
    circuit = load_version(dossier.table_version)
    received = _receive(circuit, deposit, world)
    found = _judge_next(circuit, dossier, previous, deposit, world)
    if not isinstance(found, Transition):
        return Decision((*received, _reject(deposit, found, world)), found)
    succeeded = StatusSet(
        world.now, previous.id, previous.status, found.target, deposit.depositor, found.act
    )
    row = circuit[deposit.cadre, dossier.moa_present]
    hop = prepare_first_hop(circuit, row, deposit, dossier)
    return Decision((*received, succeeded, *hop.hand_over(world)))


def _receive(circuit: Circuit, deposit: Deposit, world: World) -> tuple[Event, ...]:
    row = circuit.find_row(deposit.cadre, moa=True) or circuit.find_row(deposit.cadre, moa=False)
    if row is None:
        raise MessageError(f"piece {deposit.piece_id}: no cadre {deposit.cadre} in its circuit")
    return (
        PieceReceived(world.now, deposit, row.phase),
        # A delay starts at the moment on the certificate, not at the time of routing.
        StatusSet(deposit.deposited_at, deposit.piece_id, None, Status.DEPOSEE, deposit.depositor),
    )


def _reject(deposit: Deposit, broken: tuple[Violation, ...], world: World) -> StatusSet:
    return StatusSet(
        world.now,
        deposit.piece_id,
        Status.DEPOSEE,
        Status.REJETEE,
        motive=broken[0].code,
        comment=" ".join(f"{violation.message} {violation.remedy}" for violation in broken),
    )


def _judge_next(
    circuit: Circuit, dossier: Dossier, previous: Piece, deposit: Deposit, world: World
) -> Transition | tuple[Violation, ...]:
    dossier = _restore_before_lapse(dossier, deposit)
    previous = dossier[previous.id]
    turn = judge_turn(dossier, previous, deposit.depositor)
    if isinstance(turn, Violation):
        return (turn,)
    row = circuit[previous.cadre, dossier.moa_present]
    act = find_deposit_act(circuit, deposit.cadre, row)
    found = find_transition(previous, row, act, deposit.depositor, world.level)
    if isinstance(found, Violation):
        return (found,)
    role = deposit.depositor.role
    broken = (
        *judge_following(circuit, deposit.cadre, role, row, turn.cadres),
        *_judge_parties(dossier, deposit),
        *_judge_amounts(circuit, dossier, row, previous.deposit, deposit),
    )
    return broken or found


def _restore_before_lapse(dossier: Dossier, deposit: Deposit) -> Dossier:
    """Restore a dossier to before a delay passed, for a piece deposited in time.

    The moment of deposit counts, however late the message arrives (rule of the platform).
    """
    lapsed, awaited = dossier.lapsed, dossier.awaited
    if lapsed is None or lapsed.waiting.due is None or awaited is None:
        return dossier
    turn = lapsed.waiting.find_turn(deposit.depositor)
    if not turn or deposit.cadre not in turn.cadres:
        return dossier
    piece = dossier[lapsed.waiting.piece_id]
    is_in_time = deposit.deposited_at < lapsed.waiting.due
    if not is_in_time or piece.id != awaited.piece_id or piece.status is not CONCLUDED:
        return dossier
    pieces = (
        replace(each, status=lapsed.status) if each.id == piece.id else each
        for each in dossier.pieces
    )
    return replace(dossier, pieces=tuple(pieces), awaited=lapsed.waiting)


def _judge_amounts(
    circuit: Circuit, dossier: Dossier, row: Row, previous: Deposit, deposit: Deposit
) -> Iterator[Violation]:
    """Check the currency of a next piece, and its amounts when it signs the piece before."""
    yield from judge_currency(deposit.currency, previous.currency, rules.CURRENCY_CHANGED)
    following = circuit.find_row(deposit.cadre, moa=dossier.moa_present)
    if following:
        before = Previous(row, previous.number, previous.amounts, previous.type_code)
        yield from judge_carried(following, deposit.amounts, deposit.type_code, before)


def _judge_parties(dossier: Dossier, deposit: Deposit) -> tuple[Violation, ...]:
    """Check the parties of a next piece: it may add a service, never change a structure."""
    broken = []
    for role, party in deposit.parties.list_named():
        named = dossier.parties.of(role)
        if named is None or named.structure != party.structure:
            broken.append(
                rules.PARTY_CHANGED.build_violation(
                    f"{role.value}.structure",
                    structure=party.structure,
                    role=LABELS[role],
                    named=named.structure if named else "personne",
                )
            )
    return tuple(broken)
