"""Rules of sheets of marchés: what is refused, and on which field."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from services.organisation.sheets.domain.judgement import judge
from services.organisation.sheets.domain.sheets import DAYS_LIMIT, Content, Lot, list_delays
from services.organisation.structures.domain.structure import Structure
from shared.circuit.sheets import SheetActor, SheetRole
from shared.contracts.fields import DAYS_MAX
from tests.unit.organisation.sheet_builders import (
    DIRECTORY,
    GONE,
    MOA,
    MOE,
    TITULAIRE,
    WHOLE,
    an_actor,
)

TODAY = date(2026, 11, 30)
MOE_ROLE = SheetRole.MOE


def get_codes(
    content: Content, directory: dict[str, Structure] = DIRECTORY
) -> list[tuple[str, str]]:
    found = judge(MOA, content, directory, TODAY)
    return [(each.code, each.field) for each in found]


def with_actors(*actors: SheetActor) -> Content:
    return Content("2026-T-017", actors=actors, lots=(Lot("1"), Lot("2")))


def test_a_sheet_that_breaks_no_rule_is_accepted() -> None:
    assert get_codes(WHOLE) == []
    assert get_codes(Content("1")) == []


def test_a_number_without_a_visible_letter_or_digit_is_refused() -> None:
    assert get_codes(Content("-")) == [("ORG-FICHE-02", "number")]


def test_a_sheet_is_of_a_moa() -> None:
    # Private, and unknown: the other cases are proven over HTTP.
    assert [each.code for each in judge(MOE, Content("1"), DIRECTORY, TODAY)] == ["ORG-FICHE-01"]
    assert [each.code for each in judge("x", Content("1"), DIRECTORY, TODAY)] == ["ORG-FICHE-01"]


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        (an_actor(MOE_ROLE, "inconnue"), [("ORG-FICHE-06", "actors.0.structure")]),
        (an_actor(MOE_ROLE, GONE), [("ORG-FICHE-07", "actors.0.structure")]),
        (an_actor(MOE_ROLE, GONE, valid_until=TODAY), [("ORG-FICHE-07", "actors.0.structure")]),
        # Its validity is over: what it has become since does not matter.
        (an_actor(MOE_ROLE, GONE, valid_until=date(2026, 11, 29)), []),
        (an_actor(SheetRole.MOA_DELEGUEE, MOE), [("ORG-FICHE-08", "actors.0.structure")]),
        (an_actor(SheetRole.SERVICE_FINANCIER, MOE), [("ORG-FICHE-08", "actors.0.structure")]),
        (an_actor(MOE_ROLE, MOA, service="TRAVAUX"), []),
        (an_actor(MOE_ROLE, MOA, service="INCONNU"), [("ORG-FICHE-09", "actors.0.service")]),
        (an_actor(MOE_ROLE, MOA, service="FERME"), [("ORG-FICHE-09", "actors.0.service")]),
        (
            an_actor(MOE_ROLE, MOE, valid_from=TODAY, valid_until=date(2026, 11, 29)),
            [("ORG-FICHE-10", "actors.0.valid_until")],
        ),
        (an_actor(MOE_ROLE, MOE, valid_from=TODAY, valid_until=TODAY), []),
        (an_actor(MOE_ROLE, MOE, lot="3"), [("ORG-FICHE-12", "actors.0.lot")]),
    ],
)
def test_an_actor_is_judged_by_the_directory(
    actor: SheetActor, expected: list[tuple[str, str]]
) -> None:
    assert get_codes(with_actors(actor)) == expected


@pytest.mark.parametrize(
    "role",
    [SheetRole.TITULAIRE, SheetRole.MOE, SheetRole.MOA_DELEGUEE, SheetRole.SERVICE_FINANCIER],
)
@pytest.mark.parametrize(
    ("first", "second", "is_refused"),
    [
        ({}, {}, True),
        ({"lot": "1"}, {"lot": "2"}, False),
        ({"lot": "1"}, {"lot": "1"}, True),
        ({"lot": "1"}, {}, True),
        ({"valid_until": date(2026, 6, 30)}, {"valid_from": date(2026, 7, 1)}, False),
        ({"valid_until": date(2026, 6, 30)}, {"valid_from": date(2026, 6, 30)}, True),
        ({"valid_from": date(2026, 7, 1)}, {"valid_until": date(2026, 6, 30)}, False),
        (
            {"valid_from": date(2026, 1, 1), "valid_until": date(2026, 12, 31)},
            {"valid_from": date(2026, 3, 1), "valid_until": date(2026, 3, 31)},
            True,
        ),
    ],
)
def test_two_actors_of_one_role_do_not_meet(
    role: SheetRole, first: dict[str, Any], second: dict[str, Any], is_refused: bool
) -> None:
    content = with_actors(an_actor(role, MOA, **first), an_actor(role, MOA, **second))

    assert get_codes(content) == ([("ORG-FICHE-11", "actors.1")] if is_refused else [])


def test_a_contradiction_names_both_actors_the_role_and_the_lot() -> None:
    content = with_actors(an_actor(MOE_ROLE, MOE), an_actor(MOE_ROLE, TITULAIRE, lot="2"))
    (violation,) = judge(MOA, content, DIRECTORY, TODAY)

    assert violation.message == (
        f"{MOE} et {TITULAIRE} sont maîtrise d'œuvre du lot « 2 », à des dates qui se recouvrent."
    )


@pytest.mark.parametrize("role", [SheetRole.COTRAITANT, SheetRole.SOUS_TRAITANT])
def test_several_may_be_co_or_subcontractors_at_once(role: SheetRole) -> None:
    assert get_codes(with_actors(an_actor(role, MOE), an_actor(role, TITULAIRE))) == []


def test_a_lot_is_named_once() -> None:
    content = Content("1", lots=(Lot("1"), Lot("2"), Lot("1", "Autre")))

    assert get_codes(content) == [
        ("ORG-FICHE-13", "lots.0.code"),
        ("ORG-FICHE-13", "lots.2.code"),
    ]


@pytest.mark.parametrize(
    ("delays", "expected"),
    [
        ({"paiement": 1, "contestation": 365}, []),
        ({"paiement": 0}, [("ORG-FICHE-15", "delays.paiement")]),
        ({"paiement": 366}, [("ORG-FICHE-15", "delays.paiement")]),
        ({"inconnu": 10}, [("ORG-FICHE-14", "delays.inconnu")]),
    ],
)
def test_a_marche_derogates_from_the_delays_that_there_are(
    delays: dict[str, int], expected: list[tuple[str, str]]
) -> None:
    assert get_codes(replace(WHOLE, delays=delays)) == expected


def test_delays_are_those_of_the_newest_circuit_within_the_limit_of_the_event() -> None:
    assert list(list_delays()) == [
        "validation",
        "etat_acompte",
        "decompte_general",
        "acceptation",
        "decompte_tacite",
        "contestation",
        "paiement",
    ]
    assert DAYS_LIMIT == DAYS_MAX
