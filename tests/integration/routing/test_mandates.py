"""A delegated MOA on a real broker: closed mandates refuse, hops wait for one and are released."""

from datetime import timedelta

from services.routing.adapters.dossiers import MongoDossierChange, MongoDossiers
from services.routing.application.router import Router
from shared.contracts import topics
from shared.contracts.common_v1 import JudgedByV1
from shared.runtime.clock import build_clock
from shared.runtime.store.database import Store
from shared.vocabulary.dates import find_paris_day
from shared.vocabulary.roles import Role
from shared.vocabulary.structures import MoaParameter
from tests.integration.routing.world import Deposits, World, wait_until

_clock = build_clock()


class Delegated:
    """A dossier of a mandant and its delegate, which pays by itself."""

    def __init__(self, world: World, dossier: Deposits, mandant: str) -> None:
        """Keep what the pieces of the dossier repeat."""
        self.world, self.dossier, self.mandant = world, dossier, mandant
        self.delegate = dossier.parties[Role.MOA]
        self.repeated = {"mandant": mandant, "marche": "M-1", "table_version": "2026-3"}

    async def deposit(
        self, cadre: str, by: Role, follows: str | None = None, **more: object
    ) -> None:
        """Deposit a piece that names the mandant."""
        await self.dossier.deposit(cadre, by, follows, **self.repeated, **more)


async def delegate(world: World) -> Delegated:
    """Prepare such a dossier, without a mandate."""
    mandant, moa = await world.structure(), await world.structure(MoaParameter.AVEC)
    dossier = await world.dossier(moa=moa, service_financier=moa)
    return Delegated(world, dossier, mandant)


async def test_a_closed_mandate_refuses_the_next_treatment_and_another_one_allows_it(
    world: World,
) -> None:
    under = await delegate(world)
    name, _ = await world.mandate(under.mandant, under.delegate)
    await under.deposit("A4", Role.TITULAIRE, delays={"etat_acompte": 10})
    await under.deposit("A15", Role.MOE, "A4")
    await world.until_status(under.dossier, "A15", "A_ASSOCIER_MOA")

    await world.mandate(
        under.mandant, under.delegate, name=name, closed_on=find_paris_day(_clock())
    )
    refused = await world.treat(
        under.dossier, "A15", Role.MOA, act="suspendre", comment="Manque un plan."
    )
    await world.mandate(under.mandant, under.delegate, contracts=("M-1",))
    done = await world.treat(
        under.dossier, "A15", Role.MOA, act="suspendre", comment="Manque un plan."
    )

    assert (refused.status_code, refused.json()["code"]) == (422, "CIR-MANDAT-04")
    assert under.mandant in refused.json()["detail"]
    (violation,) = refused.json()["violations"]
    assert (violation["field"], "un autre mandat" in violation["remedy"]) == ("mandant", True)
    assert done.status_code == 200, done.text
    told = world.told.on(topics.DOSSIER, under.dossier.id)[-1]
    assert (told.data.mandant, told.level) == (under.mandant, 2)


async def test_a_hop_to_a_delegate_waits_for_a_mandate_and_goes_on_with_it(world: World) -> None:
    under = await delegate(world)
    await under.deposit("A4", Role.TITULAIRE)
    await under.deposit("A15", Role.MOE, "A4")
    held = await wait_until(lambda: _held(world, under.dossier.id), "the hold")
    shown = await world.get(
        f"/dossiers/{under.dossier.id}", under.dossier.parties[Role.MOE], Role.MOE
    )

    await world.mandate(under.mandant, under.delegate, contracts=("M-1",))
    await world.until_status(under.dossier, "A15", "A_ASSOCIER_MOA")

    assert held.data.awaited.held == "CIR-MANDAT-01"
    assert shown.json()["awaited"]["hold"]["structure"] == under.mandant
    async with Store(world.addresses.mongo, "routing", _clock) as store:
        report = await MongoDossiers(store).verify(under.dossier.id)
    assert report is not None
    assert report.is_valid


async def test_a_hop_is_released_on_the_day_on_which_the_mandate_begins(world: World) -> None:
    under = await delegate(world)
    await world.mandate(under.mandant, under.delegate, begins=10)
    await under.deposit("A4", Role.TITULAIRE)
    await under.deposit("A15", Role.MOE, "A4")
    held = await wait_until(lambda: _held(world, under.dossier.id), "the hold")
    assert held.data.awaited.held == "CIR-MANDAT-02"

    # What the finder of held dossiers has done every half minute, ten days later.
    async with Store(world.addresses.mongo, "routing", _clock) as store:
        found = await MongoDossiers(store).find_held()
        assert under.dossier.id in found
        await store.transaction(
            lambda tx: Router(
                MongoDossierChange(tx), _clock() + timedelta(days=10), require_moa=True
            ).rejudge({under.dossier.id: None})
        )

    await world.until_status(under.dossier, "A15", "A_ASSOCIER_MOA")


async def test_a_piece_waits_until_the_mandate_it_was_judged_by_is_here(world: World) -> None:
    under = await delegate(world)
    name, version = await world.mandate(under.mandant, under.delegate)

    await under.deposit("A4", Role.TITULAIRE, mandate=JudgedByV1(id=name, version=version + 1))
    await wait_until(
        lambda: world.db["inbox"].find_one({"stream": under.dossier.id, "state": "parked"}),
        "the parked message",
    )
    assert not world.told.statuses(under.dossier.id)
    await world.mandate(under.mandant, under.delegate, name=name)

    await world.until_status(under.dossier, "A4", "A_ASSOCIER_MOE")


def _held(world: World, dossier_id: str) -> object:
    told = world.told.on(topics.DOSSIER, dossier_id)
    return told[-1] if told and told[-1].data.awaited.held else None
