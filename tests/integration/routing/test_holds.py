"""Dossiers that wait: for a structure, for the directory, behind a dead letter."""

from shared.contracts import topics
from shared.vocabulary.roles import Role
from shared.vocabulary.structures import MoaParameter
from tests.integration.routing.world import World, wait_until


async def test_a_parameter_holds_a_dossier_and_setting_it_right_releases_it(world: World) -> None:
    payer = await world.structure()
    dossier = await world.dossier(service_financier=payer)
    await dossier.deposit("A4", Role.TITULAIRE)
    await world.until_status(dossier, "A4", "A_ASSOCIER_MOE")
    await world.structure(MoaParameter.EXCLUSIVEMENT, payer)

    await dossier.deposit("A15", Role.MOE, "A4")
    held = await wait_until(lambda: _held(world, dossier.id), "the hold")
    conflict = await world.treat(dossier, "A15", Role.MOA, act="prendre_en_compte")
    shown = await world.get(f"/dossiers/{dossier.id}", dossier.parties[Role.MOE], Role.MOE)
    assert held.data.awaited.held == "CIR-MOA-02"
    assert held.data.awaited.acts == ()
    assert (conflict.status_code, conflict.json()["code"]) == (409, "CIR-TOUR-04")
    assert shown.json()["awaited"]["hold"]["structure"] == payer
    assert not world.told.on(topics.ACTEUR[Role.MOA], dossier.id)

    await world.structure(MoaParameter.SANS, payer)
    await world.until_status(dossier, "A15", "A_ASSOCIER_MOA")

    released = await wait_until(lambda: _released(world, dossier.id), "the release")
    assert released.data.awaited.held is None
    assert released.data.awaited.since > held.data.awaited.since


async def test_a_piece_completed_while_its_dossier_is_held_comes_completed_at_last(
    world: World,
) -> None:
    payer = await world.structure()
    dossier = await world.dossier(service_financier=payer)
    await dossier.deposit("A4", Role.TITULAIRE)
    await dossier.deposit("A15", Role.MOE, "A4")
    await world.until_status(dossier, "A15", "A_ASSOCIER_MOA")
    await world.treat(dossier, "A15", Role.MOA, act="suspendre", comment="Manque un plan.")
    await world.structure(MoaParameter.EXCLUSIVEMENT, payer)
    await dossier.complete("A15", Role.MOE)
    await wait_until(lambda: _held(world, dossier.id), "the hold")

    await world.structure(MoaParameter.SANS, payer)

    def come_twice() -> bool:
        return len(world.told.on(topics.ACTEUR[Role.MOA], dossier.id)) == 2

    await wait_until(come_twice, "the piece, completed")
    first, again = world.told.on(topics.ACTEUR[Role.MOA], dossier.id)
    assert first.data.reason is None
    assert (again.data.reason.act, again.data.reason.by.role) == ("completer", Role.MOE)


async def test_a_change_that_lifts_nothing_keeps_a_dossier_held(world: World) -> None:
    payer = await world.structure(MoaParameter.EXCLUSIVEMENT)
    dossier = await world.dossier(service_financier=payer)
    await dossier.deposit("A4", Role.TITULAIRE)
    await wait_until(lambda: _held(world, dossier.id), "the hold")

    await world.structure(MoaParameter.EXCLUSIVEMENT, payer, code_service_obligatoire=True)

    await wait_until(lambda: not _is_to_be_judged(world), "the judging")
    assert world.db["audit"].count_documents({"dossier": dossier.id}) == 1
    assert world.db["dossiers"].find_one({"_id": dossier.id})["held"] == payer


async def test_a_piece_waits_alone_until_the_directory_it_was_judged_by_is_here(
    world: World,
) -> None:
    dossier, healthy = await world.dossier(), await world.dossier()
    moe = dossier.parties[Role.MOE]

    await dossier.deposit("A4", Role.TITULAIRE, directory={moe: 2})
    await wait_until(lambda: _entry(world, dossier.id, "parked"), "the parked message")
    await dossier.deposit("A15", Role.MOE, "A4")
    await healthy.deposit("A4", Role.TITULAIRE)
    await world.until_status(healthy, "A4", "A_ASSOCIER_MOE")
    assert not world.told.statuses(dossier.id)

    await world.structure(name=moe)

    await world.until_status(dossier, "A15", "A_ASSOCIER_MOA")


async def test_a_poisoned_message_holds_back_its_dossier_alone_until_it_is_replayed(
    world: World,
) -> None:
    poisoned, healthy = await world.dossier(), await world.dossier()
    await poisoned.deposit("A4", Role.TITULAIRE, table_version="1999-1")
    entry = await wait_until(lambda: _entry(world, poisoned.id, "dead"), "the dead letter")
    await poisoned.deposit("A15", Role.MOE, "A4")
    await healthy.deposit("A4", Role.TITULAIRE)
    await world.until_status(healthy, "A4", "A_ASSOCIER_MOE")
    await wait_until(lambda: _entry(world, poisoned.id, "parked"), "the parked message")
    assert not world.told.statuses(poisoned.id)

    mended = entry["value"].replace(b"1999-1", b"2026-1")
    world.db["inbox"].update_one(
        {"_id": entry["_id"]}, {"$set": {"state": "replay", "value": mended}}
    )
    await world.until_status(poisoned, "A15", "A_ASSOCIER_MOA")

    assert world.told.statuses(poisoned.id) == [
        ("A4", "DEPOSEE"),
        ("A4", "A_ASSOCIER_MOE"),
        ("A15", "DEPOSEE"),
        ("A4", "ASSOCIEE"),
        ("A15", "A_ASSOCIER_MOA"),
    ]


async def test_what_is_held_and_what_waits_longest_is_counted(world: World) -> None:
    dossier = await world.dossier(
        service_financier=await world.structure(MoaParameter.EXCLUSIVEMENT)
    )
    await dossier.deposit("A4", Role.TITULAIRE)

    await wait_until(lambda: _has_grown(world, "aiguillage_held_dossiers", 0), "the gauge")
    oldest = 'aiguillage_oldest_awaited_seconds{role="moe"}'
    await wait_until(lambda: _has_grown(world, oldest, 0), "the gauge set after it")


async def _has_grown(world: World, name: str, before: float) -> bool:
    return await world.figure(name) > before


def _is_to_be_judged(world: World) -> bool:
    return bool(world.db["jobs"].count_documents({"kind": "held-dossiers"}))


def _held(world: World, dossier_id: str) -> object:
    told = world.told.on(topics.DOSSIER, dossier_id)
    return told[-1] if told and told[-1].data.awaited.held else None


def _released(world: World, dossier_id: str) -> object:
    told = world.told.on(topics.DOSSIER, dossier_id)
    return told[-1] if told and not told[-1].data.awaited.held else None


def _entry(world: World, dossier_id: str, state: str) -> object:
    return world.db["inbox"].find_one({"stream": dossier_id, "state": state})
