"""Dossiers opened by others than the titulaire, without a MOA, and the turn that is offered."""

from typing import Any

import httpx
import pytest

from deploy.local import einvoices
from deploy.local.einvoices import Trader
from shared.vocabulary.labels import ROLES
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from tests.integration.deposit.world import (
    MOA,
    OTHER,
    PARTIES,
    Answer,
    World,
    acting,
    an_opener,
    codes,
)

SUBCONTRACTOR = Trader("Étanchéité du Lez", PARTIES[Role.SOUS_TRAITANT])


async def _open(
    world: World,
    cadre: str,
    role: Role,
    *named: Role,
    opens: bool = False,
    **fields: Any,  # noqa: ANN401 - the fields of an Einvoice
) -> httpx.Response:
    """Deposit an opener of a role, which names others beside itself."""
    seller = {"seller": SUBCONTRACTOR} if role is Role.SOUS_TRAITANT else {}
    draft = an_opener(cadre=cadre, **seller, **fields)
    parties = {each.value: {"structure": PARTIES[each]} for each in named}
    metadata = {"parties": parties, "opens": opens}
    return await world.deposit(einvoices.write_ubl(draft), metadata, acting(role))


def _kept(answer: httpx.Response) -> Answer:
    assert answer.status_code == 201, answer.text
    body: Answer = answer.json()
    return body


@pytest.mark.parametrize(
    ("cadre", "role", "named", "first", "application"),
    [
        (
            "A10",
            Role.SOUS_TRAITANT,
            (Role.TITULAIRE, Role.MOE, Role.MOA),
            Role.TITULAIRE,
            "factures_de_travaux",
        ),
        ("A15", Role.MOE, (Role.MOA,), Role.MOA, "factures_de_travaux"),
        ("A19", Role.MOA, (), Role.SERVICE_FINANCIER, "factures_recues"),
        ("A6", Role.TITULAIRE, (), Role.SERVICE_FINANCIER, "factures_recues"),
        ("A18", Role.MOE, (), Role.TITULAIRE, "factures_de_travaux"),
    ],
)
async def test_each_journey_begins_with_its_depositor_and_names_its_first_recipient(
    world: World, cadre: str, role: Role, named: tuple[Role, ...], first: Role, application: str
) -> None:
    # Other tests leave dossiers of this titulaire that await such pieces.
    piece = _kept(await _open(world, cadre, role, *named, opens=True))

    assert piece["next"] == {
        "role": first.value,
        "role_label": ROLES[first],
        "structure": PARTIES[first],
        "service": None,
        "application": application,
    }
    (event,) = await world.read_deposits(piece["dossier_id"], 1)
    told = {each for each, party in event["data"]["parties"].items() if party}
    always = (Role.TITULAIRE, Role.SERVICE_FINANCIER)
    assert told == {each.value for each in (*always, role, *named)}
    assert event["data"]["depositor"]["structure"] == PARTIES[role]
    seen = await world.http.get(f"/pieces/{piece['piece_id']}", headers=acting(first))
    assert seen.json()["depositor"]["role"] == role.value


async def test_a_subcontractor_who_names_no_titulaire_is_told_so(world: World) -> None:
    answer = await _open(world, "A10", Role.SOUS_TRAITANT, Role.MOE, Role.MOA)

    assert answer.status_code == 422
    assert codes(answer) == [("CIR-PARTIE-01", "parties.titulaire.structure")]


async def test_the_titulaire_takes_the_place_of_a_late_piece_once_it_is_offered(
    world: World,
) -> None:
    piece = _kept(await _open(world, "A7", Role.TITULAIRE, Role.MOE, Role.MOA))
    at_the_moe = {piece["piece_id"]: Status.A_ASSOCIER_MOE}
    await world.tell_dossier(at_the_moe, Role.MOE, ("A17",))

    early = await world.follow(piece["piece_id"], Role.TITULAIRE, "A22")
    await world.tell_dossier(at_the_moe, Role.MOE, ("A17",), others={Role.TITULAIRE: ("A22",)})
    shown = await world.http.get(
        f"/pieces/{piece['piece_id']}/next", headers=acting(Role.TITULAIRE)
    )
    offered = await world.follow(piece["piece_id"], Role.TITULAIRE, "A22")

    assert codes(early) == [("CIR-TOUR-03", "follows"), ("CIR-CADRE-03", "cadre")]
    assert shown.json()["cadres"] == ["A22"]
    assert offered.status_code == 201, offered.text
    assert offered.json()["next"]["structure"] == MOA


async def test_a_final_account_that_cites_the_last_instalment_opens_a_dossier(world: World) -> None:
    instalment = await world.opened_and_awaiting_moe()

    number = instalment["number"]
    final = _kept(
        await _open(world, "A7", Role.TITULAIRE, Role.MOE, Role.MOA, preceding_number=number)
    )

    assert final["follows"] is None
    assert final["dossier_id"] != instalment["dossier_id"]


async def test_a_citation_on_its_way_is_waited_for_and_opens_no_second_dossier(
    world: World,
) -> None:
    piece = await world.open()

    number = piece["number"]
    early = await _open(world, "A15", Role.MOE, Role.MOA, preceding_number=number)
    await world.tell_dossier({piece["piece_id"]: Status.A_ASSOCIER_MOE}, Role.MOE, ("A15",))
    later = _kept(await _open(world, "A15", Role.MOE, Role.MOA, preceding_number=number))

    assert (early.status_code, codes(early)) == (409, [("DEP-SUITE-03", "follows")])
    assert (later["follows"], later["dossier_id"]) == (piece["piece_id"], piece["dossier_id"])


async def test_an_opener_beside_a_piece_that_awaits_it_is_refused_unless_it_is_meant(
    world: World,
) -> None:
    """Of a titulaire of its own: every other test leaves pieces that await the MOE."""
    seller = {"seller": Trader("Toitures Oriol", OTHER)}
    beside = {
        "parties": {each.value: {"structure": PARTIES[each]} for each in (Role.MOE, Role.MOA)}
    }
    draft = an_opener(**seller)
    piece = await world.deposit(einvoices.write_ubl(draft), beside, acting(Role.TITULAIRE, OTHER))
    assert piece.status_code == 201, piece.text
    await world.tell_dossier({piece.json()["piece_id"]: Status.A_ASSOCIER_MOE}, Role.MOE, ("A15",))
    etat = einvoices.write_ubl(an_opener(cadre="A15", **seller))

    refused = await world.deposit(etat, beside, acting(Role.MOE))
    meant = await world.deposit(etat, beside | {"opens": True}, acting(Role.MOE))

    assert codes(refused) == [("DEP-SUITE-05", "follows")]
    assert (meant.status_code, meant.json()["follows"]) == (201, None)


async def test_a_recycled_dossier_is_the_corrected_moa_s_and_no_longer_the_wrong_one_s(
    world: World,
) -> None:
    piece = await world.open()
    url = f"/pieces/{piece['piece_id']}"

    async def seen(structure: str) -> int:
        answer = await world.http.get(url, headers=acting(Role.MOA, structure))
        return int(answer.status_code)

    before = [await seen(MOA), await seen(OTHER)]
    await world.tell_dossier(
        {piece["piece_id"]: Status.A_ASSOCIER_MOE},
        Role.MOE,
        ("A15",),
        corrected={Role.MOA: OTHER},
    )
    filled = (await world.http.get(f"{url}/next", headers=acting(Role.MOE))).json()
    answer = await world.follow(piece["piece_id"], parties=filled["fields"]["parties"])

    assert before == [200, 404]
    assert [await seen(MOA), await seen(OTHER)] == [404, 200]
    assert filled["fields"]["parties"]["moa"]["structure"] == OTHER
    assert answer.status_code == 201, answer.text
    assert answer.json()["next"]["structure"] == OTHER
