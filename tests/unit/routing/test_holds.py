"""A dossier waits while the directory forbids its next hop, and leaves when it is set right."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from services.routing.domain.commands import Rejudge
from services.routing.domain.decide import decide
from services.routing.domain.dossier import Dossier
from services.routing.domain.events import Forwarded, Held
from shared.circuit.parties import Party, Service, Structure
from shared.circuit.statuses import Act
from shared.vocabulary.roles import Purpose, Role
from shared.vocabulary.statuses import Status
from shared.vocabulary.structures import MoaParameter, StructureKind, StructureStatus
from tests.unit.routing.builders import (
    A4,
    A7,
    A15,
    A17,
    A19,
    A20,
    DIRECTORY,
    NOW,
    PARTIES,
    a_completion,
    a_directory,
    a_structure,
    a_treatment,
    after,
    codes,
    fold,
)

_MOA_SANS = a_structure("moa", MoaParameter.SANS)


def _held(dossier: Dossier) -> tuple[str, str]:
    assert dossier.hold is not None
    return dossier.hold.reason, dossier.hold.structure


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        (_MOA_SANS, "CIR-MOA-01"),
        (a_structure("payeur", MoaParameter.EXCLUSIVEMENT), "CIR-MOA-02"),
        (a_structure("moa", status=StructureStatus.INACTIF), "CIR-STRUCTURE-02"),
        (a_structure("moa", kind=StructureKind.PRIVEE), "CIR-STRUCTURE-03"),
    ],
)
def test_a_hop_that_is_no_longer_possible_holds_the_dossier(changed: Structure, code: str) -> None:
    dossier = after(A15, dossier=after(A4), directory=a_directory(changed))

    assert _held(dossier) == (code, changed.id)
    assert dossier["A15"].status is Status.DEPOSEE
    assert dossier.awaited is not None
    assert (dossier.awaited.actor.role, dossier.awaited.cadres) == (Role.MOA, ("A19",))


def test_a_structure_that_left_the_directory_holds_the_dossier() -> None:
    for missing, reached in (("moe", A4), ("moa", A4), ("payeur", A4)):
        directory = {name: view for name, view in DIRECTORY.items() if name != missing}

        assert _held(after(reached, directory=directory)) == ("CIR-STRUCTURE-01", missing)


def test_a_service_closed_since_the_deposit_holds_the_dossier() -> None:
    parties = replace(PARTIES, moe=Party("moe", "CLOS"))

    assert _held(after(replace(A4, parties=parties))) == ("CIR-SERVICE-02", "moe")


def test_a_service_before_its_first_day_holds_the_dossier_until_that_day() -> None:
    service = Service(valid_from=date(2026, 11, 25))
    directory = a_directory(a_structure("moe", MoaParameter.SANS, services={"NEUF": service}))
    parties = replace(PARTIES, moe=Party("moe", "NEUF"))
    held = after(replace(A4, parties=parties), directory=directory)
    # 25 November begins in Paris at 23:00 UTC.
    late, first_day = (datetime(2026, 11, 24, hour, tzinfo=UTC) for hour in (22, 23))

    assert _held(held) == ("CIR-SERVICE-02", "moe")
    assert decide(held, Rejudge(), directory, late).events == ()
    released = fold(held, decide(held, Rejudge(), directory, first_day).events)
    assert released is not None
    assert released.hold is None


def test_a_moe_that_left_after_its_turn_holds_nothing() -> None:
    inactive = a_directory(a_structure("moe", status=StructureStatus.INACTIF))

    assert after(A19, dossier=after(A4, A15), directory=inactive).hold is None


def test_nobody_acts_on_a_held_dossier() -> None:
    dossier = after(A15, dossier=after(A4), directory=a_directory(_MOA_SANS))

    refusal = decide(dossier, a_treatment("A15", Act.REFUSER, Role.MOA), DIRECTORY, NOW)
    next_piece = decide(dossier, A19, DIRECTORY, NOW)

    assert codes(refusal) == codes(next_piece) == ["CIR-TOUR-04"]
    assert "La structure moa" in refusal.violations[0].message


def test_setting_the_parameter_right_releases_the_dossier() -> None:
    dossier = after(A15, dossier=after(A4), directory=a_directory(_MOA_SANS))

    released = after(Rejudge(), dossier=dossier)

    assert released.hold is None
    assert released["A15"].status is Status.A_ASSOCIER_MOA
    assert after(A19, dossier=released)["A19"].status is Status.MISE_A_DISPOSITION


def test_whoever_is_informed_of_a_held_piece_learns_of_it_at_its_release() -> None:
    dossier = after(A7, directory=a_directory(_MOA_SANS))

    events = decide(dossier, Rejudge(), DIRECTORY, NOW).events

    forwarded = [event for event in events if isinstance(event, Forwarded)]
    assert [event.purpose for event in forwarded] == [Purpose.ACTION, Purpose.INFORMATION]


def test_the_same_obstacle_keeps_the_dossier_without_a_new_event() -> None:
    directory = a_directory(_MOA_SANS)
    dossier = after(A15, dossier=after(A4), directory=directory)

    assert decide(dossier, Rejudge(), directory, NOW).events == ()
    assert decide(after(A4), Rejudge(), directory, NOW).events == ()


def test_another_obstacle_is_told_and_the_wait_still_counts_from_its_start() -> None:
    dossier = after(A15, dossier=after(A4), directory=a_directory(_MOA_SANS))
    exclusive = a_directory(a_structure("payeur", MoaParameter.EXCLUSIVEMENT))

    later = NOW.replace(hour=12)
    kept = fold(dossier, decide(dossier, Rejudge(), exclusive, later).events)

    assert kept is not None
    assert _held(kept) == ("CIR-MOA-02", "payeur")
    assert kept.awaited is not None
    assert kept.awaited.since == NOW


def test_the_same_obstacle_at_another_structure_is_told() -> None:
    unknown = {
        name: {other: view for other, view in DIRECTORY.items() if other != name}
        for name in ("moa", "payeur")
    }
    dossier = after(A4, directory=unknown["moa"])

    kept = after(Rejudge(), dossier=dossier, directory=unknown["payeur"])

    assert [_held(dossier), _held(kept)] == [
        ("CIR-STRUCTURE-01", "moa"),
        ("CIR-STRUCTURE-01", "payeur"),
    ]


def test_a_completed_piece_may_be_held_and_released() -> None:
    suspended = after(A4, a_treatment("A4", Act.SUSPENDRE, Role.MOE))
    held = after(
        a_completion("A4", Role.TITULAIRE), dossier=suspended, directory=a_directory(_MOA_SANS)
    )

    assert (held["A4"].status, held.hold is None) == (Status.COMPLETEE, False)
    assert after(Rejudge(), dossier=held)["A4"].status is Status.A_ASSOCIER_MOE


def test_a_contested_piece_may_be_held_and_stays_contestee_when_released() -> None:
    contest = a_treatment("A20", Act.CONTESTER, Role.TITULAIRE)
    held = after(contest, dossier=after(A7, A17, A20), directory=a_directory(_MOA_SANS))

    released = after(Rejudge(), dossier=held)

    assert _held(held) == ("CIR-MOA-01", "moa")
    assert released["A20"].status is Status.CONTESTEE
    assert released.awaited is not None
    assert released.awaited.cadres == ("A20",)


def test_a_hold_records_the_versions_it_was_judged_by() -> None:
    directory = a_directory(replace(_MOA_SANS, version=7))

    held = decide(after(A4), A15, directory, NOW).events[-1]

    assert isinstance(held, Held)
    assert held.directory == {"moa": 7, "payeur": 1}
