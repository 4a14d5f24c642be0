"""Reminders and starts of delays over HTTP and on the broker, after a suspension and a recycling.

Weeks are let pass by the use case itself, on the service's own store.
"""

from datetime import timedelta
from typing import Any

from services.routing.adapters.dossiers import MongoDossierChange, MongoDossiers
from services.routing.application.router import Router
from shared.contracts import topics
from shared.runtime.clock import build_clock
from shared.runtime.store.database import Store
from shared.vocabulary.roles import Role
from tests.integration.routing.test_circuits import EN_COURS
from tests.integration.routing.world import Deposits, World, wait_until

_clock = build_clock()
NEW = {"table_version": "2026-3"}
PAYER = Role.SERVICE_FINANCIER


async def let_pass(world: World, dossier: Deposits, days: int) -> None:
    """Remind of this dossier's delay, and apply it, as will be done in some days."""
    router_at = _clock() + timedelta(days=days)
    async with Store(world.addresses.mongo, "routing", _clock) as store:
        for act in ("remind", "apply_delays"):

            async def work(transaction: Any, name: str = act) -> None:  # noqa: ANN401 - the runtime's
                router = Router(MongoDossierChange(transaction), router_at, require_moa=True)
                await getattr(router, name)([dossier.id])

            await store.transaction(work)


async def is_verified(world: World, dossier: Deposits) -> bool:
    async with Store(world.addresses.mongo, "routing", _clock) as store:
        report = await MongoDossiers(store).verify(dossier.id)
    return report is not None and report.is_valid


async def read(world: World, dossier: Deposits, role: Role) -> dict[str, Any]:
    answer = await world.get(f"/dossiers/{dossier.id}", dossier.parties[role], role)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def read_trail(world: World, dossier: Deposits, role: Role) -> list[str]:
    """List the types of the events of a trail, as a role sees it; it must be valid."""
    path = f"/dossiers/{dossier.id}/audit"
    answer = (await world.get(path, dossier.parties[role], role)).json()
    assert answer["verification"]["is_valid"]
    assert answer["verification"]["entries"] == len(answer["entries"])
    return [event["type"] for entry in answer["entries"] for event in entry["events"]]


async def test_a_reminder_is_told_once_before_the_delay_that_passes(world: World) -> None:
    dossier = await world.dossier()
    await dossier.deposit("A4", Role.TITULAIRE, delays={"etat_acompte": 20}, **NEW)
    await world.until_status(dossier, "A4", "A_ASSOCIER_MOE")

    for days in (14, 15, 16, 21):
        await let_pass(world, dossier, days)
    told = await wait_until(
        lambda: (found := world.told.on(topics.ECHEANCE, dossier.id)) and found[1:] and found,
        "the reminder and the delay",
    )

    assert [(each.type, each.sequence) for each in told] == [
        ("fr.aiguillage.dossier.rappel.v1", 1),
        ("fr.aiguillage.dossier.echeance.v1", 2),
    ]
    reminder = told[0].data
    assert (reminder.delay, reminder.role, reminder.due) == (
        "etat_acompte",
        Role.MOE,
        told[1].data.due,
    )
    assert (reminder.due - reminder.since).days in (20, 21)
    assert told[0].level == 2
    assert await is_verified(world, dossier)
    assert (await read_trail(world, dossier, Role.MOE)).count("DelayReminded") == 1


async def test_every_start_of_a_delay_is_kept_after_a_suspension_and_a_recycling(
    world: World,
) -> None:
    dossier = await world.dossier()
    moa = dossier.parties[Role.MOA]
    await dossier.deposit("A4", Role.TITULAIRE, **NEW)
    await world.until_status(dossier, "A4", "A_ASSOCIER_MOE")
    await world.treat(dossier, "A4", Role.MOE, act="suspendre", comment="Manque un plan.")
    await dossier.complete("A4", Role.TITULAIRE)
    await world.until_status(dossier, "A4", "COMPLETEE")
    await dossier.deposit("A15", Role.MOE, "A4", **NEW)
    await world.until_status(dossier, "A15", "A_ASSOCIER_MOA")
    await world.treat(
        dossier, "A15", Role.MOA, act="demander_recyclage", comment="Mauvais service."
    )
    corrected = {"moa": {"structure": moa, "service": "TRAVAUX"}}
    await world.treat(dossier, "A15", Role.MOE, act="recycler", correction=corrected)
    await dossier.deposit("A19", Role.MOA, "A15", **NEW)
    await world.until_status(dossier, "A19", "MISE_A_DISPOSITION")
    await world.treat(dossier, "A19", PAYER, act="service_fait")

    shown = (await read(world, dossier, Role.TITULAIRE))["delay_starts"]

    numbers = {
        piece["number"]: piece["cadre"] for piece in (await read(world, dossier, PAYER))["pieces"]
    }
    assert [(numbers[each["number"]], each["moment"]) for each in shown["starts"]] == [
        ("A4", "depot"),
        ("A4", "reception_moe"),
        ("A4", "reception_moe"),
        ("A15", "depot"),
        ("A15", "reception_moa"),
        ("A15", "reception_moa"),
        ("A19", "depot"),
        ("A19", "reception_service_financier"),
        ("A19", "service_fait"),
    ]
    assert all(each["indicative"] for each in shown["starts"])
    assert "ne calcule pas le délai global de paiement" in shown["notice"]
    deposit, reception, *_ = shown["starts"]
    (payment,) = deposit["delays"]
    assert (payment["delay"], payment["days"]) == ("paiement", 30)
    assert payment["actor"]["structure"] == dossier.parties[PAYER]
    assert payment["source"].startswith("webinaire maîtrise d'ouvrage, 41:28")
    assert [(each["delay"], each["days"]) for each in reception["delays"]] == [
        ("paiement", 30),
        ("etat_acompte", 7),
    ]
    assert await is_verified(world, dossier)


async def test_whether_a_hidden_payment_is_late_stays_hidden_until_an_act_tells_it(
    world: World,
) -> None:
    payer = await world.structure(mise_en_paiement_non_remontee=True)
    dossier = await world.dossier(service_financier=payer)
    for cadre, by, follows in EN_COURS:
        await dossier.deposit(cadre, by, follows, **NEW)
    await world.until_status(dossier, "A19", "MISE_A_DISPOSITION")
    before = await read(world, dossier, Role.TITULAIRE)
    trail = await read_trail(world, dossier, Role.TITULAIRE)

    await let_pass(world, dossier, 26)
    await let_pass(world, dossier, 31)

    assert await read(world, dossier, Role.TITULAIRE) == before
    assert await read_trail(world, dossier, Role.TITULAIRE) == trail
    assert (await read_trail(world, dossier, Role.MOA))[len(trail) :] == [
        "DelayReminded",
        "DelayElapsed",
    ]
    assert (await read(world, dossier, Role.MOA))["awaited"]["due"] is None

    await world.treat(dossier, "A19", PAYER, act="service_fait")

    assert (await read_trail(world, dossier, Role.TITULAIRE))[len(trail) :] == [
        "DelayReminded",
        "DelayElapsed",
        "StatusSet",
    ]
    for act in (
        "mandater",
        "mettre_a_disposition_comptable",
        "comptabiliser",
        "mettre_en_paiement",
    ):
        await world.treat(dossier, "A19", PAYER, act=act)
    assert "MISE_EN_PAIEMENT" not in str(await read(world, dossier, Role.TITULAIRE))
    assert await is_verified(world, dossier)
