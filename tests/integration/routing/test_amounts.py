"""What is signed, what is refused of it, and what a service financier reads of the sum to pay."""

from typing import Any

from shared.contracts import topics
from shared.contracts.common_v1 import AmountsV1
from shared.vocabulary.roles import Role
from tests.integration.routing.world import Deposits, World, amounts, wait_until

GENERAL = amounts("12000.00")
OTHER = amounts("118800.00")
PAYER = Role.SERVICE_FINANCIER


def less_due(said: AmountsV1, due: str) -> AmountsV1:
    return AmountsV1.model_validate(said.model_dump() | {"due": due})


async def notified(world: World) -> Deposits:
    """Bring a dossier to its décompte général, which is before the titulaire."""
    dossier = await world.dossier()
    await dossier.deposit("A17", Role.MOE, amounts=amounts("15000.00"))
    await dossier.deposit("A20", Role.MOA, "A17", amounts=GENERAL)
    await world.until_status(dossier, "A20", "A_ASSOCIER_FOURNISSEUR")
    return dossier


def records(world: World, dossier: Deposits) -> list[Any]:
    return [event.data for event in world.told.on(topics.ACTEUR[PAYER], dossier.id)]


async def test_a_signature_of_another_sum_never_reaches_the_service_financier(
    world: World,
) -> None:
    dossier = await notified(world)

    await dossier.deposit("A8", Role.TITULAIRE, "A20", amounts=OTHER)
    await world.until_status(dossier, "A8", "REJETEE")
    told = world.told.on(topics.STATUT, dossier.id)[-1].data
    await dossier.deposit("A8", Role.TITULAIRE, "A20", amounts=less_due(GENERAL, "2000.00"))
    await world.until_status(dossier, "A8", "MISE_A_DISPOSITION")
    (record,) = await wait_until(lambda: records(world, dossier), "the signature that holds")

    assert told.motive == "CIR-MONTANT-01"
    assert "118800.00" in told.comment
    assert "contester" in told.comment
    assert record.piece_id == dossier.pieces["A8"]
    assert record.prevailing.piece_id == dossier.pieces["A8"]
    assert record.prevailing.amounts == record.amounts == less_due(GENERAL, "2000.00")
    assert (record.prevailing.currency, record.prevailing.is_settled) == ("EUR", True)
    assert record.differences == ()
    (change,) = record.changes
    assert (change.field, str(change.other), str(change.stated)) == ("due", "12000.00", "2000.00")


async def test_another_currency_or_an_avoir_signs_nothing(world: World) -> None:
    for said, rule in (
        ({"currency": "USD"}, "ROU-DEVISE-01"),
        ({"type_code": "381"}, "CIR-MONTANT-03"),
    ):
        dossier = await notified(world)

        await dossier.deposit("A8", Role.TITULAIRE, "A20", amounts=GENERAL, **said)
        await world.until_status(dossier, "A8", "REJETEE")

        assert world.told.on(topics.STATUT, dossier.id)[-1].data.motive == rule
        assert records(world, dossier) == []


async def test_every_record_of_a_piece_that_comes_back_says_again_what_to_pay(
    world: World,
) -> None:
    dossier = await world.dossier()
    await dossier.deposit("A15", Role.MOE, amounts=amounts("15000.00"))
    await dossier.deposit("A19", Role.MOA, "A15", amounts=GENERAL)
    await world.until_status(dossier, "A19", "MISE_A_DISPOSITION")

    await world.treat(dossier, "A19", PAYER, act="suspendre", comment="Il manque le bon.")
    await dossier.complete("A19", Role.MOA)
    await world.until_status(dossier, "A19", "COMPLETEE")
    await world.treat(dossier, "A19", PAYER, act="demander_recyclage", comment="Engagement soldé.")
    sent = await world.treat(
        dossier, "A19", Role.MOA, act="recycler", correction={"engagement": "EJ-2"}
    )
    assert sent.status_code == 200, sent.text
    told = await wait_until(
        lambda: found if len(found := records(world, dossier)) == 3 else None, "three records"
    )

    for record in told:
        assert record.prevailing.piece_id == dossier.pieces["A19"]
        assert record.prevailing.amounts == GENERAL
        assert record.differences == ()
        assert [each.field for each in record.changes] == ["ht", "tva", "ttc", "due"]
    assert told[-1].engagement == "EJ-2"


async def test_what_awaits_the_service_financier_says_what_to_pay(world: World) -> None:
    dossier = await notified(world)
    await dossier.deposit("A8", Role.TITULAIRE, "A20", amounts=less_due(GENERAL, "2000.00"))
    await world.until_status(dossier, "A8", "MISE_A_DISPOSITION")

    listed = await world.get("/awaited-pieces", dossier.parties[PAYER], PAYER)
    shown = await world.get(f"/dossiers/{dossier.id}", dossier.parties[PAYER], PAYER)

    (line,) = listed.json()["pieces"]
    assert line["prevailing"] == shown.json()["prevailing"]
    assert line["prevailing"] == {
        "piece_id": dossier.pieces["A8"],
        "amounts": {"ht": "10000.00", "tva": "2000.00", "ttc": "12000.00", "due": "2000.00"},
        "is_settled": True,
    }
    assert line["differences"] == []
    assert [each["field"] for each in line["piece"]["changes"]] == ["due"]
