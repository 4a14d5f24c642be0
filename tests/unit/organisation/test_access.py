"""Who may create a structure, and change which of its fields."""

from dataclasses import replace

import pytest

from services.organisation.structures.domain.access import judge_change, judge_creation
from services.organisation.structures.domain.structure import Address, Declaration, Service
from shared.rights.model import Level, PrincipalKind, Requester
from shared.vocabulary.structures import IdentifierType, StructureKind, StructureStatus
from tests.unit.organisation.builders import a_requester

SIRET, OTHER = "35600000000048", "90000000300013"
CITY = Declaration(IdentifierType.SIRET, SIRET, "Ville", StructureKind.PUBLIQUE)
PERSON = Declaration(IdentifierType.PARTICULIER, "Zoé", "Zoé", StructureKind.PRIVEE)
MANAGER = a_requester(at=SIRET, level=Level.MODIFICATION)
OPERATOR = a_requester(operator=True)


def creating(requester: Requester, declared: Declaration = CITY) -> list[str]:
    return [each.code for each in judge_creation(requester, declared)]


def changing(requester: Requester, after: Declaration = CITY) -> list[tuple[str, str]]:
    return [(each.code, each.field) for each in judge_change(requester, CITY, after)]


def test_a_structure_is_created_by_who_proves_its_siret_or_by_an_operator() -> None:
    assert creating(a_requester(siret=SIRET)) == []
    assert creating(OPERATOR) == creating(OPERATOR, PERSON) == []
    assert creating(a_requester()) == creating(a_requester(siret=OTHER)) == ["ORG-DROIT-04"]
    assert creating(a_requester(siret="Zoé"), PERSON) == ["ORG-DROIT-04"]
    assert creating(MANAGER) == ["ORG-DROIT-04"]


def test_a_machine_creates_no_structure() -> None:
    machine = a_requester(siret=SIRET, kind=PrincipalKind.MACHINE, scopes=frozenset())

    assert creating(machine) == ["ORG-DROIT-04"]


def test_an_issuer_creates_structures_of_its_kinds_alone() -> None:
    private = a_requester(siret=SIRET, kinds=frozenset({StructureKind.PRIVEE}))

    assert creating(private) == ["ORG-DROIT-05"]
    assert creating(private, replace(CITY, kind=StructureKind.PRIVEE)) == []


def test_a_new_structure_is_active_unless_an_operator_says_otherwise() -> None:
    inactive = replace(CITY, status=StructureStatus.INACTIF)

    assert creating(a_requester(siret=SIRET), inactive) == ["ORG-DROIT-02"]
    assert creating(OPERATOR, inactive) == []


def test_a_manager_changes_what_the_structure_says_of_itself() -> None:
    for after in (
        replace(CITY, address=Address(city="Lille")),
        replace(CITY, email="contact@ville.example"),
        replace(CITY, services=(Service("A", "A"),)),
    ):
        assert changing(MANAGER, after) == []
        assert changing(OPERATOR, after) == []


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (replace(CITY, name="Métropole"), [("ORG-DROIT-02", "name")]),
        (replace(CITY, status=StructureStatus.INACTIF), [("ORG-DROIT-02", "status")]),
        (replace(CITY, kind=StructureKind.PRIVEE), [("ORG-TYPE-01", "kind")]),
        (
            replace(CITY, name="Autre", kind=StructureKind.PRIVEE),
            [("ORG-DROIT-02", "name"), ("ORG-TYPE-01", "kind")],
        ),
    ],
)
def test_legal_name_kind_and_status_are_an_operator_s(
    after: Declaration, expected: list[tuple[str, str]]
) -> None:
    assert changing(MANAGER, after) == expected
    assert changing(OPERATOR, after) == []


@pytest.mark.parametrize(
    ("requester", "code"),
    [
        (a_requester(), "ORG-DROIT-03"),
        (a_requester(siret=SIRET), "ORG-DROIT-03"),
        (a_requester(at=SIRET), "ORG-DROIT-03"),
        (a_requester(at=SIRET, level=Level.CONSULTATION), "ORG-DROIT-03"),
        (a_requester(at=OTHER, level=Level.MODIFICATION), "ORG-DROIT-01"),
        (replace(MANAGER, scopes=frozenset({"organisation:consultation"})), "ORG-DROIT-03"),
    ],
)
def test_nobody_else_changes_anything_even_to_what_it_is(requester: Requester, code: str) -> None:
    assert changing(requester) == [(code, "X-Structure")]


def test_a_machine_with_the_scope_changes_what_a_manager_may() -> None:
    machine = replace(MANAGER, scopes=frozenset({"organisation:modification"}))

    assert changing(machine, replace(CITY, address=Address(city="Lille"))) == []
