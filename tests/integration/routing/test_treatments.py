"""What the one awaited does to a piece over HTTP, and what the others may not."""

import asyncio

import pytest

from deploy.local import Platform
from shared.contracts import topics
from shared.vocabulary.roles import Role
from tests.integration.routing.test_circuits import EN_COURS, FIN, TO_PAYMENT, travel
from tests.integration.routing.world import Deposits, World, file_of, wait_until
from tests.kit.access import build_email


@pytest.fixture
async def opened(world: World) -> Deposits:
    """A dossier whose A4 awaits the MOE."""
    dossier = await world.dossier()
    await dossier.deposit("A4", Role.TITULAIRE)
    await world.until_status(dossier, "A4", "A_ASSOCIER_MOE")
    return dossier


async def test_the_one_awaited_takes_a_piece_into_account(world: World, opened: Deposits) -> None:
    answer = await world.treat(opened, "A4", Role.MOE, act="prendre_en_compte")

    assert answer.status_code == 200
    assert answer.json()["pieces"][0]["status_label"] == ("Prise en compte par la maîtrise d'œuvre")
    assert answer.json()["awaited"]["actor"]["role"] == "moe"
    await world.until_status(opened, "A4", "PRISE_EN_COMPTE_MOE")


async def test_a_suspended_piece_goes_back_and_comes_again_completed(
    world: World, opened: Deposits
) -> None:
    suspended = await world.treat(
        opened, "A4", Role.MOE, act="suspendre", comment="Il manque l'attachement signé."
    )
    assert suspended.json()["awaited"]["actor"]["role"] == "titulaire"

    await opened.complete("A4", Role.TITULAIRE)
    hops = await wait_until(lambda: _at_the_moe(world, opened, 2), "the piece, completed")

    statuses = [status for _, status in world.told.statuses(opened.id)]
    assert statuses == ["DEPOSEE", "A_ASSOCIER_MOE", "SUSPENDUE", "COMPLETEE", "A_ASSOCIER_MOE"]
    assert [len(hop.data.attachments) for hop in hops] == [0, 1]
    returned = world.told.on(topics.ACTEUR[Role.TITULAIRE], opened.id)[0].data
    assert returned.sender.role is Role.MOE
    assert (returned.next_cadres, returned.acts) == ((), ("completer",))
    assert (returned.reason.act, returned.reason.by.structure, returned.reason.comment) == (
        "suspendre",
        opened.parties[Role.MOE],
        "Il manque l'attachement signé.",
    )
    assert hops[0].data.reason is None
    assert (hops[1].data.reason.act, hops[1].data.reason.by.role) == ("completer", Role.TITULAIRE)


async def test_a_second_reception_and_suspension_are_shown_beside_the_first(
    world: World, opened: Deposits
) -> None:
    moe = opened.parties[Role.MOE]
    await world.treat(opened, "A4", Role.MOE, act="suspendre", comment="Manque le DC4.")
    await opened.complete("A4", Role.TITULAIRE)
    await wait_until(lambda: _at_the_moe(world, opened, 2), "the piece, completed")

    treated = await world.treat(opened, "A4", Role.MOE, act="suspendre", comment="Illisible.")
    read = await world.get(f"/dossiers/{opened.id}", opened.parties[Role.MOA], Role.MOA)
    await opened.complete("A4", Role.TITULAIRE)
    await wait_until(lambda: _at_the_moe(world, opened, 3), "the piece, completed again")
    listed = await world.get("/awaited-pieces", moe, Role.MOE)

    stamps = treated.json()["pieces"][0]["stamps"]
    assert [(stamp["status"], stamp["rank"], stamp["comment"]) for stamp in stamps] == [
        ("DEPOSEE", 1, None),
        ("A_ASSOCIER_MOE", 1, None),
        ("SUSPENDUE", 1, "Manque le DC4."),
        ("COMPLETEE", 1, None),
        ("A_ASSOCIER_MOE", 2, None),
        ("SUSPENDUE", 2, "Illisible."),
    ]
    assert [stamp["at"] for stamp in stamps] == sorted(stamp["at"] for stamp in stamps)
    assert read.json()["pieces"][0]["stamps"] == stamps
    (awaited,) = listed.json()["pieces"]
    assert awaited["piece"]["stamps"][:-2] == stamps
    assert [(each["status"], each["rank"]) for each in awaited["piece"]["stamps"][-2:]] == [
        ("COMPLETEE", 2),
        ("A_ASSOCIER_MOE", 3),
    ]


async def test_an_addition_that_comes_too_late_is_kept_and_its_author_told(
    world: World, opened: Deposits
) -> None:
    await opened.complete("A4", Role.TITULAIRE)

    told = await wait_until(
        lambda: [
            each.data
            for each in world.told.on(topics.STATUT, opened.id)
            if each.data.motive == "ROU-AJOUT-01"
        ],
        "the word that nothing was added",
    )
    assert (told[0].previous, told[0].status) == ("A_ASSOCIER_MOE", "A_ASSOCIER_MOE")
    assert "sans effet" in told[0].comment
    titulaire = opened.parties[Role.TITULAIRE]
    audit = await world.get(f"/dossiers/{opened.id}/audit", titulaire, Role.TITULAIRE)
    assert audit.json()["verification"]["is_valid"]
    last = audit.json()["entries"][-1]
    assert [each["type"] for each in last["events"]] == ["AdditionRefused"]
    assert last["files"] == [file_of("the missing page").sha256]


async def test_a_refusal_ends_the_dossier(world: World, opened: Deposits) -> None:
    answer = await world.treat(opened, "A4", Role.MOE, act="refuser", motive="MAUVAISE_MOA")

    assert answer.json()["state"] == "clos"
    refused = answer.json()["pieces"][0]["stamps"][-1]
    assert (refused["status"], refused["motive_label"]) == (
        "REFUSEE_MOE",
        "Mauvaise maîtrise d'ouvrage",
    )
    await world.until_status(opened, "A4", "REFUSEE_MOE")
    told = world.told.on(topics.STATUT, opened.id)[-1].data
    assert told.motive == "MAUVAISE_MOA"
    assert told.by.role is Role.MOE


async def test_a_wrong_amount_is_not_refused_but_corrected(world: World, opened: Deposits) -> None:
    answer = await world.treat(opened, "A4", Role.MOE, act="refuser", motive="ERREUR_DE_MONTANT")

    assert answer.status_code == 422
    violation = answer.json()["violations"][0]
    assert (violation["code"], violation["field"]) == ("CIR-MOTIF-03", "motive")
    assert "votre propre pièce" in violation["remedy"]


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({}, "act", "HTTP-FORM-01"),
        ({"act": "deposer_suite"}, "act", "HTTP-FORM-01"),
        ({"act": "brûler"}, "act", "HTTP-FORM-01"),
        ({"act": "refuser"}, "motive", "CIR-MOTIF-01"),
        ({"act": "refuser", "motive": "LUBIE"}, "motive", "CIR-MOTIF-02"),
        ({"act": "refuser", "motive": "AUTRE"}, "comment", "CIR-MOTIF-04"),
        ({"act": "suspendre", "comment": "  "}, "comment", "CIR-MOTIF-04"),
        ({"act": "suspendre", "comment": "\u200b"}, "comment", "CIR-MOTIF-04"),
        ({"act": "suspendre", "comment": "a\0b"}, "comment", "CIR-CHAMP-05"),
        ({"act": "suspendre", "comment": "x" * 256}, "comment", "CIR-MOTIF-05"),
        ({"act": "suspendre", "comment": "x", "montant": "1"}, "montant", "HTTP-FORM-01"),
    ],
)
async def test_a_treatment_of_the_wrong_form_is_refused_by_field(
    world: World, opened: Deposits, body: dict[str, str], field: str, code: str
) -> None:
    answer = await world.treat(opened, "A4", Role.MOE, **body)

    assert answer.status_code == 422
    assert (field, code) in {(v["field"], v["code"]) for v in answer.json()["violations"]}


async def test_who_is_not_awaited_is_told_who_is(world: World, opened: Deposits) -> None:
    answer = await world.treat(opened, "A4", Role.MOA, act="prendre_en_compte")

    assert answer.status_code == 409
    assert answer.json()["code"] == "CIR-TOUR-03"
    assert "la maîtrise d'œuvre" in answer.json()["detail"]
    seen = await world.get(
        f"/pieces/{opened.pieces['A4']}/treatments", opened.parties[Role.MOA], Role.MOA
    )
    assert seen.json()["acts"] == []
    assert seen.json()["reason"] == answer.json()["violations"][0]["message"]
    assert "Retry-After" not in answer.headers
    late = await world.treat(opened, "A4", Role.TITULAIRE, act="recycler")
    assert int(late.headers["Retry-After"]) > 0
    assert "réessayer" in late.json()["detail"]


async def test_an_act_that_the_status_forbids_conflicts(world: World, opened: Deposits) -> None:
    await world.treat(opened, "A4", Role.MOE, act="prendre_en_compte")

    again = await world.treat(opened, "A4", Role.MOE, act="prendre_en_compte")

    assert (again.status_code, again.json()["code"]) == (409, "CIR-TOUR-05")


async def test_the_acts_allowed_are_those_of_the_status(world: World, opened: Deposits) -> None:
    seen = await world.get(
        f"/pieces/{opened.pieces['A4']}/treatments", opened.parties[Role.MOE], Role.MOE
    )

    assert seen.json()["acts"] == [
        "deposer_suite",
        "prendre_en_compte",
        "refuser",
        "suspendre",
        "demander_recyclage",
    ]
    assert seen.json()["cadres"] == [{"cadre": "A15", "cadre_label": "état d'acompte"}]


async def test_the_trail_tells_which_principal_acted(world: World, opened: Deposits) -> None:
    moe, moa = opened.parties[Role.MOE], opened.parties[Role.MOA]
    await world.treat(opened, "A4", Role.MOE, act="suspendre", comment="Manque le DC4.")

    audit = await world.get(f"/dossiers/{opened.id}/audit", moa, Role.MOA)

    assert audit.json()["verification"]["is_valid"]
    assert audit.json()["entries"][-1]["user"] == f"essai-{build_email(moe)}"


async def test_a_stranger_learns_nothing(world: World, opened: Deposits) -> None:
    stranger = await world.structure()

    for path in (
        f"/dossiers/{opened.id}",
        f"/dossiers/{opened.id}/audit",
        f"/pieces/{opened.pieces['A4']}/treatments",
    ):
        answer = await world.get(path, stranger, Role.MOE)
        assert answer.status_code == 404, path
        assert int(answer.headers["Retry-After"]) > 0
    opened.parties[Role.MOE] = stranger
    answer = await world.treat(opened, "A4", Role.MOE, act="prendre_en_compte")
    assert answer.status_code == 404


async def test_of_two_treatments_at_once_exactly_one_wins(world: World, opened: Deposits) -> None:
    answers = await asyncio.gather(
        *(
            world.treat(opened, "A4", Role.MOE, act="refuser", motive="MAUVAIS_VALIDEUR")
            for _ in range(6)
        )
    )

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409, 409]
    await world.until_status(opened, "A4", "REFUSEE_MOE")
    assert world.told.statuses(opened.id).count(("A4", "REFUSEE_MOE")) == 1


async def test_a_contested_decompte_awaits_a_new_one_from_the_moa(world: World) -> None:
    dossier = await world.dossier()
    await travel(dossier, FIN[:3])
    await world.until_status(dossier, "A20", "A_ASSOCIER_FOURNISSEUR")
    contested = dossier.pieces["A20"]

    answer = await world.treat(
        dossier, "A20", Role.TITULAIRE, act="contester", comment="La révision est omise."
    )
    assert answer.json()["awaited"]["actor"]["role"] == "moa"
    assert [each["cadre"] for each in answer.json()["awaited"]["cadres"]] == ["A20"]
    await dossier.deposit("A20", Role.MOA, "A20")
    await world.until_status(dossier, "A20", "A_ASSOCIER_FOURNISSEUR")

    told = world.told.on(topics.STATUT, dossier.id)
    fates = [event.data.status.value for event in told if event.data.piece_id == contested]
    assert fates == ["DEPOSEE", "A_ASSOCIER_FOURNISSEUR", "CONTESTEE", "ASSOCIEE"]


async def test_a_contest_with_its_reasons_in_a_file_is_maintained_then_signed(
    world: World,
) -> None:
    dossier = await world.dossier()
    await travel(dossier, FIN[:3])
    await world.until_status(dossier, "A20", "A_ASSOCIER_FOURNISSEUR")

    await dossier.contest("A20", Role.TITULAIRE, "Voir le mémoire en réclamation.")
    await world.until_status(dossier, "A20", "CONTESTEE")
    answer = await world.treat(
        dossier, "A20", Role.MOA, act="maintenir", comment="La révision est comprise."
    )
    await dossier.deposit("A8", Role.TITULAIRE, "A20")
    await world.until_status(dossier, "A8", "MISE_A_DISPOSITION")

    general = answer.json()["pieces"][2]
    assert (general["status"], len(general["attachments"])) == ("A_ASSOCIER_FOURNISSEUR", 1)
    said = {stamp["status"]: stamp["comment"] for stamp in general["stamps"]}
    assert said["CONTESTEE"] == "Voir le mémoire en réclamation."
    assert answer.json()["awaited"]["acts"] == [
        "deposer_suite",
        "refuser",
        "suspendre",
        "contester",
    ]


async def test_a_payment_that_is_not_reported_stays_hidden_from_the_supplier(world: World) -> None:
    payer = await world.structure(mise_en_paiement_non_remontee=True)
    dossier = await world.dossier(service_financier=payer)
    await travel(dossier, EN_COURS)
    await world.until_status(dossier, "A19", "MISE_A_DISPOSITION")
    for act in TO_PAYMENT:
        await world.treat(dossier, "A19", Role.SERVICE_FINANCIER, act=act)

    titulaire = dossier.parties[Role.TITULAIRE]
    seen = (await world.get(f"/dossiers/{dossier.id}", titulaire, Role.TITULAIRE)).json()
    trail = (await world.get(f"/dossiers/{dossier.id}/audit", titulaire, Role.TITULAIRE)).json()
    refused = await world.treat(dossier, "A19", Role.TITULAIRE, act="prendre_en_compte")
    whole = (await world.get(f"/dossiers/{dossier.id}/audit", payer, Role.SERVICE_FINANCIER)).json()

    assert seen["pieces"][2]["status"] == "COMPTABILISEE"
    assert seen["state"] == "ouvert"
    assert seen["awaited"]["actor"]["role"] == "service_financier"
    assert "MISE_EN_PAIEMENT" not in str(seen) + str(trail)
    assert trail["verification"]["is_valid"]
    assert trail["verification"]["entries"] == len(trail["entries"]) == len(whole["entries"]) - 1
    assert refused.json()["code"] == "CIR-TOUR-03"


async def test_motives_are_those_of_the_cadre_today(world: World) -> None:
    caller = ("S", Role.MOE)

    a15 = (await world.get("/motives", *caller, cadre="A15")).json()
    a19 = (await world.get("/motives", *caller, cadre="A19")).json()
    unknown = await world.get("/motives", *caller, cadre="A99")
    empty = await world.get("/motives", *caller, cadre=" ")

    assert {motive["code"] for motive in a15 if motive["blocks"]} == {"ERREUR_DE_MONTANT"}
    assert {motive["code"] for motive in a15} > {"MAUVAISE_MOE", "AUTRE"}
    assert a19 == []
    assert (unknown.status_code, unknown.json()["code"]) == (422, "CIR-CADRE-01")
    assert (empty.status_code, empty.json()["code"]) == (422, "HTTP-FORM-01")


def _at_the_moe(world: World, dossier: Deposits, count: int) -> list[object] | None:
    told = world.told.on(topics.ACTEUR[Role.MOE], dossier.id)
    return [*told] if len(told) == count else None


async def test_a_treatment_sent_again_with_its_key_is_done_once(
    world: World, opened: Deposits
) -> None:
    act = {"act": "suspendre", "comment": "Il manque les métrés.", "key": "k-again"}

    first, again = [await world.treat(opened, "A4", Role.MOE, **act) for _ in range(2)]
    without = await world.treat(opened, "A4", Role.MOE, **act | {"key": ""})

    assert (first.status_code, again.status_code, without.status_code) == (200, 200, 409)
    assert again.json() == first.json()
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    await world.until_status(opened, "A4", "SUSPENDUE")
    assert world.told.statuses(opened.id).count(("A4", "SUSPENDUE")) == 1


async def test_of_twins_with_one_key_one_is_done_and_the_others_get_its_answer(
    world: World, opened: Deposits
) -> None:
    act = {"act": "prendre_en_compte", "key": "k-twins"}

    answers = await asyncio.gather(*(world.treat(opened, "A4", Role.MOE, **act) for _ in range(8)))

    assert [each.status_code for each in answers] == [200] * 8
    assert sum("Idempotency-Replayed" not in each.headers for each in answers) == 1
    assert len({each.text for each in answers}) == 1


async def test_a_key_of_a_treatment_is_refused_to_another_one_and_to_nobody_else(
    world: World, opened: Deposits
) -> None:
    await world.treat(opened, "A4", Role.MOE, act="prendre_en_compte", key="k-one")
    other = await world.dossier()
    await other.deposit("A4", Role.TITULAIRE)
    await world.until_status(other, "A4", "A_ASSOCIER_MOE")

    refused = await world.treat(
        opened, "A4", Role.MOE, act="suspendre", comment="Métrés.", key="k-one"
    )
    somebody_else = await world.treat(other, "A4", Role.MOE, act="prendre_en_compte", key="k-one")

    assert refused.status_code == 422
    (violation,) = refused.json()["violations"]
    assert (violation["code"], violation["field"]) == ("ROU-CLE-01", "Idempotency-Key")
    assert somebody_else.status_code == 200
    assert "Idempotency-Replayed" not in somebody_else.headers


async def test_a_refused_treatment_spends_no_key(world: World, opened: Deposits) -> None:
    early = await world.treat(opened, "A4", Role.MOE, act="suspendre", key="k-spent")
    done = await world.treat(opened, "A4", Role.MOE, act="prendre_en_compte", key="k-spent")

    assert (early.status_code, done.status_code) == (422, 200)


async def test_a_key_of_a_treatment_outlives_the_service(
    platform: Platform, world: World, opened: Deposits
) -> None:
    act = {"act": "prendre_en_compte", "key": "k-restart"}
    first = await world.treat(opened, "A4", Role.MOE, **act)
    platform.kill("routing")
    platform.restart("routing")

    again = await world.treat(opened, "A4", Role.MOE, **act)

    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
