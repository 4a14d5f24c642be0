"""What verify expects of the read models is what they show, whatever happens to a dossier."""

from typing import Any

import pytest

from services.deposit.entrypoints.answers import DepositedPieceAnswer
from services.notification.statuses.application.history import build_entry
from services.notification.statuses.domain.entry import filter_visible
from services.notification.statuses.entrypoints.answers import HistoryEntryAnswer
from services.portal.application.piece_states import read_pieces
from services.portal.entrypoints.answers import FoundPieceAnswer
from services.routing.application.copy_verification import find_differences
from services.routing.application.expected_copies import (
    ExpectedDossier,
    expect_of_deposit,
    expect_of_notification,
    expect_of_portal,
    replay_statuses,
)
from services.routing.application.journey import Enclosure, Entry, Journey
from services.routing.application.messages import build_state
from services.routing.application.ports import StoredEntry
from services.routing.domain.dossier import replay
from shared.answers.answer import Answer
from shared.contracts.common_v1 import FileV1
from shared.vocabulary.levels import LEVEL
from shared.vocabulary.roles import SUPPLIER_SIDE, Role
from tests.unit.routing.test_properties import Walk

_SEEDS = range(30)


def told_of(seed: int, *, payment_not_reported: bool) -> ExpectedDossier:
    """Walk through the life of a dossier, and tell it."""
    walk = Walk(f"copies {seed}")
    walk.run()
    dossier = replay(walk.trail)
    assert dossier
    file = FileV1(sha256="0" * 64, size_bytes=1, name="f", media_type="application/pdf")
    journey = Journey(
        dossier,
        dossier.id,
        trail="0" * 64,
        enclosures={piece.id: Enclosure(file) for piece in dossier.pieces},
        payment_not_reported=payment_not_reported,
    )
    trail = [StoredEntry(Entry(rank, (event,)), {}) for rank, event in enumerate(walk.trail, 1)]
    return ExpectedDossier(
        journey, build_state(journey, dossier.pieces[0].deposit.deposited_at, LEVEL), trail
    )


@pytest.mark.parametrize("payment_not_reported", [False, True], ids=("told", "hidden"))
def test_the_portal_shows_what_is_expected_of_it(*, payment_not_reported: bool) -> None:
    hidden = 0
    for seed in _SEEDS:
        told = told_of(seed, payment_not_reported=payment_not_reported)
        pieces = {piece.id: piece for piece in read_pieces(told.state)}
        for by in told.parties:
            for state in told.state.pieces:
                shown = FoundPieceAnswer.of(pieces[state.piece_id], by, {}).model_dump(mode="json")
                expected = expect_of_portal(told, state, by.role)
                hidden += expected["status"] is not state.status

                assert [*find_differences(shown, expected, f"{seed}")] == []
    assert bool(hidden) is payment_not_reported


@pytest.mark.parametrize("payment_not_reported", [False, True], ids=("told", "hidden"))
def test_notification_shows_what_is_expected_of_it(*, payment_not_reported: bool) -> None:
    lengths: set[tuple[Role, int]] = set()
    for seed in _SEEDS:
        told = told_of(seed, payment_not_reported=payment_not_reported)
        entries = [build_entry(rank, said) for rank, said in enumerate(replay_statuses(told), 1)]
        for by in told.parties:
            shown = [
                HistoryEntryAnswer.of(entry).model_dump(mode="json")
                for entry in filter_visible(entries, by.role)
            ]
            lengths.add((by.role, len(entries) - len(shown)))

            assert [
                *find_differences(shown, expect_of_notification(told, by.role), f"{seed}")
            ] == []
    assert any(role in SUPPLIER_SIDE and left for role, left in lengths) is payment_not_reported


def test_a_status_that_is_missing_is_named() -> None:
    told = told_of(3, payment_not_reported=False)
    role = next(told.parties).role
    expected = expect_of_notification(told, role)
    shown = [
        HistoryEntryAnswer.of(build_entry(rank, said)).model_dump(mode="json")
        for rank, said in enumerate(replay_statuses(told), 1)
    ]
    gone = shown.pop(1)

    first, second = find_differences(shown, expected, "statuses")

    assert first == f"statuses: {len(expected) - 1} of {len(expected)}"
    assert second.startswith("statuses[1]: missing, {'sequence': 2, ")
    assert f"'piece_id': '{gone['piece_id']}'" in second
    assert f"'status': '{gone['status']}'" in second


def test_every_field_that_is_shown_is_expected_or_named_here() -> None:
    told = told_of(3, payment_not_reported=False)
    state, role = told.state.pieces[0], next(told.parties).role
    labels = {"cadre_label", "status_label", "motive_label"}
    asked_by = {"piece_id", "dossier_id"}
    never_told_to_routing = {"type_tva", "mode_paiement", "read"}
    # The mandate and the sheet by which deposit judged, and the lot, are read by deposit alone.
    never_told_to_routing |= {"mandate", "sheet", "lot"}
    where_stated = {"type_code"}
    of_who_asks = {"awaits_me", "differences"}
    # A status that was kept before statuses told it has none.
    not_told_before = {"marche"}

    def list_left_out(answer: type[Answer], expected: dict[str, Any]) -> set[str]:
        return answer.model_fields.keys() - expected.keys() - labels - asked_by

    left_by_deposit = list_left_out(DepositedPieceAnswer, expect_of_deposit(told, state, role))
    assert left_by_deposit - where_stated == never_told_to_routing
    assert list_left_out(FoundPieceAnswer, expect_of_portal(told, state, role)) == of_who_asks
    shown = expect_of_notification(told, role)[0]
    assert list_left_out(HistoryEntryAnswer, shown) == not_told_before
