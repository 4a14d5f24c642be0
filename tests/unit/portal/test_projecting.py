"""A dossier's state as pieces: what each side sees, before a hidden payment and after."""

from datetime import UTC, datetime, timedelta

import pytest

from services.portal.adapters.documents import PIECES
from services.portal.application.piece_states import read_pieces
from services.portal.domain.piece import Piece
from shared.circuit.loader import CircuitError
from shared.contracts.common_v1 import ActorV1, PartyV1
from shared.contracts.routing_v1 import DossierChanged, PrevailingV1, TurnV1
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import SUPPLIER_SIDE, Role
from shared.vocabulary.statuses import Status
from tests.kit.states import (
    MOA,
    MOE,
    NOON,
    PARTIES,
    PAYER,
    TITULAIRE,
    a_paid_piece,
    a_piece,
    a_state,
    build_amounts,
    build_awaited,
)

MANDATED_AT = datetime(2026, 11, 26, 11, tzinfo=UTC)
DUE = NOON + timedelta(days=30)
_TO_PAY = a_piece(status=Status.MANDATEE, status_at=MANDATED_AT)


AN_AVOIR = PrevailingV1(
    piece_id="p9",
    cadre="A19",
    number="EAV-9",
    currency="EUR",
    amounts=build_amounts("90.00"),
    type_code="381",
    is_settled=True,
)


def before_payment(*, payment_not_reported: bool = False) -> DossierChanged:
    payer = build_awaited(Role.SERVICE_FINANCIER, PAYER, service="TRAVAUX", due=DUE)
    return a_state(pieces=[_TO_PAY], awaited=payer, payment_not_reported=payment_not_reported)


def after_payment(*, payment_not_reported: bool = False) -> DossierChanged:
    return a_state(
        version=2, pieces=[a_paid_piece()], closed=True, payment_not_reported=payment_not_reported
    )


def only(state: DossierChanged) -> Piece:
    (piece,) = read_pieces(state)
    return piece


@pytest.mark.parametrize("role", sorted(SUPPLIER_SIDE))
def test_a_hidden_payment_changes_nothing_of_what_the_suppliers_side_sees(role: Role) -> None:
    before = only(before_payment(payment_not_reported=True))
    after = only(after_payment(payment_not_reported=True))

    assert before.select_state(role) == after.select_state(role)
    assert after.select_state(role).status is Status.MANDATEE
    assert after.select_state(role).closed is False
    assert after.awaits.isdisjoint({Actor(Role.TITULAIRE, TITULAIRE)})


@pytest.mark.parametrize("role", sorted(set(Role) - SUPPLIER_SIDE))
def test_the_buyers_side_sees_a_payment_that_is_hidden_from_the_supplier(role: Role) -> None:
    seen = only(after_payment(payment_not_reported=True)).select_state(role)

    assert (seen.status, seen.closed, seen.awaited) == (Status.MISE_EN_PAIEMENT, True, None)


@pytest.mark.parametrize("role", Role)
def test_a_payment_that_is_reported_is_seen_by_all(role: Role) -> None:
    seen = only(after_payment()).select_state(role)

    assert (seen.status, seen.closed) == (Status.MISE_EN_PAIEMENT, True)


def test_the_other_pieces_of_a_dossier_do_not_tell_of_a_hidden_payment_either() -> None:
    first = a_piece("p0", status=Status.ASSOCIEE)
    before, *_ = read_pieces(a_state(pieces=[first, _TO_PAY], payment_not_reported=True))
    after, *_ = read_pieces(
        a_state(pieces=[first, a_paid_piece()], closed=True, payment_not_reported=True)
    )

    assert before.reported == after.reported


def test_a_payment_is_hidden_even_where_an_old_message_does_not_say_what_is_reported() -> None:
    state = a_piece(status=Status.MISE_EN_PAIEMENT, reported=None, reported_at=None)

    seen = only(a_state(pieces=[state], payment_not_reported=True)).reported

    assert seen.status is Status.MISE_A_DISPOSITION


def test_a_piece_awaits_each_of_those_who_may_act_and_nobody_while_it_is_held() -> None:
    turn = TurnV1(role=Role.TITULAIRE, structure=TITULAIRE)
    named = build_awaited(Role.MOE, MOE, others=(turn,))
    both = only(a_state(pieces=[a_piece()], awaited=named))
    held = only(a_state(pieces=[a_piece()], awaited=build_awaited(Role.MOE, MOE, held="CIR-X-01")))

    assert both.awaits == {Actor(Role.MOE, MOE), Actor(Role.TITULAIRE, TITULAIRE)}
    assert held.awaits == frozenset()
    assert held.whole.awaited is not None
    assert held.whole.awaited.held


def test_only_the_piece_that_is_awaited_awaits_anybody() -> None:
    first, second = read_pieces(
        a_state(pieces=[a_piece("p0"), a_piece()], awaited=build_awaited(Role.MOE, MOE))
    )

    assert first.whole.awaited is None
    assert second.whole.awaited is not None


def test_a_piece_is_received_by_whom_it_reached_and_only_seen_by_the_others() -> None:
    opener = a_piece("p0", status=Status.ASSOCIEE)
    next_ = a_piece(
        "p1",
        cadre="A15",
        status=Status.SUSPENDUE,
        follows="p0",
        depositor=ActorV1(role=Role.MOE, structure=MOE),
    )
    first, second = read_pieces(a_state(pieces=[opener, next_]))

    assert first.receivers == {Actor(Role.MOE, MOE)}
    assert second.receivers == {Actor(Role.MOA, MOA)}
    assert {
        Actor(Role.SERVICE_FINANCIER, PAYER),
        Actor(Role.TITULAIRE, TITULAIRE),
    } <= second.viewers


def test_a_piece_that_is_held_has_been_received_by_nobody() -> None:
    held = build_awaited(Role.MOE, MOE, held="CIR-X-01")

    assert only(a_state(pieces=[a_piece(status=Status.DEPOSEE)], awaited=held)).receivers == set()


def test_one_structure_receives_in_each_of_its_roles_what_was_sent_to_that_role() -> None:
    town = PartyV1(structure=MOA)
    parties = PARTIES.model_copy(update={"service_financier": town})
    pieces = [
        a_piece("p0", cadre="A15", status=Status.ASSOCIEE),
        a_piece("p1", cadre="A19", status=Status.MISE_A_DISPOSITION, follows="p0"),
    ]
    to_approve, to_pay = read_pieces(a_state(pieces=pieces, parties=parties))

    assert to_approve.receivers == {Actor(Role.MOA, MOA)}
    assert to_pay.receivers == {Actor(Role.SERVICE_FINANCIER, MOA)}


def test_a_hidden_payment_changes_nothing_of_who_received_the_piece() -> None:
    before, after = (
        only(state(payment_not_reported=True)).receivers
        for state in (before_payment, after_payment)
    )

    assert before == after == {Actor(Role.MOE, MOE)}


def test_the_state_of_a_dossier_by_an_unknown_circuit_is_not_read() -> None:
    with pytest.raises(CircuitError):
        read_pieces(a_state(table_version="1999-1"))


def test_who_takes_part_may_see_in_its_role_and_no_other() -> None:
    viewers = only(a_state()).viewers

    assert Actor(Role.MOA, MOA) in viewers
    assert Actor(Role.MOE, MOA) not in viewers
    assert len(viewers) == 4


@pytest.mark.parametrize(
    "state",
    [
        before_payment(),
        after_payment(payment_not_reported=True),
        before_payment().model_copy(update={"prevailing": AN_AVOIR}),
    ],
)
def test_a_document_holds_the_whole_piece(state: DossierChanged) -> None:
    piece = only(state)

    assert PIECES.read(PIECES.write(piece, 1)) == piece


def test_a_document_holds_a_piece_of_which_an_old_message_said_little() -> None:
    unknown = ("issued_on", "deposited_at", "currency", "amounts", "engagement", "marche")
    state = a_piece().model_copy(update=dict.fromkeys((*unknown, "status_at")))
    little = only(a_state(pieces=[state]))

    assert PIECES.read(PIECES.write(little, 1)) == little
    assert PIECES.write(little, 1)["order"] < PIECES.write(only(a_state()), 1)["order"]
