"""Which marks a piece keeps when its dossier is told again: each side's, if it sees nothing new."""

from typing import Any

import pytest

from services.portal.adapters.documents import PIECES
from services.portal.adapters.marks import build_marks
from services.portal.application.piece_states import read_pieces
from shared.contracts.common_v1 import PartyV1
from shared.contracts.routing_v1 import DossierChanged
from shared.runtime.store.database import Document
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from tests.kit.states import (
    MOA,
    NOON,
    PARTIES,
    PAYER,
    a_paid_piece,
    a_piece,
    a_state,
    build_amounts,
    build_awaited,
)

MARKED = {"mark": 7, "reported_mark": 4}
BOTH, NONE = MARKED, dict[str, int]()
REPORTED_ALONE = {"reported_mark": 4}
MANDATED: dict[str, Any] = {
    "status": Status.MANDATEE,
    "status_at": a_paid_piece().reported_at,
}
ANOTHER_MOE = PARTIES.model_copy(update={"moe": PartyV1(structure="90000000900019")})


def a_document(state: DossierChanged, level: int = 2, **more: Any) -> Document:  # noqa: ANN401
    [piece] = read_pieces(state)
    return {**PIECES.write(piece, level), "version": state.version, **more}


def find_kept(before: Document, after: Document) -> Document:
    """Find the marks that a piece keeps; those of `before` stand in it."""
    marks = {name: before[name] for name in MARKED if name in before}
    piece = {name: value for name, value in before.items() if name not in MARKED}
    kept = build_marks(after, build_marks(piece, None) | marks)
    return {name: kept[name] for name in MARKED if name in kept}


@pytest.mark.parametrize(
    ("after", "kept"),
    [
        (a_state("d", 2, [a_piece()]), BOTH),
        (a_state("d", 2, [a_piece(status=Status.SUSPENDUE)]), NONE),
        (a_state("d", 2, [a_piece(status_at=NOON.replace(hour=12))]), NONE),
        (a_state("d", 2, [a_piece()], closed=True), NONE),
        (a_state("d", 2, [a_piece()], parties=ANOTHER_MOE), NONE),
        (a_state("d", 2, [a_piece()], mandant=PAYER), NONE),
        (a_state("d", 2, [a_piece(amounts=build_amounts("100.01"))]), NONE),
        (a_state("d", 2, [a_piece()], awaited=build_awaited(Role.MOA, MOA, "p1")), NONE),
    ],
    ids=[
        "nothing new",
        "a status",
        "its moment",
        "the end of the dossier",
        "a party that joins",
        "a mandate",
        "amounts",
        "who is awaited",
    ],
)
def test_a_mark_is_kept_when_nothing_is_new(after: DossierChanged, kept: Document) -> None:
    before = a_document(a_state("d", 1, [a_piece()]), **MARKED)

    assert find_kept(before, a_document(after)) == kept


def test_a_payment_that_is_not_reported_moves_no_mark_of_the_suppliers_side() -> None:
    hidden = {"payment_not_reported": True}
    awaited = build_awaited(Role.SERVICE_FINANCIER, PAYER, "p1")
    mandated = a_state("d", 1, [a_piece(**MANDATED)], awaited=awaited, **hidden)
    paid = a_state("d", 2, [a_paid_piece()], closed=True, **hidden)

    before, after = a_document(mandated, **MARKED), a_document(paid, level=3)

    assert before["reported"] == after["reported"]
    assert before["whole"] != after["whole"]
    assert before["awaited_by"] != after["awaited_by"]
    assert find_kept(before, after) == REPORTED_ALONE


def test_a_payment_that_is_reported_moves_both_marks() -> None:
    mandated = a_state("d", 1, [a_piece(**MANDATED)])
    paid = a_state("d", 2, [a_paid_piece()])

    assert find_kept(a_document(mandated, **MARKED), a_document(paid)) == NONE


def test_a_piece_that_the_payer_receives_is_new_for_its_side_alone() -> None:
    state = a_document(a_state("d", 2, [a_piece()]))
    before = {**state, **MARKED, "received_by": []}
    received = state | {"received_by": [f"service_financier|{PAYER}"]}
    by_supplier = state | {"received_by": [f"titulaire|{PAYER}"]}

    assert find_kept(before, received) == REPORTED_ALONE
    assert find_kept(before, by_supplier) == NONE


def test_what_is_new_for_the_suppliers_side_alone_moves_both_marks() -> None:
    """One transaction numbers both, for the pieces that have no `mark`."""
    state = a_document(a_state("d", 2, [a_piece()]))
    before = {**state, **MARKED, "reported": state["reported"] | {"closed": True}}

    assert find_kept(before, state) == NONE


@pytest.mark.parametrize("mark", [{}, {"mark": None, "reported_mark": None}], ids=["no", "null"])
def test_a_piece_without_a_mark_gets_none_by_being_told_again(mark: Document) -> None:
    """It waits for its first mark: it was written before the upgrade, or a moment ago."""
    state = a_state("d", 1, [a_piece()])

    assert find_kept(a_document(state, **mark), a_document(state)) == NONE


def test_a_new_piece_has_no_mark() -> None:
    document = a_document(a_state("d", 1, [a_piece()]))

    row = build_marks(document, None)

    assert {name for name in MARKED if name in row} == set()
    assert (row["_id"], row["dossier_id"], row["version"]) == (document["_id"], "d", 1)
