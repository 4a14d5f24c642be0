"""Unknown cadre, cadre not allowed now, depositor of the wrong role: three different answers."""

from dataclasses import replace

import pytest

from shared.circuit.cadres import judge_depositor, judge_following, judge_opening
from shared.circuit.loader import current
from shared.circuit.parties import Parties, Party
from shared.circuit.table import Circuit
from shared.vocabulary.roles import Role

PARTIES = Parties(Party("t"), Party("sf"), Party("moe"), Party("moa"))
CIRCUIT = current()


@pytest.mark.parametrize(
    ("cadre", "role", "codes"),
    [
        ("A4", Role.TITULAIRE, []),
        ("A7", Role.TITULAIRE, []),
        ("A99", Role.TITULAIRE, ["CIR-CADRE-01"]),
        ("A8", Role.TITULAIRE, ["CIR-CADRE-02"]),
        ("A4", Role.MOE, ["CIR-CADRE-04"]),
        ("A15", Role.MOA, ["CIR-CADRE-04", "CIR-CADRE-02"]),
    ],
)
def test_an_opener_is_judged_by_cadre_and_role(cadre: str, role: Role, codes: list[str]) -> None:
    broken = judge_opening(CIRCUIT, cadre, role, PARTIES)

    assert [violation.code for violation in broken] == codes
    assert {violation.field for violation in broken} <= {"cadre"}


def test_an_unknown_cadre_is_answered_with_those_that_the_role_may_use() -> None:
    (broken,) = judge_opening(CIRCUIT, "A99", Role.TITULAIRE, PARTIES)

    assert "A4, A7" in broken.remedy
    assert "aucun" in judge_opening(CIRCUIT, "A99", Role.MOA, PARTIES)[0].remedy


def test_every_role_ahead_must_be_named() -> None:
    broken = judge_opening(CIRCUIT, "A4", Role.TITULAIRE, replace(PARTIES, moe=None))

    assert [(violation.code, violation.field) for violation in broken] == [
        ("CIR-PARTIE-01", "moe.structure")
    ]


def test_the_circuit_without_a_moa_is_not_open() -> None:
    (broken,) = judge_opening(CIRCUIT, "A4", Role.TITULAIRE, replace(PARTIES, moa=None))

    assert (broken.code, broken.field) == ("CIR-CADRE-05", "moa")
    assert "circuit sans maîtrise d'ouvrage n'est pas ouvert" in broken.message


def test_a_cadre_of_the_circuit_without_a_moa_is_refused_when_one_is_named() -> None:
    a16 = replace(CIRCUIT["A15", True], cadre="A16", moa_present=False)
    grown = Circuit("grown", (*CIRCUIT.rows, a16))

    (broken,) = judge_opening(grown, "A16", Role.MOE, PARTIES)

    assert broken.code == "CIR-CADRE-06"


@pytest.mark.parametrize(
    ("cadre", "role", "previous", "contested", "codes"),
    [
        ("A15", Role.MOE, "A4", False, []),
        ("A8", Role.TITULAIRE, "A20", False, []),
        ("A20", Role.MOA, "A20", True, []),
        ("A20", Role.MOA, "A20", False, ["CIR-CADRE-03"]),
        ("A8", Role.TITULAIRE, "A20", True, ["CIR-CADRE-03"]),
        ("A17", Role.MOE, "A4", False, ["CIR-CADRE-03"]),
        ("A15", Role.MOA, "A4", False, ["CIR-CADRE-04"]),
        ("A16", Role.MOE, "A4", False, ["CIR-CADRE-01"]),
    ],
)
def test_a_next_piece_is_judged_by_the_one_it_follows(
    cadre: str, role: Role, previous: str, contested: bool, codes: list[str]
) -> None:
    row = CIRCUIT[previous, True]

    broken = judge_following(CIRCUIT, cadre, role, row, contested=contested)

    assert [violation.code for violation in broken] == codes


def test_the_structure_that_deposits_is_the_one_named_in_its_role() -> None:
    assert judge_depositor(Role.MOE, "moe", PARTIES) == ()
    for role, structure in ((Role.MOE, "moa"), (Role.COTRAITANT, "t")):
        (broken,) = judge_depositor(role, structure, PARTIES)
        assert (broken.code, broken.field) == ("CIR-PARTIE-02", "depositor.structure")
