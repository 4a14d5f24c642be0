"""Both circuits, from the messages that arrive to the messages that leave."""

from itertools import groupby

from shared.contracts import topics
from shared.vocabulary.roles import Application, Purpose, Role
from shared.vocabulary.structures import MoaParameter
from tests.integration.routing.world import Deposits, World, amounts, wait_until

EN_COURS = (("A4", Role.TITULAIRE, None), ("A15", Role.MOE, "A4"), ("A19", Role.MOA, "A15"))
FIN = (
    ("A7", Role.TITULAIRE, None),
    ("A17", Role.MOE, "A7"),
    ("A20", Role.MOA, "A17"),
    ("A8", Role.TITULAIRE, "A20"),
)
TO_PAYMENT = (
    "service_fait",
    "mandater",
    "mettre_a_disposition_comptable",
    "comptabiliser",
    "mettre_en_paiement",
)


async def travel(dossier: Deposits, circuit: tuple[tuple[str, Role, str | None], ...]) -> None:
    for cadre, by, follows in circuit:
        await dossier.deposit(cadre, by, follows)


async def test_during_the_contract_a_piece_reaches_the_service_financier(world: World) -> None:
    dossier = await world.dossier()

    await travel(dossier, EN_COURS)
    await world.until_status(dossier, "A19", "MISE_A_DISPOSITION")

    assert world.told.statuses(dossier.id) == [
        ("A4", "DEPOSEE"),
        ("A4", "A_ASSOCIER_MOE"),
        ("A15", "DEPOSEE"),
        ("A4", "ASSOCIEE"),
        ("A15", "A_ASSOCIER_MOA"),
        ("A19", "DEPOSEE"),
        ("A15", "ASSOCIEE"),
        ("A19", "MISE_A_DISPOSITION"),
    ]


async def test_at_the_end_a_piece_passes_by_four_actors_and_informs_the_moa(world: World) -> None:
    dossier = await world.dossier()

    await travel(dossier, FIN)
    await world.until_status(dossier, "A8", "MISE_A_DISPOSITION")
    hops = await wait_until(lambda: _hops(world, dossier, 5), "five hops")

    assert hops == {
        ("A7", Role.MOE, Purpose.ACTION, ("A17",)),
        ("A7", Role.MOA, Purpose.INFORMATION, ()),
        ("A17", Role.MOA, Purpose.ACTION, ("A20",)),
        ("A20", Role.TITULAIRE, Purpose.ACTION, ("A8",)),
        ("A8", Role.SERVICE_FINANCIER, Purpose.ACTION, ()),
    }


async def test_what_is_told_is_keyed_ranked_and_part_of_one_journey(world: World) -> None:
    dossier = await world.dossier()

    await travel(dossier, FIN)
    await world.until_status(dossier, "A8", "MISE_A_DISPOSITION")
    await wait_until(lambda: _hops(world, dossier, 5), "five hops")
    last = await wait_until(lambda: _last_state(world, dossier, 4), "the last state")

    actors = [topics.ACTEUR[role] for role in dossier.parties]
    for topic in (topics.STATUT, topics.DOSSIER, *actors):
        told = world.told.on(topic, dossier.id)
        assert [event.sequence for event in told] == [*range(1, len(told) + 1)], topic.name
        assert {event.correlationid for event in told} == {f"journey-{dossier.id}"}
        assert all(event.causationid for event in told)
        assert world.told.keys[topic.name, dossier.id] == {
            event.data.recipient.structure if topic in topics.ACTEUR.values() else dossier.id
            for event in told
        }
    assert last.data.awaited.role is Role.SERVICE_FINANCIER
    assert not last.data.closed


async def test_two_structures_share_the_moa_and_the_payer(world: World) -> None:
    moa = await world.structure(MoaParameter.EXCLUSIVEMENT)
    payer = await world.structure(MoaParameter.SANS)
    dossier = await world.dossier(moa=moa, service_financier=payer)

    await travel(dossier, EN_COURS)
    await world.until_status(dossier, "A19", "MISE_A_DISPOSITION")
    hops = await wait_until(
        lambda: world.told.on(topics.ACTEUR[Role.SERVICE_FINANCIER], dossier.id), "the final hop"
    )

    assert hops[0].data.recipient.structure == payer
    assert hops[0].data.application is Application.FACTURES_RECUES
    assert hops[0].data.sender.structure == moa


async def test_amounts_may_change_at_each_step_and_the_moa_prevails(world: World) -> None:
    dossier = await world.dossier()
    await dossier.deposit("A4", Role.TITULAIRE)
    await dossier.deposit("A15", Role.MOE, "A4", amounts=amounts("1100.00"))
    await dossier.deposit("A19", Role.MOA, "A15", amounts=amounts("1080.00"))
    await world.until_status(dossier, "A19", "MISE_A_DISPOSITION")

    shown = await world.get(
        f"/dossiers/{dossier.id}", dossier.parties[Role.TITULAIRE], Role.TITULAIRE
    )

    pieces = shown.json()["pieces"]
    ttc = [change for change in pieces[2]["changes"] if change["field"] == "ttc"]
    assert ttc == [
        {"field": "ttc", "previous": "1100.00", "now": "1080.00", "difference": "-20.00"}
    ]
    assert pieces[0]["changes"] == []
    assert shown.json()["prevailing"]["piece_id"] == dossier.pieces["A19"]
    assert shown.json()["prevailing"]["is_settled"]


async def test_the_service_financier_takes_a_dossier_to_its_payment(world: World) -> None:
    dossier = await world.dossier()
    await travel(dossier, EN_COURS)
    await world.until_status(dossier, "A19", "MISE_A_DISPOSITION")

    for act in TO_PAYMENT:
        answer = await world.treat(dossier, "A19", Role.SERVICE_FINANCIER, act=act)
        assert answer.status_code == 200, answer.text
    await world.until_status(dossier, "A19", "MISE_EN_PAIEMENT")

    assert answer.json()["state"] == "clos"
    assert answer.json()["awaited"] is None
    told = world.told.on(topics.STATUT, dossier.id)
    assert {event.correlationid for event in told} == {f"journey-{dossier.id}"}


async def test_of_two_followers_the_first_is_taken_and_the_other_rejected(world: World) -> None:
    dossier = await world.dossier()
    await dossier.deposit("A4", Role.TITULAIRE)
    first = await dossier.deposit("A15", Role.MOE, "A4")
    second = await dossier.deposit("A15", Role.MOE, "A4")

    await world.until_status(dossier, "A15", "REJETEE")

    told = world.told.on(topics.STATUT, dossier.id)
    fates = {
        piece: [event.data.status.value for event in events]
        for piece, events in groupby(
            sorted(told, key=lambda event: event.data.piece_id), lambda event: event.data.piece_id
        )
    }
    assert fates[first] == ["DEPOSEE", "A_ASSOCIER_MOA"]
    assert fates[second] == ["DEPOSEE", "REJETEE"]
    rejection = next(event.data for event in told if event.data.status == "REJETEE")
    assert rejection.motive == "CIR-TOUR-02"
    assert rejection.comment


async def test_a_message_delivered_again_has_no_second_effect(world: World) -> None:
    dossier = await world.dossier()
    payload = dossier.payload("piece-" + dossier.id, "A4", Role.TITULAIRE, None)
    dossier.pieces["A4"] = payload.piece_id
    value = await dossier.tell(payload)
    await world.send(topics.PIECE_DEPOSEE, dossier.id, value)
    await dossier.deposit("A15", Role.MOE, "A4")

    await world.until_status(dossier, "A15", "A_ASSOCIER_MOA")

    assert world.told.statuses(dossier.id).count(("A4", "DEPOSEE")) == 1
    assert world.db["audit"].count_documents({"dossier": dossier.id}) == 2


def _hops(
    world: World, dossier: Deposits, count: int
) -> set[tuple[str, Role, Purpose, tuple[str, ...]]] | None:
    told = [event for topic in topics.ACTEUR.values() for event in world.told.on(topic, dossier.id)]
    for event in told:
        assert event.data.recipient.structure == dossier.parties[event.data.role]
    hops = {(e.data.cadre, e.data.role, e.data.purpose, e.data.next_cadres) for e in told}
    return hops if len(told) == count else None


def _last_state(world: World, dossier: Deposits, pieces: int) -> object:
    told = world.told.on(topics.DOSSIER, dossier.id)
    return told[-1] if told and len(told[-1].data.pieces) == pieces else None
