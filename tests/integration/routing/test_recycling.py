"""A piece put right by its depositor, under the same number; and who then sees it."""

import pytest

from shared.vocabulary.roles import Role
from tests.integration.routing.test_circuits import EN_COURS, travel
from tests.integration.routing.world import Deposits, World


@pytest.fixture
async def misdirected(world: World) -> Deposits:
    """A dossier whose A15 has reached a MOA that asks for it to be put right."""
    dossier = await world.dossier()
    await dossier.deposit("A4", Role.TITULAIRE)
    await world.until_status(dossier, "A4", "A_ASSOCIER_MOE")
    await dossier.deposit("A15", Role.MOE, "A4")
    await world.until_status(dossier, "A15", "A_ASSOCIER_MOA")
    asked = await world.treat(
        dossier, "A15", Role.MOA, act="demander_recyclage", comment="Ce marché est d'un autre MOA."
    )
    assert asked.json()["awaited"]["actor"]["role"] == "moe"
    assert asked.json()["awaited"]["acts"] == ["recycler"]
    return dossier


async def test_a_recycled_piece_goes_to_whom_it_names_now(
    world: World, misdirected: Deposits
) -> None:
    dossier, wrong = misdirected, misdirected.parties[Role.MOA]
    right = await world.structure()

    answer = await world.treat(
        dossier,
        "A15",
        Role.MOE,
        act="recycler",
        correction={"moa": {"structure": right, "service": "TRAVAUX"}, "engagement": "EJ-9"},
    )
    shown = await world.get(f"/dossiers/{dossier.id}", right, Role.MOA)
    hidden = await world.get(f"/dossiers/{dossier.id}", wrong, Role.MOA)

    assert answer.status_code == 200, answer.text
    await world.until_status(dossier, "A15", "EN_COURS_ACHEMINEMENT")
    assert shown.json()["awaited"]["actor"] | {"role_label": ""} == {
        "role": "moa",
        "role_label": "",
        "structure": right,
        "service": "TRAVAUX",
    }
    assert shown.json()["pieces"][1]["engagement"] == "EJ-9"
    assert hidden.status_code == 404
    dossier.parties[Role.MOA] = right
    await dossier.deposit("A19", Role.MOA, "A15")
    await world.until_status(dossier, "A19", "MISE_A_DISPOSITION")


async def test_a_final_piece_is_recycled_to_another_service(world: World) -> None:
    dossier = await world.dossier()
    await travel(dossier, EN_COURS)
    await world.until_status(dossier, "A19", "MISE_A_DISPOSITION")
    payer = dossier.parties[Role.SERVICE_FINANCIER]
    await world.treat(
        dossier, "A19", Role.SERVICE_FINANCIER, act="demander_recyclage", comment="Autre service."
    )
    await world.until_status(dossier, "A19", "A_RECYCLER")

    answer = await world.treat(
        dossier,
        "A19",
        Role.MOA,
        act="recycler",
        correction={"service_financier": {"structure": payer, "service": "TRAVAUX"}},
    )

    assert answer.json()["pieces"][2]["status"] == "MISE_A_DISPOSITION"
    assert answer.json()["awaited"]["actor"]["service"] == "TRAVAUX"


@pytest.mark.parametrize(
    ("correction", "code"),
    [
        ({"moe": {"structure": "S-x"}}, "ROU-RECYCLAGE-01"),
        ({"moa": {"structure": "S-unknown"}}, "CIR-STRUCTURE-01"),
        ({}, "ROU-RECYCLAGE-02"),
        *(({"engagement": blank}, "HTTP-FORM-01") for blank in (" ", "\t", "\u200b", "\u00a0")),
        ({"engagement": "a\0b"}, "CIR-CHAMP-05"),
        (None, "ROU-RECYCLAGE-02"),
    ],
)
async def test_what_a_recycling_may_not_change_is_refused(
    world: World, misdirected: Deposits, correction: object, code: str
) -> None:
    answer = await world.treat(misdirected, "A15", Role.MOE, act="recycler", correction=correction)

    assert answer.status_code == 422
    assert [each["code"] for each in answer.json()["violations"]] == [code]


async def test_only_a_recycling_corrects(world: World, misdirected: Deposits) -> None:
    answer = await world.treat(
        misdirected, "A15", Role.MOE, act="recycler", correction={"titulaire": {"structure": "x"}}
    )
    other = await world.treat(
        misdirected, "A15", Role.MOA, act="refuser", motive="AUTRE", correction={"engagement": "E"}
    )

    assert (answer.status_code, other.status_code) == (422, 422)
