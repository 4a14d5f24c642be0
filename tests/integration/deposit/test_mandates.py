"""A delegate deposits within its mandate, pays, and is paid back by a facture de régularisation."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from decimal import Decimal
from io import BytesIO
from itertools import count

import httpx
import pytest
import pytest_asyncio
from pypdf import PdfReader

from deploy.local import Platform, einvoices
from deploy.local.einvoices import Trader
from shared.rights.model import Attachment, Habilitation, Level
from shared.runtime.web.caller import build_choice_headers
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from shared.vocabulary.structures import MoaParameter, StructureKind
from tests.integration.deposit.world import (
    MOA,
    MOE,
    OTHER,
    PAYER,
    Answer,
    World,
    acting,
    an_opener,
    codes,
)
from tests.kit.access import build_email, build_user, get_access, run_services
from tests.kit.einvoices import a_regularisation
from tests.kit.mandates import build_mandate, find_day
from tests.kit.waiting import scale_timeout

MANDANT, DELEGATE = "26690036900014", MOA
"""The delegate is the MOA of the world; PAYER pays for the mandant."""
_numbers = count(1)


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    """A broker, a store, and two replicas of deposit that write level 2."""
    env = {"AIGUILLAGE_WRITE_LEVEL": "2"}
    with run_services("services.deposit", env=env, replicas=2) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(platform: Platform) -> AsyncIterator[World]:
    """What surrounds it: a mandate of the mandant for the delegate, for all marchés."""
    async with World(platform.addresses) as around:
        await around.tell_structure(MANDANT, MoaParameter.EXCLUSIVEMENT)
        await around.tell_mandate(build_mandate("m-all", MANDANT, DELEGATE, payer=PAYER))
        yield around


async def _open(
    world: World,
    cadre: str = "A19",
    role: Role = Role.MOA,
    *,
    mandant: str = MANDANT,
    ht: str = "1000.00",
    buyer: str = DELEGATE,
    **more: object,
) -> httpx.Response:
    """Deposit an opener under a mandate: the delegate pays."""
    draft = an_opener(cadre=cadre, buyer=Trader("Délégué", buyer), ht=Decimal(ht))
    parties = {"moe": {"structure": MOE}, "moa": {"structure": DELEGATE}}
    said = {"parties": parties, "mandant": mandant, "opens": True, **more}
    return await world.deposit(einvoices.write_ubl(draft), said, acting(role))


def _kept(answer: httpx.Response) -> Answer:
    assert answer.status_code == 201, answer.text
    body: Answer = answer.json()
    return body


async def _pay(world: World, ht: str = "1000.00") -> str:
    """Have the delegate pay a dossier; return its id."""
    piece = _kept(await _open(world, ht=ht))
    status = {piece["piece_id"]: Status.MISE_EN_PAIEMENT}
    await world.tell_dossier(status, None, states_amounts=True)
    return str(piece["dossier_id"])


async def _settle(
    world: World,
    *dossiers: str,
    ht: str = "1000.00",
    headers: dict[str, str] | None = None,
    content: bytes = b"",
    **more: object,
) -> httpx.Response:
    """Deposit a facture de régularisation of dossiers."""
    content = content or _write(ht)
    said = {"mandant": MANDANT, "settles": [*dossiers], **more}
    return await world.deposit(content, said, headers or acting(Role.MOA))


def _write(ht: str = "1000.00") -> bytes:
    number = f"REG-{next(_numbers)}"
    return einvoices.write_ubl(a_regularisation(number, DELEGATE, PAYER, Decimal(ht)))


async def test_a_delegate_deposits_pays_and_is_paid_back(world: World) -> None:
    dossier = await _pay(world)

    piece = _kept(await _settle(world, dossier))

    assert piece["next"]["structure"] == PAYER
    assert piece["next"]["application"] == "factures_recues"
    assert (piece["mandant"], piece["mandate"]) == (MANDANT, {"mandate_id": "m-all", "version": 1})
    assert piece["settles"] == [dossier]
    named = {role: party["structure"] for role, party in piece["parties"].items() if party}
    assert named == {"titulaire": DELEGATE, "moa": DELEGATE, "service_financier": PAYER}
    (event,) = await world.read_deposits(piece["dossier_id"], 1)
    told = event["data"]
    assert (told["cadre"], told["table_version"]) == ("A1", "2026-3")
    assert (told["mandant"], told["mandate"]["id"], told["settles"]) == (
        MANDANT,
        "m-all",
        [dossier],
    )
    certificate = await world.get(piece["certificate"]["url"], acting(Role.MOA))
    text = "\n".join(page.extract_text() for page in PdfReader(BytesIO(certificate.content)).pages)
    assert MANDANT in text
    assert f"Règle le dossier {dossier}" in " ".join(text.split())
    received = await world.http.get(
        f"/pieces/{piece['piece_id']}", headers=acting(Role.SERVICE_FINANCIER)
    )
    assert received.status_code == 200


async def test_an_opener_of_anybody_needs_the_mandate_of_the_moa_that_it_names(
    world: World,
) -> None:
    refused = await _open(world, "A4", Role.TITULAIRE, mandant=OTHER)
    accepted = _kept(await _open(world, "A4", Role.TITULAIRE))

    assert codes(refused) == [("CIR-MANDAT-01", "mandant")]
    assert refused.headers["Retry-After"] == "2"
    assert accepted["mandant"] == MANDANT
    shown = await world.http.get(f"/pieces/{accepted['piece_id']}", headers=acting(Role.MOE))
    assert shown.json()["mandate"] == {"mandate_id": "m-all", "version": 1}


async def test_under_a_mandate_the_delegate_pays_itself(world: World) -> None:
    refused = await _open(world, buyer=PAYER)

    assert codes(refused) == [("CIR-MANDAT-06", "parties.service_financier.structure")]


async def test_a_mandate_for_other_marches_is_refused_and_says_which(world: World) -> None:
    await world.tell_structure("21330063500017", MoaParameter.AVEC)
    scoped = build_mandate("m-scoped", "21330063500017", DELEGATE, contracts=["M-OTHER"])
    await world.tell_mandate(scoped)

    refused = await _open(world, mandant="21330063500017")

    assert codes(refused) == [("CIR-MANDAT-05", "mandant")]
    assert "le marché M-2026-7" in refused.json()["detail"]


async def test_a_closed_mandate_stops_the_moa_and_nobody_else(world: World) -> None:
    mandant = "21690123100011"
    await world.tell_structure(mandant, MoaParameter.AVEC)
    await world.tell_mandate(build_mandate("m-closing", mandant, DELEGATE))
    opened = _kept(await _open(world, "A4", Role.TITULAIRE, mandant=mandant))
    await world.tell_dossier({opened["piece_id"]: Status.A_ASSOCIER_MOE}, Role.MOE, ("A15",))
    closed = build_mandate("m-closing", mandant, DELEGATE, version=2, closed_on=find_day())
    await world.tell_mandate(closed)

    by_moe = _kept(await world.follow(opened["piece_id"]))
    statuses = {
        opened["piece_id"]: Status.ASSOCIEE,
        by_moe["piece_id"]: Status.A_ASSOCIER_MOA,
    }
    await world.tell_dossier(statuses, Role.MOA, ("A19",))
    by_moa = await world.follow(by_moe["piece_id"], Role.MOA, "A19")
    await world.tell_mandate(build_mandate("m-again", mandant, DELEGATE))
    again = _kept(await world.follow(by_moe["piece_id"], Role.MOA, "A19"))

    assert (by_moe["mandant"], by_moe["mandate"]) == (mandant, None)
    assert codes(by_moa) == [("CIR-MANDAT-04", "mandant")]
    assert again["mandate"] == {"mandate_id": "m-again", "version": 1}


async def test_the_moa_completes_within_its_mandate_alone(world: World) -> None:
    mandant = "21750001600019"
    await world.tell_structure(mandant, MoaParameter.AVEC)
    await world.tell_mandate(build_mandate("m-completing", mandant, DELEGATE))
    piece = _kept(await _open(world, mandant=mandant))
    await world.tell_dossier({piece["piece_id"]: Status.SUSPENDUE}, Role.MOA)
    url, content = f"/pieces/{piece['piece_id']}/completion", {"comment": "Voici."}
    closed = build_mandate("m-completing", mandant, DELEGATE, version=2, closed_on=find_day())
    await world.tell_mandate(closed)

    refused = await world.http.post(url, data=content, headers=acting(Role.MOA))
    await world.tell_mandate(build_mandate("m-completing", mandant, DELEGATE, version=3))
    done = await world.http.post(url, data=content, headers=acting(Role.MOA))

    assert (refused.status_code, codes(refused)) == (422, [("CIR-MANDAT-04", "mandant")])
    assert done.status_code == 201, done.text


async def test_a_dossier_is_settled_once(world: World) -> None:
    dossier = await _pay(world)
    content, key = _write(), acting(Role.MOA, **{"Idempotency-Key": "regul-once"})

    first = _kept(await _settle(world, dossier, content=content, headers=key))
    replayed = await _settle(world, dossier, content=content, headers=key)
    second = await _settle(world, dossier)

    assert replayed.headers["Idempotency-Replayed"] == "true"
    assert replayed.json()["piece_id"] == first["piece_id"]
    assert codes(second) == [("DEP-REGUL-09", "settles")]
    assert dossier in second.json()["detail"]


async def test_a_rejected_regularisation_frees_its_dossiers_for_one_other(world: World) -> None:
    dossier = await _pay(world)
    first = _kept(await _settle(world, dossier))
    await world.tell_dossier({first["piece_id"]: Status.REJETEE}, None)

    race = await asyncio.gather(*(_settle(world, dossier) for _ in range(4)))

    assert sorted(answer.status_code for answer in race) == [201, 422, 422, 422]
    refused = [codes(answer) for answer in race if answer.status_code != 201]
    assert refused == [[("DEP-REGUL-09", "settles")]] * 3


async def test_two_replicas_settle_a_dossier_once(world: World, platform: Platform) -> None:
    addresses = platform.addresses
    path = addresses.services["deposit"].removeprefix(addresses.roots["deposit"])
    roots = [f"{root}{path}" for root in addresses.replicas["deposit"]]
    timeout = scale_timeout(60)
    async with (
        httpx.AsyncClient(base_url=roots[0], timeout=timeout) as one,
        httpx.AsyncClient(base_url=roots[1], timeout=timeout) as other,
    ):
        replicas = [replace(world, http=client) for client in (one, other)]
        for _ in range(5):
            dossier, shared = await _pay(world), await _pay(world)
            answers = await asyncio.gather(
                *(_settle(each, dossier, shared) for each in replicas),
                *(_settle(each, shared) for each in replicas),
            )

            kept = [each.json() for each in answers if each.status_code == 201]
            settled = [each for piece in kept for each in piece["settles"]]
            assert settled.count(shared) == 1
            assert len(settled) == len(set(settled))
            for refused in (each for each in answers if each.status_code != 201):
                assert {code for code, _ in codes(refused)} == {"DEP-REGUL-09"}
            claims = world.db["settlements"].find({"_id": {"$in": settled}})
            assert {row["piece_id"] for row in claims} == {piece["piece_id"] for piece in kept}


async def test_no_more_is_asked_for_than_was_paid(world: World) -> None:
    dossiers = [await _pay(world), await _pay(world, ht="500.00")]

    above = await _settle(world, *dossiers, ht="1500.01")
    all_of_it = await _settle(world, *dossiers, ht="1500.00")

    assert codes(above) == [("DEP-REGUL-10", "amounts.due")]
    assert "1800.00" in above.json()["detail"]
    assert all_of_it.status_code == 201, all_of_it.text


async def test_a_dossier_that_another_delegate_paid_is_answered_like_none(world: World) -> None:
    await world.tell_structure(OTHER, MoaParameter.AVEC)
    await world.tell_mandate(build_mandate("m-other", MANDANT, OTHER, payer=PAYER))
    draft = an_opener(cadre="A19", buyer=Trader("Autre délégué", OTHER))
    said = {"mandant": MANDANT, "opens": True}
    opened = await world.deposit(einvoices.write_ubl(draft), said, acting(Role.MOA, OTHER))
    piece = _kept(opened)
    await world.tell_dossier({piece["piece_id"]: Status.MISE_EN_PAIEMENT}, None)

    hidden = await _settle(world, piece["dossier_id"])
    absent = await _settle(world, "0197a5c0-0000-7000-8000-000000000000")

    assert codes(hidden) == codes(absent) == [("DEP-REGUL-04", "settles")]
    said_of_it = hidden.json()["detail"].replace(piece["dossier_id"], "X")
    assert said_of_it == absent.json()["detail"].replace(
        "0197a5c0-0000-7000-8000-000000000000", "X"
    )
    await world.tell_structure(OTHER, kind=StructureKind.PRIVEE)


async def test_a_dossier_is_settled_once_it_is_paid(world: World) -> None:
    piece = _kept(await _open(world))
    early = await _settle(world, piece["dossier_id"])
    await world.tell_dossier(
        {piece["piece_id"]: Status.COMPTABILISEE}, Role.SERVICE_FINANCIER, states_amounts=True
    )
    unpaid = await _settle(world, piece["dossier_id"])

    assert codes(early) == [("DEP-REGUL-04", "settles")]
    assert codes(unpaid) == [("DEP-REGUL-06", "settles")]
    assert early.headers["Retry-After"] == unpaid.headers["Retry-After"] == "2"


async def test_a_private_delegate_is_refused(world: World) -> None:
    await world.tell_mandate(build_mandate("m-private", MANDANT, OTHER))

    draft = an_opener(cadre="A19", buyer=Trader("Privé", OTHER))
    refused = await world.deposit(
        einvoices.write_ubl(draft), {"mandant": MANDANT, "opens": True}, acting(Role.MOA, OTHER)
    )

    assert ("CIR-STRUCTURE-03", "parties.moa.structure") in codes(refused)


async def test_a_regularisation_needs_the_right_to_issue_invoices(world: World) -> None:
    dossier = await _pay(world)
    email = build_email("sans factures émises")
    rights = (Habilitation("factures_de_travaux", Level.MODIFICATION),)
    get_access().put(build_user(email, {DELEGATE: Attachment(DELEGATE, None, rights)}))
    chosen = build_choice_headers(Actor(Role.MOA, DELEGATE))
    limited = get_access().authorize(email, "Agent") | chosen

    refused = await _settle(world, dossier, headers=limited)

    assert codes(refused) == [("DEP-REGUL-15", "cadre")]
    assert _kept(await _settle(world, dossier))["settles"] == [dossier]


async def test_a_mandate_that_ends_tomorrow_is_refused_the_day_after(
    world: World, platform: Platform
) -> None:
    """Last in this file: the clocks of deposit stay ahead."""
    mandant = "21130055300016"
    await world.tell_structure(mandant, MoaParameter.AVEC)
    ends = build_mandate("m-ends", mandant, DELEGATE, valid_until=find_day(1))
    await world.tell_mandate(ends)

    today = await _open(world, mandant=mandant)
    await asyncio.to_thread(platform.advance, 2, "deposit", "deposit-2")
    late = await _open(world, mandant=mandant)

    assert today.status_code == 201, today.text
    assert codes(late) == [("CIR-MANDAT-03", "mandant")]
    assert f"{find_day(1):%d/%m/%Y}" in late.json()["detail"]
