"""The sheet of a marché checks its openers, and prefills them for those who take part."""

from collections.abc import AsyncIterator, Iterator
from datetime import date
from itertools import count
from typing import Any

import httpx
import pytest
import pytest_asyncio

from deploy.local import Platform, einvoices
from deploy.local.einvoices import Trader
from shared.circuit.sheets import SheetField, SheetRole
from shared.contracts.organisation_v1 import SheetActorV1
from shared.vocabulary.roles import Role
from shared.vocabulary.structures import MoaParameter
from tests.integration.deposit.world import (
    MOA,
    MOE,
    OTHER,
    PAYER,
    TITULAIRE,
    World,
    acting,
    an_opener,
    beside,
    codes,
)
from tests.kit.access import run_services
from tests.kit.mandates import build_mandate, build_sheet, find_day

MANDANT = "26690036900014"
_numbers = count(1)


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    """A broker, a store, and deposit that writes level 2."""
    with run_services("services.deposit", env={"AIGUILLAGE_WRITE_LEVEL": "2"}) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(platform: Platform) -> AsyncIterator[World]:
    """What surrounds it."""
    async with World(platform.addresses) as around:
        await around.tell_structure(MANDANT, MoaParameter.AVEC)
        yield around


def _actor(role: SheetRole, structure: str, until: date | None = None) -> SheetActorV1:
    return SheetActorV1(role=role, structure=structure, valid_until=until)


ACTORS = (
    _actor(SheetRole.TITULAIRE, TITULAIRE),
    _actor(SheetRole.MOE, MOE),
    _actor(SheetRole.SERVICE_FINANCIER, PAYER),
)


async def _tell(
    world: World,
    *actors: SheetActorV1,
    moa: str = MOA,
    **more: Any,  # noqa: ANN401 - the options of build_sheet
) -> str:
    """Tell the sheet of a new marché; return its number."""
    number = f"M-FICHE-{next(_numbers)}"
    await world.tell_sheet(build_sheet(f"f-{number}", moa, number, *actors, **more))
    return number


async def _open(world: World, marche: str, **said: object) -> httpx.Response:
    content = einvoices.write_ubl(an_opener(marche=marche))
    return await world.deposit(content, beside(opens=True, **said))


async def test_a_wrong_moe_is_refused_by_field_and_the_right_one_is_accepted(world: World) -> None:
    marche = await _tell(world, *ACTORS, delays={"etat_acompte": 10}, lots=["1", "2"])
    parties = {"moe": {"structure": OTHER}, "moa": {"structure": MOA}}

    wrong = await _open(world, marche, parties=parties)
    right = await _open(world, marche, lot="2")

    assert wrong.status_code == 422
    assert codes(wrong) == [("DEP-FICHE-01", "parties.moe.structure")]
    assert f"la fiche du marché {marche} nomme {MOE}" in wrong.json()["detail"]
    assert right.status_code == 201, right.text
    piece = right.json()
    assert (piece["lot"], piece["sheet"]) == ("2", {"sheet_id": f"f-{marche}", "version": 1})
    (event,) = await world.read_deposits(piece["dossier_id"], 1)
    told = event["data"]
    assert (told["lot"], told["sheet"]["id"]) == ("2", f"f-{marche}")
    assert told["delays"] == {"etat_acompte": 10}


async def test_what_the_sheet_requires_and_does_not_know_is_named_by_field(world: World) -> None:
    gone = _actor(SheetRole.MOE, MOE, find_day(-1))
    marche = await _tell(world, gone, lots=["1"], required=[SheetField.COMMENT])

    refused = await _open(world, marche, lot="9")

    assert codes(refused) == [
        ("DEP-FICHE-03", "lot"),
        ("DEP-FICHE-02", "parties.moe.structure"),
        ("DEP-FICHE-04", "comment"),
    ]


async def test_a_withdrawn_sheet_checks_nothing(world: World) -> None:
    marche = await _tell(world, _actor(SheetRole.MOE, OTHER))
    withdrawn = build_sheet(f"f-{marche}", MOA, marche, version=2, active=False)
    await world.tell_sheet(withdrawn)

    accepted = await _open(world, marche)

    assert (accepted.status_code, accepted.json()["sheet"]) == (201, None)


async def test_a_marche_without_a_sheet_is_taken_as_before(world: World) -> None:
    accepted = await _open(world, "M-SANS-FICHE", lot="7")

    assert (accepted.status_code, accepted.json()["lot"]) == (201, "7")


async def test_under_a_mandate_the_sheet_is_the_mandant_s(world: World) -> None:
    marche = await _tell(world, _actor(SheetRole.MOA_DELEGUEE, OTHER), moa=MANDANT)
    await world.tell_mandate(build_mandate("m-sheet", MANDANT, MOA, contracts=[marche]))
    draft = an_opener(cadre="A19", marche=marche, buyer=Trader("Délégué", MOA))
    said = {"mandant": MANDANT, "opens": True}

    refused = await world.deposit(einvoices.write_ubl(draft), said, acting(Role.MOA))

    assert codes(refused) == [("DEP-FICHE-01", "parties.moa.structure")]


async def _ask(
    world: World, marche: str, role: Role, structure: str, **more: str
) -> httpx.Response:
    wanted = {"moa": MOA, "marche": marche, **more}
    found: httpx.Response = await world.http.get(
        "/openings", params=wanted, headers=acting(role, structure)
    )
    return found


async def test_an_opener_is_prefilled_and_what_is_prefilled_is_accepted(world: World) -> None:
    marche = await _tell(world, *ACTORS, lots=["1"], required=[SheetField.LOT])

    answer = await _ask(world, marche, Role.TITULAIRE, TITULAIRE, lot="1")

    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert [each["cadre"] for each in found["cadres"]] == ["A4", "A5", "A7"]
    assert found["lots"] == [{"code": "1", "title": "Lot 1"}]
    assert found["required"] == ["lot"]
    assert found["sheet"] == {"sheet_id": f"f-{marche}", "version": 1}
    parties = found["fields"]["parties"]
    assert {role: party and party["structure"] for role, party in parties.items()} == {
        "titulaire": TITULAIRE,
        "moe": MOE,
        "moa": MOA,
        "service_financier": PAYER,
        "cotraitant": None,
        "sous_traitant": None,
    }
    content = einvoices.write_ubl(an_opener(marche=marche))
    deposited = await world.deposit(content, {**found["fields"], "opens": True})
    assert deposited.status_code == 201, deposited.text


async def test_who_takes_no_part_in_a_marche_is_answered_as_if_it_had_no_sheet(
    world: World,
) -> None:
    marche = await _tell(world, *ACTORS, _actor(SheetRole.COTRAITANT, OTHER, find_day(-1)))

    hidden = await _ask(world, marche, Role.COTRAITANT, OTHER)
    absent = await _ask(world, "M-AUCUN", Role.COTRAITANT, OTHER)
    claimed = await _ask(world, marche, Role.MOA, OTHER, moa=OTHER, mandant=MOA)
    readers = [
        await _ask(world, marche, role, structure)
        for role, structure in ((Role.MOA, MOA), (Role.MOE, MOE), (Role.SERVICE_FINANCIER, PAYER))
    ]

    assert hidden.status_code == absent.status_code == claimed.status_code == 404
    told = [
        {name: value for name, value in answer.json().items() if name != "instance"}
        for answer in (hidden, absent, claimed)
    ]
    assert told[0] == told[1] == told[2]
    assert [answer.status_code for answer in readers] == [200, 200, 200]


async def test_a_delegate_reads_the_sheet_of_its_mandant_within_its_mandate(world: World) -> None:
    marche = await _tell(world, *ACTORS[:2], moa=MANDANT)
    scope = [marche]
    await world.tell_mandate(build_mandate("m-read", MANDANT, MOA, contracts=scope))
    found = await _ask(world, marche, Role.MOA, MOA, mandant=MANDANT)
    closed = build_mandate("m-read", MANDANT, MOA, contracts=scope, version=2, closed_on=find_day())
    await world.tell_mandate(closed)
    late = await _ask(world, marche, Role.MOA, MOA, mandant=MANDANT)

    assert found.status_code == 200, found.text
    assert found.json()["fields"]["mandant"] == MANDANT
    assert found.json()["fields"]["parties"]["service_financier"]["structure"] == MOA
    assert late.status_code == 404


async def test_an_unknown_lot_of_a_prefill_is_named(world: World) -> None:
    marche = await _tell(world, *ACTORS, lots=["1"])

    answer = await _ask(world, marche, Role.MOE, MOE, lot="2")

    assert codes(answer) == [("DEP-FICHE-03", "lot")]
