"""Every stamp of a piece is shown, with its rank: a second reception does not hide the first."""

from dataclasses import replace
from datetime import timedelta

from services.routing.domain.commands import Command
from services.routing.domain.decide import decide
from services.routing.domain.dossier import Dossier, replay
from services.routing.domain.events import Event, StatusSet
from services.routing.domain.stamps import list_stamps, may_have_lost_stamps
from shared.circuit.statuses import GIVEN_BACK, Act
from shared.vocabulary.roles import Role
from tests.unit.routing.builders import (
    A4,
    DEPOSITED_AT,
    DIRECTORY,
    NOW,
    a_completion,
    a_treatment,
)
from tests.unit.routing.test_properties import Walk

HOUR = timedelta(hours=1)


def suspended_twice() -> tuple[Dossier, list[Event]]:
    """An A4 that the MOE suspends twice, an act an hour; the second one is not completed."""
    suspend = a_treatment("A4", Act.SUSPENDRE, Role.MOE, comment="Manque le DC4.")
    completion = replace(a_completion("A4", Role.TITULAIRE), completed_at=NOW + 2 * HOUR)
    commands: tuple[Command, ...] = (
        A4,
        suspend,
        completion,
        replace(suspend, comment="Illisible."),
    )
    dossier: Dossier | None = None
    trail: list[Event] = []
    for rank, command in enumerate(commands):
        events = decide(dossier, command, DIRECTORY, NOW + rank * HOUR).events
        dossier, trail = replay(events, dossier), [*trail, *events]
    assert dossier
    return dossier, trail


def test_a_second_reception_and_a_second_suspension_keep_the_first_ones() -> None:
    dossier, trail = suspended_twice()

    (stamps,) = list_stamps(dossier, trail).values()

    assert [(stamp.status, stamp.rank, stamp.at, stamp.comment) for stamp in stamps] == [
        ("DEPOSEE", 1, DEPOSITED_AT, None),
        ("A_ASSOCIER_MOE", 1, NOW, None),
        ("SUSPENDUE", 1, NOW + HOUR, "Manque le DC4."),
        ("COMPLETEE", 1, NOW + 2 * HOUR, "Voici."),
        ("A_ASSOCIER_MOE", 2, NOW + 2 * HOUR, None),
        ("SUSPENDUE", 2, NOW + 3 * HOUR, "Illisible."),
    ]


def test_what_came_after_the_dossier_was_read_is_left_out() -> None:
    _, trail = suspended_twice()
    before = replay(trail[:-2])
    assert before

    (stamps,) = list_stamps(before, trail).values()

    assert [(stamp.status, stamp.rank) for stamp in stamps][-1] == ("A_ASSOCIER_MOE", 2)


def test_a_trail_that_is_cut_leaves_the_last_stamp_of_each_status() -> None:
    dossier, trail = suspended_twice()

    (stamps,) = list_stamps(dossier, trail[:3]).values()

    assert [(stamp.status, stamp.at, stamp.comment) for stamp in stamps] == [
        ("DEPOSEE", DEPOSITED_AT, None),
        ("COMPLETEE", NOW + 2 * HOUR, "Voici."),
        ("A_ASSOCIER_MOE", NOW + 2 * HOUR, None),
        ("SUSPENDUE", NOW + 3 * HOUR, "Illisible."),
    ]


def test_a_piece_enters_a_status_twice_only_after_it_was_given_back() -> None:
    """So a dossier has all its stamps as long as none of its pieces was given back."""
    given_back = lost = 0
    for seed in range(150):
        walk = Walk(f"stamps {seed}")
        walk.run()
        dossier = walk.dossier
        assert dossier
        stamps = list_stamps(dossier, walk.trail)

        entered = sum(isinstance(event, StatusSet) for event in walk.trail)
        assert sum(map(len, stamps.values())) == entered, seed
        if not may_have_lost_stamps(dossier):
            assert list_stamps(dossier) == stamps, seed
        given_back += may_have_lost_stamps(dossier)
        lost += list_stamps(dossier) != stamps

    assert 0 < lost < given_back < 150


def test_the_statuses_in_which_a_piece_awaits_its_depositor() -> None:
    assert sorted(GIVEN_BACK) == [
        "A_RECYCLER",
        "CONTESTEE",
        "EN_ATTENTE_RECYCLAGE_FOURNISSEUR",
        "SUSPENDUE",
    ]
