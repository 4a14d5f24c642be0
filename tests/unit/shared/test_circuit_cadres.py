"""Unknown cadre, cadre not allowed now, depositor of the wrong role: three different answers."""

import re
from dataclasses import replace

import pytest

from shared.circuit.cadres import (
    find_deposit_act,
    judge_asked,
    judge_depositor,
    judge_following,
    judge_opening,
)
from shared.circuit.loader import load_current, load_version
from shared.circuit.parties import Parties, Party
from shared.circuit.statuses import Act
from shared.vocabulary.roles import Role

PARTIES = Parties(Party("t"), Party("sf"), Party("moe"), Party("moa"))
EVERYBODY = replace(PARTIES, cotraitant=Party("co"), sous_traitant=Party("st"))
CIRCUIT, FIRST = load_current(), load_version("2026-1")
OPENERS = {
    (Role.TITULAIRE, True): "A4 A5 A7",
    (Role.TITULAIRE, False): "A4 A6 A7",
    (Role.COTRAITANT, True): "A13 A14",
    (Role.COTRAITANT, False): "A13 A14",
    (Role.SOUS_TRAITANT, True): "A10",
    (Role.SOUS_TRAITANT, False): "A10",
    (Role.MOE, True): "A15 A17",
    (Role.MOE, False): "A16 A18",
    (Role.MOA, True): "A19 A20",
}
CADRES = [f"A{rank}" for rank in range(1, 26)]


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("moa", [True, False])
def test_each_role_opens_by_its_own_cadres_and_by_no_other(role: Role, moa: bool) -> None:
    parties = EVERYBODY if moa else replace(EVERYBODY, moa=None)

    opening = [cadre for cadre in CADRES if not judge_opening(CIRCUIT, cadre, role, parties)]

    assert opening == OPENERS.get((role, moa), "").split()


@pytest.mark.parametrize(
    ("version_name", "cadre", "role", "codes"),
    [
        ("2026-1", "A4", Role.TITULAIRE, []),
        ("2026-1", "A7", Role.TITULAIRE, []),
        ("2026-1", "A15", Role.MOE, ["CIR-CADRE-02"]),
        ("2026-1", "A15", Role.MOA, ["CIR-CADRE-04", "CIR-CADRE-02"]),
        ("2026-1", "A5", Role.TITULAIRE, ["CIR-CADRE-01"]),
        ("2026-2", "A99", Role.TITULAIRE, ["CIR-CADRE-01"]),
        ("2026-2", "A8", Role.TITULAIRE, ["CIR-CADRE-02"]),
        ("2026-2", "A22", Role.TITULAIRE, ["CIR-CADRE-02"]),
        ("2026-2", "A4", Role.MOE, ["CIR-CADRE-04"]),
        ("2026-2", "A13", Role.SOUS_TRAITANT, ["CIR-CADRE-04"]),
        ("2026-2", "A25", Role.MOE, ["CIR-CADRE-04", "CIR-CADRE-02"]),
        ("2026-2", "A11", Role.SOUS_TRAITANT, ["CIR-CADRE-01"]),
    ],
)
def test_an_opener_is_judged_by_cadre_and_role(
    version_name: str, cadre: str, role: Role, codes: list[str]
) -> None:
    broken = judge_opening(load_version(version_name), cadre, role, PARTIES)

    assert [violation.code for violation in broken] == codes
    assert {violation.field for violation in broken} <= {"cadre"}


@pytest.mark.parametrize("role", list(Role))
def test_an_unknown_cadre_is_answered_with_those_that_the_role_may_use(role: Role) -> None:
    (broken,) = judge_opening(CIRCUIT, "A99", role, EVERYBODY)

    allowed = ", ".join(OPENERS.get((role, True), "aucun").split())
    assert broken.remedy == f"Choisir l'un des cadres : {allowed}."


@pytest.mark.parametrize(
    ("cadre", "role"),
    [("A4", Role.TITULAIRE), ("A10", Role.SOUS_TRAITANT), ("A14", Role.COTRAITANT)],
)
def test_every_role_ahead_must_be_named(cadre: str, role: Role) -> None:
    broken = judge_opening(CIRCUIT, cadre, role, replace(EVERYBODY, moe=None))

    assert [(each.code, each.field) for each in broken] == [("CIR-PARTIE-01", "moe.structure")]


def test_the_first_version_has_no_circuit_without_a_moa() -> None:
    (broken,) = judge_opening(FIRST, "A4", Role.TITULAIRE, replace(PARTIES, moa=None))

    assert (broken.code, broken.field) == ("CIR-CADRE-05", "moa")
    assert "circuit sans maîtrise d'ouvrage n'est pas ouvert" in broken.message


@pytest.mark.parametrize(
    ("cadre", "role"), [("A16", Role.MOE), ("A18", Role.MOE), ("A6", Role.TITULAIRE)]
)
def test_a_cadre_of_the_circuit_without_a_moa_is_refused_when_one_is_named(
    cadre: str, role: Role
) -> None:
    (broken,) = judge_opening(CIRCUIT, cadre, role, PARTIES)

    assert (broken.code, broken.field) == ("CIR-CADRE-06", "moa")


@pytest.mark.parametrize(
    ("cadre", "role"),
    [("A5", Role.TITULAIRE), ("A15", Role.MOE), ("A17", Role.MOE), ("A19", Role.MOA)],
)
def test_a_cadre_of_the_circuit_with_a_moa_is_refused_when_none_is_named(
    cadre: str, role: Role
) -> None:
    (broken,) = judge_opening(CIRCUIT, cadre, role, replace(PARTIES, moa=None))

    assert (broken.code, broken.field) == ("CIR-CADRE-05", "moa")


@pytest.mark.parametrize(
    ("cadre", "role", "previous", "allowed", "codes"),
    [
        ("A15", Role.MOE, "A4", "A15", []),
        ("A8", Role.TITULAIRE, "A20", "A8", []),
        ("A20", Role.MOA, "A20", "A20", []),
        ("A22", Role.TITULAIRE, "A7", "A22", []),
        ("A23", Role.TITULAIRE, "A22", "A23", []),
        ("A20", Role.MOA, "A20", "A8", ["CIR-CADRE-03"]),
        ("A8", Role.TITULAIRE, "A20", "A20", ["CIR-CADRE-03"]),
        ("A22", Role.TITULAIRE, "A7", "", ["CIR-CADRE-03"]),
        ("A17", Role.MOE, "A4", "A15", ["CIR-CADRE-03"]),
        ("A15", Role.MOA, "A4", "A15", ["CIR-CADRE-04"]),
        ("A16", Role.MOE, "A4", "A15", ["CIR-CADRE-06"]),
        ("A99", Role.MOE, "A4", "A15", ["CIR-CADRE-01"]),
    ],
)
def test_a_next_piece_is_judged_by_what_is_allowed_after_the_one_it_follows(
    cadre: str, role: Role, previous: str, allowed: str, codes: list[str]
) -> None:
    broken = judge_following(CIRCUIT, cadre, role, CIRCUIT[previous, True], allowed.split())

    assert [violation.code for violation in broken] == codes


def test_the_first_version_does_not_know_the_cadre_that_follows_without_a_moa() -> None:
    (broken,) = judge_following(FIRST, "A16", Role.MOE, FIRST["A4", True], ("A15",))

    assert broken.code == "CIR-CADRE-01"


@pytest.mark.parametrize(
    ("cadre", "previous", "moa", "act"),
    [
        ("A22", "A7", True, Act.REMPLACER),
        ("A22", "A14", False, Act.REMPLACER),
        ("A22", "A17", True, Act.REMPLACER),
        ("A22", "A20", True, Act.DEPOSER_SUITE),
        ("A17", "A7", True, Act.DEPOSER_SUITE),
        ("A23", "A22", True, Act.DEPOSER_SUITE),
        ("A99", "A7", True, Act.DEPOSER_SUITE),
    ],
)
def test_a_deposit_follows_or_takes_the_place_of_the_piece_before(
    cadre: str, previous: str, moa: bool, act: Act
) -> None:
    assert find_deposit_act(CIRCUIT, cadre, CIRCUIT[previous, moa]) is act


def test_the_structure_that_deposits_is_the_one_named_in_its_role() -> None:
    assert judge_depositor(Role.MOE, "moe", PARTIES) == ()
    for role, structure in ((Role.MOE, "moa"), (Role.COTRAITANT, "t")):
        (broken,) = judge_depositor(role, structure, PARTIES)
        assert (broken.code, broken.field) == ("CIR-PARTIE-02", "depositor.structure")


@pytest.mark.parametrize(("cadre", "role"), [("A10", Role.SOUS_TRAITANT), ("A13", Role.COTRAITANT)])
def test_nobody_validates_what_it_deposits_itself(cadre: str, role: Role) -> None:
    alone = replace(EVERYBODY, titulaire=EVERYBODY[role])

    (broken,) = judge_opening(CIRCUIT, cadre, role, alone)

    assert (broken.code, broken.field) == ("CIR-PARTIE-03", "titulaire.structure")


@pytest.mark.parametrize("cadre", ["A4", "A15", "A22"])
def test_what_is_asked_by_a_cadre_of_the_circuit_is_answered(cadre: str) -> None:
    assert judge_asked(cadre) == ()


@pytest.mark.parametrize("cadre", ["A99", "a4", "", "A4_PROJET_DECOMPTE_MENSUEL_FOURNISSEUR"])
def test_what_is_asked_by_an_unknown_cadre_is_refused(cadre: str) -> None:
    (broken,) = judge_asked(cadre)

    assert (broken.code, broken.field) == ("CIR-CADRE-01", "cadre")
    assert broken.remedy.startswith("Choisir l'un des cadres : ")
    assert {"A4", "A15", "A19"} <= set(re.findall(r"A\d+", broken.remedy))
