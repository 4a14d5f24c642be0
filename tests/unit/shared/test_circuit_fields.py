"""Service code, engagement, or either: what a recipient requires."""

import itertools
from datetime import date

import pytest

from shared.circuit.fields import judge_fields, list_required_fields
from shared.circuit.parties import Party, Service, Structure
from shared.vocabulary.roles import Role
from shared.vocabulary.structures import MoaParameter, StructureKind, StructureStatus

TODAY = date(2026, 11, 30)
SERVICES = {
    "TRVX": Service(),
    "EJ": Service(engagement_obligatoire=True),
    "VIEUX": Service(active=False),
    "DEMAIN": Service(valid_from=date(2026, 12, 1)),
    "AUJOURD'HUI": Service(valid_from=date(2026, 11, 30), valid_until=date(2026, 11, 30)),
    "HIER": Service(valid_until=date(2026, 11, 29)),
}


def _structure(service: bool = False, engagement: bool = False, either: bool = False) -> Structure:
    return Structure(
        "S",
        StructureKind.PUBLIQUE,
        StructureStatus.ACTIF,
        MoaParameter.AVEC,
        1,
        code_service_obligatoire=service,
        numero_engagement_obligatoire=engagement,
        engagement_ou_service=either,
        services=SERVICES,
    )


def _codes(structure: Structure, service: str | None, engagement: str | None) -> set[str]:
    broken = judge_fields(Role.MOA, Party("S", service), structure, engagement, TODAY)
    return {violation.code for violation in broken}


@pytest.mark.parametrize(
    ("service", "engagement", "either", "has_service", "has_engagement"),
    list(itertools.product([False, True], repeat=5)),
)
def test_every_combination_of_parameters_and_fields(
    service: bool, engagement: bool, either: bool, has_service: bool, has_engagement: bool
) -> None:
    structure = _structure(service, engagement, either)
    expected = set()
    if either and not has_service and not has_engagement:
        expected = {"CIR-CHAMP-03"}
    if not either and service and not has_service:
        expected |= {"CIR-CHAMP-01"}
    if not either and engagement and not has_engagement:
        expected |= {"CIR-CHAMP-02"}

    assert (
        _codes(structure, "TRVX" if has_service else None, "E1" if has_engagement else None)
        == expected
    )


def test_a_service_may_require_an_engagement_on_its_own() -> None:
    assert _codes(_structure(), "EJ", None) == {"CIR-CHAMP-04"}
    assert _codes(_structure(either=True), "EJ", None) == {"CIR-CHAMP-04"}
    assert _codes(_structure(), "EJ", "E1") == set()


def test_a_missing_engagement_is_told_once() -> None:
    assert _codes(_structure(engagement=True), "EJ", None) == {"CIR-CHAMP-02"}


def test_a_service_given_must_exist_and_be_active() -> None:
    assert _codes(_structure(), "XX", None) == {"CIR-SERVICE-01"}
    assert _codes(_structure(), "VIEUX", None) == {"CIR-SERVICE-02"}


def test_a_service_is_active_from_its_first_day_to_its_last() -> None:
    assert _codes(_structure(), "DEMAIN", None) == {"CIR-SERVICE-02"}
    assert _codes(_structure(), "AUJOURD'HUI", None) == set()
    assert _codes(_structure(), "HIER", None) == {"CIR-SERVICE-02"}


def test_a_violation_names_the_field_of_the_recipient() -> None:
    structure = _structure(service=True, engagement=True)

    broken = judge_fields(Role.SERVICE_FINANCIER, Party("S"), structure, None, TODAY)

    assert [violation.field for violation in broken] == ["service_financier.service", "engagement"]


@pytest.mark.parametrize(
    ("structure", "required"),
    [
        (_structure(), set()),
        (_structure(service=True, engagement=True), {"service", "engagement"}),
        (_structure(service=True, engagement=True, either=True), {"service|engagement"}),
    ],
)
def test_a_form_learns_what_is_required(structure: Structure, required: set[str]) -> None:
    assert list_required_fields(structure) == required


@pytest.mark.parametrize("blank", ["", " ", "\t", "\0", "\u200b", "\u3164", "…"])
def test_an_engagement_that_says_nothing_is_none(blank: str) -> None:
    assert _codes(_structure(engagement=True), "TRVX", blank) == {"CIR-CHAMP-02"}
    assert _codes(_structure(either=True), None, blank) == {"CIR-CHAMP-03"}
    assert _codes(_structure(), "EJ", blank) == {"CIR-CHAMP-04"}
