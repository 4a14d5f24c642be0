"""The next pieces of a dossier, their prefill, and the completion of a suspended piece."""

import asyncio
import io
from dataclasses import replace
from functools import partial
from typing import Any

import httpx
import pypdf

from deploy.local import einvoices
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from shared.vocabulary.structures import MoaParameter
from tests.integration.deposit.world import (
    MOA,
    OTHER,
    PARTIES,
    PAYER,
    TITULAIRE,
    Answer,
    World,
    acting,
    an_opener,
    beside,
    codes,
    stated,
)


async def prefill(world: World, piece: Answer, role: Role) -> httpx.Response:
    answer: httpx.Response = await world.http.get(
        f"/pieces/{piece['piece_id']}/next", headers=acting(role)
    )
    return answer


async def test_a_next_piece_waits_until_routing_has_taken_the_previous_one(world: World) -> None:
    piece = await world.open()

    early = await world.follow(piece["piece_id"])
    asked = await prefill(world, piece, Role.MOE)

    assert (early.status_code, asked.status_code) == (409, 409)
    assert codes(early) == [("DEP-SUITE-03", "follows")]
    assert int(early.headers["Retry-After"]) > 0
    assert int(asked.headers["Retry-After"]) > 0


async def test_the_prefill_is_metadata_that_makes_the_next_piece(world: World) -> None:
    piece = await world.opened_and_awaiting_moe()

    filled = (await prefill(world, piece, Role.MOE)).json()
    draft = replace(an_opener(), number=f"EA-{piece['number']}")
    answer = await world.deposit(
        einvoices.write_plain_pdf(draft),
        filled["fields"]
        | {"cadre": "A15", "number": draft.number, "issued_on": draft.issued_on.isoformat()},
        acting(Role.MOE),
        name="etat.pdf",
    )

    assert filled["cadres"] == ["A15"]
    assert filled["options"][0]["next"]["structure"] == MOA
    assert filled["fields"]["engagement"] == "ENG-1"
    assert answer.status_code == 201, answer.text
    assert (answer.json()["follows"], answer.json()["changes"]) == (piece["piece_id"], [])
    assert answer.json()["parties"] == piece["parties"]
    assert answer.json()["dossier_id"] == piece["dossier_id"]
    events = await world.read_deposits(piece["dossier_id"], 2)
    assert [event["sequence"] for event in events] == ["0000000001", "0000000002"]


async def test_what_the_recipient_requires_is_told_and_then_asked(world: World) -> None:
    piece = await world.opened_and_awaiting_moe()
    await world.tell_structure(MOA, MoaParameter.AVEC, code_service_obligatoire=True)
    try:
        asked = await prefill(world, piece, Role.MOE)
        bare = await world.follow(piece["piece_id"])
        served = await world.follow(piece["piece_id"], parties={"moa": {"service": "TRAVAUX"}})
    finally:
        await world.tell_structure(MOA, MoaParameter.AVEC)

    assert asked.json()["options"][0]["required"] == ["parties.moa.service"]
    assert codes(bare) == [("CIR-CHAMP-01", "parties.moa.service")]
    assert served.status_code == 201, served.text
    assert served.json()["next"]["service"] == "TRAVAUX"


async def test_changed_amounts_show_beside_the_previous_step(world: World) -> None:
    """Whatever decimals were sent, answers and events have two."""
    piece = await world.opened_and_awaiting_moe()
    amounts = {"ht": "9000", "tva": "1800.00", "ttc": "10800.0", "due": "10800"}

    answer = await world.follow(piece["piece_id"], amounts=amounts)

    assert answer.status_code == 201, answer.text
    url = f"/pieces/{answer.json()['piece_id']}"
    seen = (await world.http.get(url, headers=acting(Role.MOA))).json()
    assert seen["changes"] == answer.json()["changes"]
    assert seen["changes"][2] == {
        "field": "ttc",
        "previous": "12000.00",
        "now": "10800.00",
        "difference": "-1200.00",
    }
    written = {"ht": "9000.00", "tva": "1800.00", "ttc": "10800.00", "due": "10800.00"}
    assert (seen["amounts"], seen["read"]["amounts"]["ht"]) == (written, None)
    events = await world.read_deposits(piece["dossier_id"], 2)
    assert events[1]["data"]["amounts"] == written


NAMED = (Role.TITULAIRE, Role.MOE, Role.SERVICE_FINANCIER)
SAID = {"ht": "10000.00", "tva": "2000.00", "ttc": "12000.00", "due": "12000.00"}
TENFOLD = {"ht": "99000.00", "tva": "19800.00", "ttc": "118800.00", "due": "118800.00"}


async def notified(world: World, **said: object) -> Answer:
    """Open a dossier by a décompte général, which is then before the titulaire."""
    draft = an_opener(cadre="A20")
    named = {role.value: {"structure": PARTIES[role]} for role in NAMED}
    metadata = stated(draft) | {"parties": named, "amounts": SAID} | said
    answer = await world.deposit(
        einvoices.write_plain_pdf(draft), metadata, acting(Role.MOA), name="dg.pdf"
    )
    assert answer.status_code == 201, answer.text
    piece: Answer = answer.json()
    awaited = {piece["piece_id"]: Status.A_ASSOCIER_FOURNISSEUR}
    await world.tell_dossier(awaited, Role.TITULAIRE, ("A8",))
    return piece


async def test_the_signature_of_a_decompte_general_of_another_sum_is_refused(
    world: World,
) -> None:
    piece = await notified(world)
    sign = partial(world.follow, piece["piece_id"], Role.TITULAIRE, "A8")
    kept = world.kept()

    refused = await sign(amounts=TENFOLD)
    draft = an_opener(cadre="A8")
    tried = await world.deposit(
        einvoices.write_plain_pdf(draft),
        stated(draft) | {"follows": {"piece_id": piece["piece_id"]}, "amounts": TENFOLD},
        acting(Role.TITULAIRE),
        name="dgs.pdf",
        dry_run=True,
    )
    more = await sign(amounts=SAID | {"due": "12000.01"})
    dollars = await sign(amounts=SAID, currency="USD")
    avoir = await sign(amounts=SAID, type_code="381")

    names = [("CIR-MONTANT-01", f"amounts.{name}") for name in ("ht", "tva", "ttc", "due")]
    assert refused.status_code == 422
    assert codes(refused) == names
    assert all("la contester" in each["remedy"] for each in refused.json()["violations"])
    assert "118800.00" in refused.json()["violations"][2]["message"]
    assert "12000.00" in refused.json()["violations"][2]["message"]
    assert (tried.status_code, tried.json()["accepted"]) == (200, False)
    assert [(each["code"], each["field"]) for each in tried.json()["violations"]] == names
    assert codes(dollars) == [("DEP-SUITE-04", "currency")]
    assert codes(avoir) == [("CIR-MONTANT-03", "type_code")]
    assert ("CIR-MONTANT-01", "amounts.due") in codes(more)
    assert world.kept() == kept


async def test_less_may_be_due_of_what_is_signed_and_both_are_shown(world: World) -> None:
    piece = await notified(world)

    filled = (await prefill(world, piece, Role.TITULAIRE)).json()
    signed = await world.follow(
        piece["piece_id"],
        Role.TITULAIRE,
        "A8",
        amounts=filled["fields"]["amounts"] | {"due": "2000.00"},
    )

    assert filled["fields"]["amounts"] == SAID
    assert signed.status_code == 201, signed.text
    assert signed.json()["changes"] == [
        {"field": "due", "previous": "12000.00", "now": "2000.00", "difference": "-10000.00"}
    ]


async def test_the_prefill_after_an_avoir_is_one_of_an_avoir(world: World) -> None:
    avoir = await notified(world, type_code="381")
    invoice = await notified(world)

    after_avoir, after_invoice = [
        (await prefill(world, piece, Role.TITULAIRE)).json()["fields"] for piece in (avoir, invoice)
    ]
    signed = await world.follow(avoir["piece_id"], Role.TITULAIRE, "A8", **after_avoir)

    assert (after_avoir["type_code"], after_invoice["type_code"]) == ("381", None)
    assert signed.status_code == 201, signed.text
    assert signed.json()["type_code"] == "381"


async def test_a_next_piece_is_named_by_depositor_and_number_or_by_its_file(world: World) -> None:
    first, second = await world.opened_and_awaiting_moe(), await world.opened_and_awaiting_moe()
    draft = replace(an_opener(cadre="A15"), preceding_number=second["number"])

    by_number = await world.follow(
        first["piece_id"],
        follows={"depositor": TITULAIRE, "number": first["number"].lower()},
    )
    by_file = await world.deposit(einvoices.write_cii(draft), {}, acting(Role.MOE))

    assert by_number.json()["follows"] == first["piece_id"]
    assert by_file.status_code == 201, by_file.text
    assert by_file.json()["follows"] == second["piece_id"]


async def test_what_nobody_deposited_and_what_others_deposited_look_the_same(world: World) -> None:
    piece = await world.opened_and_awaiting_moe()
    draft = an_opener(cadre="A15")
    metadata = stated(draft) | {"follows": {"piece_id": piece["piece_id"]}}

    unknown = await world.follow("0190-nobody")
    foreign = await world.deposit(
        einvoices.write_plain_pdf(draft), metadata, acting(Role.MOE, OTHER), name="a.pdf"
    )

    assert codes(unknown) == codes(foreign) == [("DEP-SUITE-01", "follows")]


async def test_a_cadre_or_an_actor_not_awaited_is_refused_by_rule(world: World) -> None:
    piece = await world.opened_and_awaiting_moe()

    wrong_cadre = await world.follow(piece["piece_id"], cadre="A19")
    wrong_actor = await world.follow(piece["piece_id"], Role.MOA, "A19")

    assert (wrong_cadre.status_code, wrong_actor.status_code) == (422, 422)
    assert ("CIR-CADRE-03", "cadre") in codes(wrong_cadre)
    assert ("CIR-TOUR-03", "follows") in codes(wrong_actor)
    assert (await prefill(world, piece, Role.MOA)).status_code == 409
    assert (await prefill(world, piece, Role.TITULAIRE)).status_code == 409


async def test_a_second_follower_waits_until_routing_has_taken_the_first(world: World) -> None:
    piece = await world.opened_and_awaiting_moe()

    first = await world.follow(piece["piece_id"])
    second = await world.follow(piece["piece_id"])

    assert (first.status_code, second.status_code) == (201, 409)
    assert codes(second) == [("DEP-SUITE-03", "follows")]


async def test_the_final_piece_goes_to_the_service_financier_s_own_application(
    world: World,
) -> None:
    opener = await world.opened_and_awaiting_moe()
    etat = (await world.follow(opener["piece_id"])).json()
    await world.tell_dossier(
        {opener["piece_id"]: Status.ASSOCIEE, etat["piece_id"]: Status.A_ASSOCIER_MOA},
        Role.MOA,
        ("A19",),
    )

    answer = await world.follow(etat["piece_id"], Role.MOA, "A19")

    assert answer.status_code == 201, answer.text
    assert answer.json()["next"] == {
        "role": "service_financier",
        "role_label": "service financier",
        "structure": PAYER,
        "service": None,
        "application": "factures_recues",
    }


async def complete(
    world: World, piece: Answer, role: Role = Role.TITULAIRE, **parts: object
) -> httpx.Response:
    answer: httpx.Response = await world.http.post(
        f"/pieces/{piece['piece_id']}/completion", **{"headers": acting(role), **parts}
    )
    return answer


BON = {"attachments": ("bon.pdf", b"%PDF-1.7 bon de livraison")}


async def test_a_suspended_piece_is_completed_by_its_depositor_with_a_proof(world: World) -> None:
    piece = await world.opened_and_awaiting_moe()
    early = await complete(world, piece, files=BON)
    await world.tell_dossier({piece["piece_id"]: Status.SUSPENDUE}, Role.TITULAIRE)

    other = await complete(world, piece, Role.MOE, files=BON)
    nothing = await complete(world, piece, data={"comment": " "})
    foreign = await world.http.post(
        f"/pieces/{piece['piece_id']}/completion",
        headers=acting(Role.TITULAIRE, OTHER),
        files=BON,
    )
    done = await complete(world, piece, data={"comment": "Le voici."}, files=BON)

    assert (early.status_code, other.status_code) == (409, 409)
    assert codes(early) == [("CIR-TOUR-03", "piece")]
    assert int(early.headers["Retry-After"]) > 0
    assert "réessayer dans quelques secondes" in early.json()["detail"]
    assert codes(nothing) == [("DEP-COMPL-02", "attachments")]
    assert foreign.status_code == 404
    assert done.status_code == 201, done.text
    body = done.json()
    proof = await world.get(body["certificate"]["url"], headers=acting(Role.MOE))
    bon = await world.get(body["attachments"][0]["url"], headers=acting(Role.MOE))
    page = pypdf.PdfReader(io.BytesIO(proof.content)).pages[0].extract_text()
    assert "Certificat de complément" in page
    assert "Commentaire Le voici." in page
    assert "Complétée le " in page
    assert "Pièce déposée le " in page
    assert bon.content == BON["attachments"][1]
    events = await world.read_deposits(piece["dossier_id"], 2)
    assert events[1]["type"] == "fr.aiguillage.piece.completee.v1"
    assert (events[1]["sequence"], events[1]["data"]["comment"]) == ("0000000002", "Le voici.")
    assert events[1]["data"]["by"] == {"role": "titulaire", "structure": TITULAIRE}


async def test_what_deposit_itself_knows_is_not_refused_early(world: World) -> None:
    piece = await world.opened_and_awaiting_moe()
    other_piece = "019ae3c2-6f4e-7c11-8d5e-0123456789ab"
    early: list[httpx.Response] = []
    lasting: list[httpx.Response] = []
    for piece_id, path, found in (
        (piece["piece_id"], f"attachments/{'0' * 64}", lasting),
        (piece["piece_id"], "completions/1/certificate", lasting),
        ("zzz", "certificate", lasting),
        (other_piece, f"attachments/{'0' * 64}", early),
    ):
        found.append(
            await world.http.get(f"/pieces/{piece_id}/{path}", headers=acting(Role.TITULAIRE))
        )
    unknown = [await world.follow(piece_id) for piece_id in ("zzz", other_piece)]

    assert [each.status_code for each in (*early, *lasting)] == [404] * 4
    assert ["Retry-After" in each.headers for each in (*early, *lasting)] == [True, *[False] * 3]
    assert [codes(each) for each in unknown] == [[("DEP-SUITE-01", "follows")]] * 2
    assert ["Retry-After" in each.headers for each in unknown] == [False, True]


async def test_a_suspension_is_completed_once_even_at_the_same_moment(world: World) -> None:
    piece = await world.opened_and_awaiting_moe()
    await world.tell_dossier({piece["piece_id"]: Status.SUSPENDUE}, Role.TITULAIRE)

    answers = await asyncio.gather(*(complete(world, piece, files=BON) for _ in range(8)))
    await world.tell_dossier({piece["piece_id"]: Status.A_ASSOCIER_MOE}, Role.MOE, ("A15",))
    await world.tell_dossier({piece["piece_id"]: Status.SUSPENDUE}, Role.TITULAIRE)
    again = await complete(world, piece, files=BON)

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert again.status_code == 201
    assert again.json()["certificate"]["url"].endswith("/completions/2/certificate")


async def test_a_payment_that_is_not_reported_is_hidden_from_the_titulaire(world: World) -> None:
    payer = "84062914300032"
    await world.tell_structure(payer)
    metadata = beside()
    draft = an_opener(buyer=replace(an_opener().buyer, siret=payer))
    piece = (await world.deposit(einvoices.write_ubl(draft), metadata)).json()
    url = f"/pieces/{piece['piece_id']}"

    async def seen(role: Role) -> str:
        return str((await world.http.get(url, headers=acting(role))).json()["status"])

    assert await seen(Role.TITULAIRE) == "DEPOSEE"
    for status in (Status.MANDATEE, Status.MISE_EN_PAIEMENT):
        await world.tell_dossier({piece["piece_id"]: status}, None, payment_not_reported=True)
    prefill = await world.http.get(f"{url}/next", headers=acting(Role.TITULAIRE))
    completed = await complete(world, piece, files=BON)

    assert await seen(Role.TITULAIRE) == "MANDATEE"
    assert await seen(Role.MOE) == "MISE_EN_PAIEMENT"
    assert [each.json()["code"] for each in (prefill, completed)] == ["CIR-TOUR-03"] * 2


def keyed(key: str) -> dict[str, Any]:
    return {"headers": acting(Role.TITULAIRE, **{"Idempotency-Key": key})}


async def list_completions(world: World, piece: Answer) -> list[Answer]:
    shown = await world.http.get(f"/pieces/{piece['piece_id']}", headers=acting(Role.TITULAIRE))
    completions: list[Answer] = shown.json()["completions"]
    return completions


async def suspended(world: World) -> Answer:
    piece = await world.opened_and_awaiting_moe()
    await world.tell_dossier({piece["piece_id"]: Status.SUSPENDUE}, Role.TITULAIRE)
    return piece


async def test_a_completion_sent_again_with_its_key_is_the_first_one(world: World) -> None:
    piece = await suspended(world)

    first = await complete(world, piece, files=BON, **keyed("c-again"))
    await world.tell_dossier({piece["piece_id"]: Status.A_ASSOCIER_MOE}, Role.MOE, ("A15",))
    again = await complete(world, piece, files=BON, **keyed("c-again"))
    await world.tell_dossier({piece["piece_id"]: Status.SUSPENDUE}, Role.TITULAIRE)
    once_more = await complete(world, piece, files=BON, **keyed("c-again"))
    new = await complete(world, piece, files=BON, **keyed("c-new"))

    assert [each.status_code for each in (first, again, once_more, new)] == [201] * 4
    assert again.json() == once_more.json() == first.json()
    assert new.json()["certificate"]["url"].endswith("/completions/2/certificate")
    assert ["Idempotency-Replayed" in each.headers for each in (first, again, once_more, new)] == [
        False,
        True,
        True,
        False,
    ]
    assert len(await list_completions(world, piece)) == 2


async def test_a_key_of_a_completion_is_refused_to_another_one(world: World) -> None:
    piece = await suspended(world)
    first = await complete(world, piece, files=BON, **keyed("c-other"))
    assert first.status_code == 201

    others = [
        await complete(world, piece, data={"comment": "Autre"}, files=BON, **keyed("c-other")),
        await complete(world, piece, data={"comment": "Autre"}, **keyed("c-other")),
        await world.http.post(
            f"/pieces/{piece['piece_id']}/contestation",
            data={"comment": "Non."},
            **keyed("c-other"),
        ),
    ]

    assert [each.status_code for each in others] == [422] * 3
    assert [codes(each) for each in others] == [[("DEP-CLE-01", "Idempotency-Key")]] * 3


async def test_of_completions_with_one_key_at_once_one_is_kept(world: World) -> None:
    piece = await suspended(world)

    answers = await asyncio.gather(
        *(complete(world, piece, files=BON, **keyed("c-twins")) for _ in range(8))
    )

    assert [each.status_code for each in answers] == [201] * 8
    assert sum("Idempotency-Replayed" not in each.headers for each in answers) == 1
    assert len({each.text for each in answers}) == 1
    assert len(await list_completions(world, piece)) == 1
