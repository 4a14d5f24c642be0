"""What a recycling may correct, judged as at a deposit."""

from dataclasses import replace

import pytest

from services.routing.domain.commands import Correction
from services.routing.domain.decide import decide
from shared.circuit.parties import Party
from shared.circuit.statuses import Act
from shared.vocabulary.roles import Role
from shared.vocabulary.structures import MoaParameter
from tests.unit.routing.builders import (
    A4,
    DIRECTORY,
    NOW,
    a_directory,
    a_structure,
    a_treatment,
    after,
    codes,
)

PAYER = Role.SERVICE_FINANCIER
RECYCLE = a_treatment("A4", Act.RECYCLER, Role.TITULAIRE)


@pytest.mark.parametrize(
    ("correction", "expected"),
    [
        (Correction({Role.MOE: Party("moe", "TRVX")}), []),
        (Correction({PAYER: Party("payeur", "TRVX")}), []),
        (Correction({PAYER: Party("payeur", "NOSUCH")}), ["CIR-SERVICE-01"]),
        (Correction({Role.MOA: Party("moa", "CLOS")}), ["CIR-SERVICE-02"]),
        (Correction({Role.MOE: Party("moe", "NOSUCH")}), ["CIR-SERVICE-01"]),
        (Correction({Role.MOA: Party("nobody")}), ["CIR-STRUCTURE-01"]),
        (Correction({Role.TITULAIRE: Party("moe")}), ["ROU-RECYCLAGE-01"]),
        (Correction(), ["ROU-RECYCLAGE-02"]),
    ],
)
def test_each_party_that_is_corrected_is_judged(
    correction: Correction, expected: list[str]
) -> None:
    waiting = after(A4, a_treatment("A4", Act.DEMANDER_RECYCLAGE, Role.MOE))

    decision = decide(waiting, replace(RECYCLE, correction=correction), DIRECTORY, NOW)

    assert codes(decision) == expected


def test_a_payer_that_requires_an_engagement_has_one_when_it_is_corrected() -> None:
    waiting = after(A4, a_treatment("A4", Act.DEMANDER_RECYCLAGE, Role.MOE))
    payer = a_structure("payeur", MoaParameter.SANS, numero_engagement_obligatoire=True)
    to_the_payer = Correction({PAYER: Party("payeur", "TRVX")})
    directory = a_directory(payer)

    without = decide(waiting, replace(RECYCLE, correction=to_the_payer), directory, NOW)
    complete = replace(to_the_payer, engagement="EJ-1")
    with_one = decide(waiting, replace(RECYCLE, correction=complete), directory, NOW)

    assert (codes(without), codes(with_one)) == (["CIR-CHAMP-02"], [])


@pytest.mark.parametrize(
    ("engagement", "expected"),
    [
        *((blank, ["CIR-CHAMP-02"]) for blank in (" ", "\t", "\0", "\u200b", "\u3164")),
        ("EJ\u202e1", ["CIR-CHAMP-05"]),
        ("EJ\n1", ["CIR-CHAMP-05"]),
    ],
)
def test_an_engagement_that_is_not_seen_is_none(engagement: str, expected: list[str]) -> None:
    waiting = after(A4, a_treatment("A4", Act.DEMANDER_RECYCLAGE, Role.MOE))
    directory = a_directory(
        a_structure("payeur", MoaParameter.SANS, numero_engagement_obligatoire=True)
    )
    correction = Correction({PAYER: Party("payeur", "TRVX")}, engagement)

    decision = decide(waiting, replace(RECYCLE, correction=correction), directory, NOW)

    assert codes(decision) == expected


def test_a_blank_engagement_corrects_nothing() -> None:
    waiting = after(A4, a_treatment("A4", Act.DEMANDER_RECYCLAGE, Role.MOE))

    decision = decide(waiting, replace(RECYCLE, correction=Correction({}, " ")), DIRECTORY, NOW)

    assert codes(decision) == ["ROU-RECYCLAGE-02"]
