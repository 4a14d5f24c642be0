"""What a fiscal list adds up to, of what was sent and of what was received."""

from datetime import date
from decimal import Decimal

import pytest

from services.portal.application.piece_states import read_pieces
from services.portal.domain.criteria import Range
from services.portal.domain.fiscal import REFUSED, Section, Totals, judge_period
from services.portal.domain.piece import Piece
from shared.contracts.routing_v1 import PieceStateV1, PrevailingV1
from shared.vocabulary.codes import CREDIT_NOTES
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import FINAL, Status
from tests.kit.states import a_piece, a_state, build_amounts


def totals(*states: PieceStateV1) -> Totals:
    added = Totals(Section.SENT)
    for piece in read_pieces(a_state(pieces=states)):
        added.add(piece, Role.TITULAIRE)
    return added


def prevailing(ht: str, type_code: str | None = "380") -> PrevailingV1:
    """Build the prevailing amounts of a dossier, stated by another piece of it."""
    return PrevailingV1(
        piece_id="p9",
        cadre="A19",
        number="EAV-9",
        currency="EUR",
        amounts=build_amounts(ht),
        type_code=type_code,
        is_settled=True,
    )


def received(*pieces: Piece, role: Role = Role.MOA) -> Totals:
    added = Totals(Section.RECEIVED)
    for piece in pieces:
        added.add(piece, role)
    return added


def test_a_piece_received_counts_by_what_prevails_and_one_sent_by_what_it_states() -> None:
    state = a_state(
        pieces=[a_piece(cadre="A15", status=Status.ASSOCIEE)], prevailing=prevailing("90.00")
    )
    (piece,) = read_pieces(state)
    sent = Totals(Section.SENT)
    sent.add(piece, Role.MOE)

    ((was_sent,), (was_received,)) = (tuple(sent), tuple(received(piece)))

    assert was_sent.whole.kept.amounts.ht == Decimal("100.00")
    assert was_received.whole.kept.amounts.ht == Decimal("90.00")
    assert was_received.whole.kept.amounts.due == Decimal("108.00")


@pytest.mark.parametrize("status", sorted(REFUSED))
def test_a_piece_received_and_turned_away_counts_by_what_it_stated(status: Status) -> None:
    (piece,) = read_pieces(
        a_state(pieces=[a_piece(cadre="A15", status=status)], prevailing=prevailing("90.00"))
    )

    (total,) = received(piece)

    assert total.whole.every.amounts.ht == Decimal("100.00")
    assert (total.whole.kept.count, total.whole.kept.amounts.ht) == (0, Decimal(0))


def test_a_piece_received_of_a_dossier_that_tells_no_prevailing_amounts_counts_by_its_own() -> None:
    (piece,) = read_pieces(a_state(pieces=[a_piece(cadre="A15", status=Status.ASSOCIEE)]))

    (total,) = received(piece)

    assert total.whole.kept.amounts.ht == Decimal("100.00")


@pytest.mark.parametrize(
    ("own", "of_prevailing", "is_avoir"),
    [
        ("381", "381", True),
        ("380", "381", True),
        ("381", "380", False),
        ("381", None, True),
        ("380", None, False),
    ],
)
@pytest.mark.parametrize("sign", ["", "-"])
def test_an_avoir_received_is_deducted_by_the_type_of_what_prevails(
    sign: str, own: str, of_prevailing: str | None, *, is_avoir: bool
) -> None:
    state = a_state(
        pieces=[a_piece(cadre="A15", status=Status.ASSOCIEE, type_code=own)],
        prevailing=prevailing(f"{sign}90.00", of_prevailing),
    )

    (total,) = received(*read_pieces(state))

    below = is_avoir or sign == "-"
    assert total.whole.kept.amounts.ht == Decimal("-90.00" if below else "90.00")
    assert total.whole.avoirs.count == int(below)


def test_amounts_add_up_exactly_and_currencies_never_meet() -> None:
    cents = [a_piece(f"p{rank}", amounts=build_amounts("0.10")) for rank in range(3)]
    francs = a_piece("f", currency="XPF", amounts=build_amounts("7.00"))

    euro, xpf = totals(*cents, francs)

    assert (euro.currency, euro.whole.every.count) == ("EUR", 3)
    assert euro.whole.every.amounts.ht == Decimal("0.30")
    assert euro.whole.every.amounts.ttc == Decimal("0.36")
    assert (xpf.currency, xpf.whole.every.amounts.ht) == ("XPF", Decimal("7.00"))


@pytest.mark.parametrize("status", sorted(REFUSED))
def test_what_was_turned_away_counts_in_one_total_and_not_in_the_other(status: Status) -> None:
    (total,) = totals(a_piece("p1"), a_piece("p2", status=status))

    assert (total.whole.every.count, total.whole.kept.count) == (2, 1)
    assert total.whole.kept.amounts.ht == Decimal("100.00")


def test_what_is_turned_away_for_good_is_turned_away_here() -> None:
    assert {s for s in FINAL if s.startswith(("REFUSEE", "REJETEE"))} <= REFUSED


def test_an_avoir_is_deducted_whichever_sign_it_bears() -> None:
    refused = a_piece("p3", status=Status.REJETEE, amounts=build_amounts("-5.00"))

    (total,) = totals(
        a_piece("p1"),
        a_piece("p2", amounts=build_amounts("-30.00")),
        a_piece("p4", amounts=build_amounts("20.00"), type_code="381"),
        a_piece("p5", amounts=build_amounts("-10.00"), type_code="381"),
        refused,
    )

    assert total.whole.kept.amounts.ht == Decimal("40.00")
    assert (total.whole.avoirs.count, total.whole.avoirs.amounts.ht) == (3, Decimal("-60.00"))


@pytest.mark.parametrize("type_code", sorted(CREDIT_NOTES))
def test_every_type_of_avoir_is_deducted(type_code: str) -> None:
    (total,) = totals(
        a_piece("p1"), a_piece("p2", amounts=build_amounts("30.00"), type_code=type_code)
    )

    assert total.whole.kept.amounts.ht == Decimal("70.00")
    assert (total.whole.avoirs.count, total.whole.avoirs.amounts.ht) == (1, Decimal("-30.00"))


@pytest.mark.parametrize("type_code", [None, "380", "384", "386", "389", "751", "0381", "38"])
def test_no_other_type_is(type_code: str | None) -> None:
    (total,) = totals(a_piece("p1", type_code=type_code))

    assert (total.whole.kept.amounts.ht, total.whole.avoirs.count) == (Decimal("100.00"), 0)


def test_each_cadre_has_its_own_total_in_the_order_of_their_numbers() -> None:
    (total,) = totals(*(a_piece(cadre, cadre=cadre) for cadre in ("A10", "A7", "A4", "A7x")))

    assert [cadre for cadre, _ in total.by_cadre] == ["A4", "A7", "A10", "A7x"]
    assert total.whole.every.count == sum(part.every.count for _, part in total.by_cadre)


def test_a_piece_whose_amounts_are_unknown_is_counted_and_adds_nothing() -> None:
    (total,) = totals(a_piece(currency=None, amounts=None))

    assert (total.currency, total.whole.every.count) == ("", 1)
    assert total.whole.every.amounts.due == 0


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [
        (date(2026, 1, 2), date(2026, 1, 1), "POR-CRITERE-01"),
        (date(2026, 1, 1), date(2027, 2, 5), "POR-LISTE-01"),
    ],
)
def test_no_list_is_made_of_a_period_that_is_reversed_or_too_long(
    first: date, last: date, code: str
) -> None:
    assert [each.code for each in judge_period(Range(first, last))] == [code]


@pytest.mark.parametrize("last", [date(2026, 1, 1), date(2027, 2, 4)])
def test_a_day_or_four_hundred_make_a_list(last: date) -> None:
    assert judge_period(Range(date(2026, 1, 1), last)) == ()
