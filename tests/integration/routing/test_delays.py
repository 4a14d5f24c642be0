"""Delays that pass: a tacit validation, and the tacit procedure to its end.

Weeks are let pass by the use case itself, on the service's own store; the running service tells
what follows from them.
"""

from datetime import timedelta

from services.routing.adapters.dossiers import MongoDossierChange, MongoDossiers
from services.routing.application.router import Router
from shared.contracts import topics
from shared.runtime.clock import build_clock
from shared.runtime.store.database import Store
from shared.vocabulary.roles import Purpose, Role
from tests.integration.routing.world import Deposits, World, wait_until

_clock = build_clock()


async def let_pass(world: World, dossier: Deposits, days: int) -> None:
    """Draw the consequences of this dossier's delay as they will be in some days."""
    now = _clock() + timedelta(days=days)
    async with Store(world.addresses.mongo, "routing", _clock) as store:
        await store.transaction(
            lambda tx: Router(MongoDossierChange(tx), now, True).apply_delays([dossier.id])
        )


async def verified(world: World, dossier: Deposits) -> bool:
    async with Store(world.addresses.mongo, "routing", _clock) as store:
        report = await MongoDossiers(store).verify(dossier.id)
    return report is not None and report.is_valid


def statuses(world: World, dossier: Deposits) -> list[tuple[str, str]]:
    return world.told.statuses(dossier.id)


async def test_what_a_subcontractor_deposits_is_validated_by_silence(world: World) -> None:
    dossier = await world.dossier(Role.SOUS_TRAITANT)
    await dossier.deposit("A10", Role.SOUS_TRAITANT)
    await world.until_status(dossier, "A10", "A_VALIDER_1")

    await let_pass(world, dossier, 15)
    assert statuses(world, dossier)[-1] == ("A10", "A_VALIDER_1")
    await let_pass(world, dossier, 16)
    await world.until_status(dossier, "A10", "A_ASSOCIER_MOE")

    assert [status for _, status in statuses(world, dossier)] == [
        "DEPOSEE",
        "A_VALIDER_1",
        "ABSENCE_VALIDATION_1_HORS_DELAI",
        "A_ASSOCIER_MOE",
    ]
    (elapsed,) = await wait_until(lambda: world.told.on(topics.ECHEANCE, dossier.id), "the delay")
    assert (elapsed.data.delay, elapsed.data.role) == ("validation", Role.TITULAIRE)
    assert elapsed.sequence == 1
    assert await verified(world, dossier)


async def test_the_tacit_procedure_ends_by_the_first_of_two_who_may_conclude(world: World) -> None:
    dossier = await world.dossier()
    await dossier.deposit("A7", Role.TITULAIRE)
    await world.until_status(dossier, "A7", "A_ASSOCIER_MOE")
    early = await dossier.deposit("A22", Role.TITULAIRE, "A7")
    await world.until_status(dossier, "A22", "REJETEE")

    await let_pass(world, dossier, 31)
    offered = await wait_until(
        lambda: world.told.on(topics.ACTEUR[Role.TITULAIRE], dossier.id), "the offer"
    )
    listed = await world.get("/awaited-pieces", dossier.parties[Role.TITULAIRE], Role.TITULAIRE)
    await dossier.deposit("A22", Role.TITULAIRE, "A7")
    await world.until_status(dossier, "A22", "A_ASSOCIER_MOA")
    await let_pass(world, dossier, 42)
    await world.until_status(dossier, "A22", "A_ASSOCIER_FOURNISSEUR")
    shown = await world.get(f"/dossiers/{dossier.id}", dossier.parties[Role.MOE], Role.MOE)
    await dossier.deposit("A24", Role.MOE, "A22")
    await world.until_status(dossier, "A24", "MISE_A_DISPOSITION")
    await dossier.deposit("A23", Role.TITULAIRE, "A22")
    await world.until_status(dossier, "A23", "REJETEE")

    assert offered[0].data.next_cadres == ("A22",)
    assert [item["dossier_id"] for item in listed.json()["pieces"]] == [dossier.id]
    assert listed.json()["services"] == [{"service": None, "count": 1}]
    awaited = shown.json()["awaited"]
    assert awaited["actor"]["role"] == "titulaire"
    assert [each["cadre"] for each in awaited["cadres"]] == ["A23"]
    (other,) = awaited["others"]
    assert (other["actor"]["role"], other["acts"]) == ("moe", ["deposer_suite"])
    assert ("A7", "REMPLACEE_PAR_A22") in statuses(world, dossier)
    assert early != dossier.pieces["A22"]
    informed = world.told.on(topics.ACTEUR[Role.MOE], dossier.id)
    assert [(hop.data.cadre, hop.data.purpose) for hop in informed] == [
        ("A7", Purpose.ACTION),
        ("A22", Purpose.INFORMATION),
        ("A22", Purpose.ACTION),
    ]
    assert await verified(world, dossier)


async def test_a_piece_certified_in_time_prevails_over_a_silence_drawn_before_it_came(
    world: World,
) -> None:
    dossier = await world.dossier()
    await dossier.deposit("A7", Role.TITULAIRE)
    await world.until_status(dossier, "A7", "A_ASSOCIER_MOE")
    await let_pass(world, dossier, 31)
    await dossier.deposit("A22", Role.TITULAIRE, "A7")
    await world.until_status(dossier, "A22", "A_ASSOCIER_MOA")
    await let_pass(world, dossier, 42)
    await world.until_status(dossier, "A22", "A_ASSOCIER_FOURNISSEUR")

    await dossier.deposit("A25", Role.MOA, "A22")
    await world.until_status(dossier, "A25", "MISE_A_DISPOSITION")

    assert ("A22", "ASSOCIEE") in statuses(world, dossier)
    assert await verified(world, dossier)
