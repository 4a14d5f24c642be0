"""The decision table of the MOA parameter, row by row and over every combination."""

import itertools
from datetime import date

import pytest

from shared.circuit.hop import judge_hop
from shared.circuit.moa import CASES, Outcome, judge_parties
from shared.circuit.parties import (
    Directory,
    Obstacle,
    Parties,
    Party,
    Structure,
    judge_structure,
    read_moa_parameter,
    write_moa_booleans,
)
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation
from shared.vocabulary.structures import MoaParameter, StructureKind, StructureStatus

AVEC, EXCLUSIVEMENT, SANS = MoaParameter.AVEC, MoaParameter.EXCLUSIVEMENT, MoaParameter.SANS


def _structure(
    name: str,
    moa: MoaParameter = AVEC,
    kind: StructureKind = StructureKind.PUBLIQUE,
    status: StructureStatus = StructureStatus.ACTIF,
) -> Structure:
    return Structure(name, kind, status, moa, version=1)


def _verdict(moa: Structure | None, payer: Structure, *, require_moa: bool = True) -> str:
    verdict = judge_parties(moa, payer, require_moa=require_moa)
    return verdict.violation.code if isinstance(verdict, Obstacle) else verdict.value


EXPECTED = {
    ("same", AVEC, AVEC): "with_moa",
    ("same", SANS, SANS): "CIR-MOA-01",
    ("same", EXCLUSIVEMENT, EXCLUSIVEMENT): "CIR-MOA-02",
    ("other", AVEC, AVEC): "with_moa",
    ("other", AVEC, SANS): "with_moa",
    ("other", EXCLUSIVEMENT, AVEC): "with_moa",
    ("other", EXCLUSIVEMENT, SANS): "with_moa",
    ("other", SANS, AVEC): "CIR-MOA-01",
    ("other", SANS, SANS): "CIR-MOA-01",
    ("other", SANS, EXCLUSIVEMENT): "CIR-MOA-01",
    ("other", AVEC, EXCLUSIVEMENT): "CIR-MOA-02",
    ("other", EXCLUSIVEMENT, EXCLUSIVEMENT): "CIR-MOA-02",
    ("none", None, SANS): "without_moa",
    ("none", None, AVEC): "CIR-MOA-03",
    ("none", None, EXCLUSIVEMENT): "CIR-MOA-02",
}


def _case(relation: str, moa: MoaParameter | None, payer: MoaParameter) -> str:
    if moa is None:
        return _verdict(None, _structure("sf", payer))
    return _verdict(_structure("sf" if relation == "same" else "moa", moa), _structure("sf", payer))


@pytest.mark.parametrize(("case", "expected"), EXPECTED.items())
def test_each_combination_has_its_verdict(
    case: tuple[str, MoaParameter | None, MoaParameter], expected: str
) -> None:
    assert _case(*case) == expected


def test_the_table_is_total_and_each_of_its_six_rows_decides_something() -> None:
    pairs = itertools.product(MoaParameter, repeat=2)
    combinations: list[tuple[str, MoaParameter | None, MoaParameter]] = [
        *(("same", both, both) for both in MoaParameter),
        *(("other", moa, payer) for moa, payer in pairs),
        *(("none", None, payer) for payer in MoaParameter),
    ]

    assert set(combinations) == set(EXPECTED)
    assert len(CASES) == 6
    assert {_case(*combination) for combination in combinations} == {
        *Outcome,
        "CIR-MOA-01",
        "CIR-MOA-02",
        "CIR-MOA-03",
    }


def test_one_structure_seen_in_two_versions_is_read_once() -> None:
    assert _verdict(_structure("sf", AVEC), _structure("sf", SANS)) == "CIR-MOA-01"


def test_a_setting_lets_a_payer_with_moa_go_without_naming_one() -> None:
    payer = _structure("sf", AVEC)

    assert _verdict(None, payer, require_moa=False) == "without_moa"
    assert _verdict(_structure("moa", SANS), payer, require_moa=False) == "CIR-MOA-01"


def test_a_refusal_names_the_structure_and_its_parameter() -> None:
    refusal = judge_parties(_structure("V", SANS), _structure("P", AVEC))

    assert isinstance(refusal, Obstacle)
    assert refusal.violation.field == "moa.structure"
    assert "V" in refusal.violation.message
    assert "sans maîtrise d'ouvrage" in refusal.violation.message


@pytest.mark.parametrize(
    ("moa", "payer", "at_fault"),
    [(SANS, AVEC, "moa"), (AVEC, EXCLUSIVEMENT, "sf"), (None, AVEC, "sf"), (None, SANS, None)],
)
def test_a_verdict_names_the_structure_at_fault(
    moa: MoaParameter | None, payer: MoaParameter, at_fault: str | None
) -> None:
    verdict = judge_parties(_structure("moa", moa) if moa else None, _structure("sf", payer))

    assert (verdict.structure if isinstance(verdict, Obstacle) else None) == at_fault


def test_the_three_values_and_the_two_booleans_say_the_same() -> None:
    pairs = {value: write_moa_booleans(value) for value in MoaParameter}

    assert pairs == {AVEC: (True, False), EXCLUSIVEMENT: (True, True), SANS: (False, False)}
    for value, (est_moa, uniquement) in pairs.items():
        assert read_moa_parameter(est_moa=est_moa, est_moa_uniquement=uniquement) is value
    with pytest.raises(ValueError, match="est_moa_uniquement"):
        read_moa_parameter(est_moa=False, est_moa_uniquement=True)


PARTIES = Parties(Party("t"), Party("sf"), Party("moe"), Party("moa"))
PRIVATE = {
    name: _structure(name, SANS, kind=StructureKind.PRIVEE) for name in ("t", "moe", "moa", "sf")
}
PUBLIC = {name: _structure(name) for name in ("t", "moe", "moa", "sf")}


def _judged(directory: Directory) -> list[Violation]:
    verdicts = (judge_structure(role, party, directory) for role, party in PARTIES.list_named())
    return [verdict for verdict in verdicts if verdict]


def test_only_a_public_structure_is_moa_or_service_financier() -> None:
    broken = _judged(PRIVATE)

    assert [(violation.code, violation.field) for violation in broken] == [
        ("CIR-STRUCTURE-03", "moa.structure"),
        ("CIR-STRUCTURE-03", "service_financier.structure"),
    ]


@pytest.mark.parametrize("name", ["t", "moe", "moa", "sf"])
def test_every_party_is_known_and_active(name: str) -> None:
    inactive = PUBLIC | {name: _structure(name, status=StructureStatus.INACTIF)}
    unknown = {other: view for other, view in PUBLIC.items() if other != name}

    assert [v.code for v in _judged(inactive)] == ["CIR-STRUCTURE-02"]
    assert [v.code for v in _judged(unknown)] == ["CIR-STRUCTURE-01"]
    assert _judged(PUBLIC) == []


def test_a_party_is_taken_by_its_role_and_an_absent_one_is_an_error() -> None:
    assert PARTIES[Role.MOA] == Party("moa")
    with pytest.raises(KeyError):
        PARTIES[Role.COTRAITANT]


def test_a_hop_without_a_moa_is_judged_by_the_payer_alone() -> None:
    parties = Parties(Party("t"), Party("sf"), Party("moe"))
    sans = PUBLIC | {"sf": _structure("sf", SANS)}

    today = date(2026, 11, 30)

    assert judge_hop(Role.MOE, Party("moe"), parties, sans, today=today, require_moa=True) is None
    obstacle = judge_hop(Role.MOE, Party("moe"), parties, PUBLIC, today=today, require_moa=True)
    assert obstacle is not None
    assert (obstacle.structure, obstacle.violation.code) == ("sf", "CIR-MOA-03")
