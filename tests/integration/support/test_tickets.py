"""Tickets over HTTP, from a draft to its end, and what the desks are told of them."""

import asyncio

import httpx
import pytest

from deploy.local import Addresses, Platform
from shared.contracts.support_v1 import TicketChanged, TicketSubmitted, TicketTransferred
from shared.vocabulary.sizes import MEGABYTE
from shared.vocabulary.structures import StructureStatus
from shared.vocabulary.tickets import Desk, TicketAct
from tests.integration.support.world import (
    PDF,
    Json,
    a_buyer,
    a_structure,
    agent,
    asker,
    draft,
    read_events,
    stranger,
    to_business,
)
from tests.kit.directory import publish_structure
from tests.kit.waiting import scale_timeout, wait_until


def codes(response: httpx.Response) -> list[tuple[str, str]]:
    assert response.headers["content-type"] == "application/problem+json"
    return [(each["code"], each["field"]) for each in response.json()["violations"]]


async def test_the_catalogue_is_served_to_anybody(http: httpx.AsyncClient) -> None:
    found = (await http.get("/categories")).json()["categories"]

    desks = {each["code"]: each["desk"] for one in found for each in one["sub_categories"]}
    assert (desks["M_REFUS"], desks["DEPOT"]) == ("metier", "technique")


async def test_a_technical_ticket_reaches_the_technical_topic_with_its_attachment(
    http: httpx.AsyncClient, addresses: Addresses
) -> None:
    me = asker(http, a_structure())
    begun = await me.do("POST", "", json=draft(dossier="D1", piece="EAV-2026-014"))
    with_file = await me.do(
        "POST", f"/{begun['ticket_id']}/attachments", files={"attachments": PDF}
    )
    done = await me.do("POST", f"/{begun['ticket_id']}/submission")

    (event,) = await read_events(addresses.kafka, Desk.TECHNIQUE, begun["ticket_id"], 1)
    assert isinstance(event, TicketSubmitted)
    assert event.number == done["number"]
    assert (event.desk, event.sub_category, event.recipient) == ("technique", "DEPOT", None)
    assert event.about is not None
    assert (event.about.dossier, event.about.piece) == ("D1", "EAV-2026-014")
    assert event.issuer.structure == done["issuer"]["structure"]
    (file,) = event.attachments
    (attached,) = with_file["attachments"]
    assert file.model_dump() == attached
    download = await me.send("GET", f"/{begun['ticket_id']}/attachments/{file.sha256}")
    assert download.content == PDF[1]
    assert download.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_business_ticket_reaches_the_business_topic_and_its_structure_alone(
    http: httpx.AsyncClient, addresses: Addresses
) -> None:
    buyer = await a_buyer(addresses)
    done = await asker(http, a_structure()).submitted(to_business(buyer))

    (event,) = await read_events(addresses.kafka, Desk.METIER, done["ticket_id"], 1)
    assert event.desk is Desk.METIER
    mine = await agent(http, "metier", buyer).get()
    assert [each["ticket_id"] for each in mine["tickets"]] == [done["ticket_id"]]
    assert (await agent(http, "metier", a_structure()).get())["tickets"] == []
    for other in (agent(http, "metier", a_structure()), agent(http, "technique")):
        assert (await other.send("GET", f"/{done['ticket_id']}")).status_code == 404
        taken = await other.send("PUT", f"/{done['ticket_id']}/assignee", json={})
        assert taken.status_code == 404


async def test_a_draft_is_saved_discarded_and_nobody_else_s(http: httpx.AsyncClient) -> None:
    me, other = asker(http, a_structure()), asker(http, a_structure())
    begun = await me.do("POST", "", json={"title": "Un début"})
    path = f"/{begun['ticket_id']}"
    whole = await me.do("PUT", path, json=draft(title="Une fin", piece="SIT-3"))
    saved = await me.do("PUT", path, json={"title": "Une suite"})

    changed = {each: saved[each] for each in ("title", "version", "changed_at")}
    assert saved == {**whole, **changed}
    assert saved["title"] == (await me.get(path))["title"] == "Une suite"
    assert saved["number"] is None
    refusals = [
        await other.send("GET", path),
        await other.send("PUT", path, json=draft()),
        await other.send("DELETE", path),
        await other.send("POST", f"{path}/submission"),
        await other.send("POST", f"{path}/attachments", files={"attachments": PDF}),
        await other.send("POST", f"{path}/messages", data={"text": "x"}),
        await agent(http, "technique").send("GET", path),
    ]
    assert [each.status_code for each in refusals] == [404] * len(refusals)
    assert (await other.get())["tickets"] == []

    assert (await me.send("DELETE", path)).status_code == 204
    assert (await me.send("GET", path)).status_code == 404


async def test_of_two_tabs_on_one_draft_the_second_loses_nothing_of_the_first(
    http: httpx.AsyncClient,
) -> None:
    me = asker(http, a_structure())
    begun = await me.send("POST", json=draft(title="Début"))
    path = f"/{begun.json()['ticket_id']}"
    read = (await me.send("GET", path)).headers["ETag"]
    assert read == begun.headers["ETag"]
    tab = {"If-Match": read}
    first = await me.send("PUT", path, json=draft(title="Premier onglet"), headers=tab)

    refusals = [
        await me.send("PUT", path, json=draft(title="Second onglet"), headers=tab),
        await me.send("POST", f"{path}/attachments", files={"attachments": PDF}, headers=tab),
        await me.send("DELETE", f"{path}/attachments/{'0' * 64}", headers=tab),
        await me.send("POST", f"{path}/submission", headers=tab),
        await me.send("DELETE", path, headers=tab),
    ]

    assert [each.status_code for each in refusals] == [412] * len(refusals)
    assert {each.json()["code"] for each in refusals} == {"SUP-VERSION-01"}
    assert "depuis que vous l'avez lu" in refusals[0].json()["detail"]
    kept = await me.get(path)
    assert (kept["title"], kept["status"], kept["attachments"]) == (
        "Premier onglet",
        "BROUILLON",
        [],
    )
    tab = {"If-Match": first.headers["ETag"]}
    with_file = await me.send(
        "POST", f"{path}/attachments", files={"attachments": PDF}, headers=tab
    )
    tab = {"If-Match": f'"77", {with_file.headers["ETag"]}'}
    key = {**tab, "Idempotency-Key": "une-fois"}
    done, again = [await me.send("POST", f"{path}/submission", headers=key) for _ in range(2)]
    assert (done.status_code, again.status_code) == (200, 200)
    assert (done.json()["title"], len(done.json()["attachments"])) == ("Premier onglet", 1)
    # It is a draft no more, whatever was read of it.
    late = await me.send("PUT", path, json=draft(), headers=tab)
    assert (late.status_code, late.json()["code"]) == (409, "SUP-ETAT-01")


async def test_a_draft_that_is_sent_again_is_one_whatever_its_recipient_became(
    http: httpx.AsyncClient, addresses: Addresses
) -> None:
    recipient, me = await a_buyer(addresses), asker(http, a_structure())
    body, key = to_business(recipient), {"Idempotency-Key": "un-brouillon"}
    begun = await me.send("POST", json=body, headers=key)
    inactive = StructureStatus.INACTIF
    await publish_structure(addresses, "support", recipient, version=2, status=inactive)

    again = await me.send("POST", json=body, headers=key)
    fresh = await me.send("POST", json=body)

    assert (begun.status_code, again.status_code) == (201, 201), again.text
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json()["ticket_id"] == begun.json()["ticket_id"]
    assert [code for code, _ in codes(fresh)] == ["SUP-DESTINATAIRE-03"]


async def test_of_those_who_save_one_version_at_once_one_is_kept(http: httpx.AsyncClient) -> None:
    me = asker(http, a_structure())
    begun = await me.send("POST", json=draft())
    path, tab = f"/{begun.json()['ticket_id']}", {"If-Match": begun.headers["ETag"]}

    answers = await asyncio.gather(
        *(me.send("PUT", path, json=draft(title=f"n° {n}"), headers=tab) for n in range(6))
    )

    assert sorted(each.status_code for each in answers) == [200, *[412] * 5]
    (winner,) = [each.json() for each in answers if each.status_code == 200]
    assert (await me.get(path))["title"] == winner["title"]


async def test_what_was_submitted_is_no_draft_any_more(http: httpx.AsyncClient) -> None:
    me = asker(http, a_structure())
    done = await me.submitted(draft())

    answers = [
        await me.send("PUT", f"/{done['ticket_id']}", json=draft()),
        await me.send("DELETE", f"/{done['ticket_id']}"),
        await me.send("POST", f"/{done['ticket_id']}/submission"),
        await me.send("POST", f"/{done['ticket_id']}/attachments", files={"attachments": PDF}),
    ]
    assert [each.status_code for each in answers] == [409] * 4
    assert {each.json()["code"] for each in answers} == {"SUP-ETAT-01"}


async def test_a_submission_that_is_sent_again_with_its_key_is_one(
    http: httpx.AsyncClient, addresses: Addresses
) -> None:
    me = asker(http, a_structure())
    one, two = [await me.do("POST", "", json=draft()) for _ in range(2)]
    key = {"Idempotency-Key": "envoi-1"}
    answers = await asyncio.gather(
        *(me.send("POST", f"/{one['ticket_id']}/submission", headers=key) for _ in range(4))
    )
    other = await me.send("POST", f"/{two['ticket_id']}/submission", headers=key)

    assert {each.status_code for each in answers} == {200}
    assert len({each.json()["number"] for each in answers}) == 1
    assert sum("Idempotency-Replayed" in each.headers for each in answers) == 3
    assert codes(other) == [("SUP-CLE-01", "Idempotency-Key")]
    assert len(await read_events(addresses.kafka, Desk.TECHNIQUE, one["ticket_id"], 1)) == 1


async def test_tickets_submitted_at_once_have_each_their_number(http: httpx.AsyncClient) -> None:
    me = asker(http, a_structure())
    done = await asyncio.gather(*(me.submitted(draft(title=f"n° {n}")) for n in range(8)))

    assert len({each["number"] for each in done}) == 8
    assert all(each["number"].startswith("T-20") for each in done)


async def test_a_ticket_is_talked_over_settled_reopened_and_rated(
    http: httpx.AsyncClient, addresses: Addresses
) -> None:
    me, desk = asker(http, a_structure()), agent(http, "technique")
    path = f"/{(await me.submitted(draft()))['ticket_id']}"
    early = await desk.send("POST", f"{path}/resolution", data={"text": "Voilà."})
    await desk.do("PUT", f"{path}/assignee", json={})
    await desk.do("POST", f"{path}/questions", data={"text": "Quel fichier ?"})
    asked = await me.get(path)
    await me.do("POST", f"{path}/messages", data={"text": "Celui-ci."}, files={"attachments": PDF})
    await desk.do("POST", f"{path}/messages", data={"text": "Merci."})
    await desk.do("POST", f"{path}/resolution", data={"text": "Corrigé."})
    await me.do("POST", f"{path}/reopening", json={"text": "Pas tout à fait."})
    await desk.do("PUT", f"{path}/assignee", json={"assignee": "Camille"})
    settled = await desk.do("POST", f"{path}/resolution", data={"text": "Cette fois, oui."})
    rated = await me.do("PUT", f"{path}/satisfaction", json={"satisfaction": 4, "comment": "Bien"})

    assert (early.status_code, early.json()["code"]) == (409, "SUP-ETAT-01")
    assert asked["status"] == "EN_ATTENTE"
    assert (settled["status"], settled["assignee"]) == ("RESOLU", "Camille")
    assert (rated["status"], rated["satisfaction"]) == ("CLOS", 4)
    assert [each["act"] for each in rated["journal"]] == [
        "enregistrer",
        "deposer",
        "prendre_en_charge",
        "demander",
        "ecrire",
        "repondre",
        "resoudre",
        "rouvrir",
        "prendre_en_charge",
        "resoudre",
        "evaluer",
    ]
    events = await read_events(addresses.kafka, Desk.TECHNIQUE, path[1:], 10)
    assert [each.version for each in events] == list(range(2, 12))
    message = events[3]
    assert isinstance(message, TicketChanged)
    assert (message.by, message.text, len(message.attachments)) == ("demandeur", "Celui-ci.", 1)
    assert isinstance(events[-1], TicketChanged)
    assert events[-1].satisfaction == 4


async def test_a_transfer_is_told_to_both_desks_and_audited(
    http: httpx.AsyncClient, addresses: Addresses
) -> None:
    buyer = await a_buyer(addresses)
    me, desk, business = (
        asker(http, a_structure()),
        agent(http, "technique"),
        agent(http, "metier", buyer),
    )
    ticket = await me.submitted(draft())
    path = f"/{ticket['ticket_id']}"
    silent = await desk.send("POST", f"{path}/transfer", json={"desk": "metier", "reason": " "})
    reason = "La question porte sur le refus."
    body = {"desk": "metier", "recipient": {"structure": buyer}, "reason": reason}
    await desk.do("POST", f"{path}/transfer", json=body)

    assert codes(silent) == [
        ("SUP-TEXTE-01", "text"),
        ("SUP-DESTINATAIRE-01", "recipient.structure"),
    ]
    assert (await desk.send("GET", path)).status_code == 404
    there = await business.get(path)
    assert there["sub_category"] == "DEPOT"
    line = there["journal"][-1]
    assert (line["act"], line["who"], line["text"]) == ("transferer", "Zoé", reason)
    assert line["recipient"]["structure"] == buyer
    _, gone = await read_events(addresses.kafka, Desk.TECHNIQUE, ticket["ticket_id"], 2)
    (came,) = await read_events(addresses.kafka, Desk.METIER, ticket["ticket_id"], 1)
    assert isinstance(gone, TicketChanged)
    assert (gone.act, gone.next_desk) == (TicketAct.TRANSFERER, Desk.METIER)
    assert isinstance(came, TicketTransferred)
    assert (came.previous_desk, came.reason, came.agent) == (Desk.TECHNIQUE, reason, "Zoé")
    assert came.title == ticket["title"]


async def test_the_queue_has_the_most_urgent_first_and_then_the_oldest(
    http: httpx.AsyncClient, addresses: Addresses
) -> None:
    buyer = await a_buyer(addresses)
    me, desk = asker(http, a_structure()), agent(http, "metier", buyer)
    one, two, three = [
        (await me.submitted(to_business(buyer, title=f"n° {n}")))["ticket_id"] for n in range(3)
    ]
    await desk.do("PUT", f"/{three}/priority", json={"priority": "URGENTE"})
    await desk.do("PUT", f"/{one}/assignee", json={})

    whole = await desk.get()
    first = await desk.get(limit=2)
    rest = await desk.get(limit=2, after=first["next"])

    assert [each["ticket_id"] for each in whole["tickets"]] == [three, one, two]
    assert [each["ticket_id"] for each in first["tickets"] + rest["tickets"]] == [three, one, two]
    assert rest["next"] is None
    assert whole["counts"] == {"DEPOSE": 2, "EN_COURS": 1, "EN_ATTENTE": 0, "ROUVERT": 0}
    assert [each["clock"]["first_answer_target"] for each in whole["tickets"]] == [240, 1200, 1200]
    assert [each["ticket_id"] for each in (await desk.get(assignee="Zoé"))["tickets"]] == [one]
    assert [each["ticket_id"] for each in (await desk.get(priority="URGENTE"))["tickets"]] == [
        three
    ]


async def test_tickets_are_found_by_number_words_dossier_and_piece(
    http: httpx.AsyncClient,
) -> None:
    me = asker(http, a_structure())
    one = await me.submitted(draft(title="Réserve (levée)", dossier="D7", piece="SIT-3"))
    two = await me.do("POST", "", json=draft(title="Autre"))

    async def ids(**wanted: str) -> list[str]:
        return [each["ticket_id"] for each in (await me.get(**wanted))["tickets"]]

    assert await ids() == [two["ticket_id"], one["ticket_id"]]
    assert await ids(query=one["number"].lower()) == [one["ticket_id"]]
    assert await ids(query="RESERVE (lev") == [one["ticket_id"]]
    assert await ids(dossier="D7", piece="SIT-3") == [one["ticket_id"]]
    assert await ids(status="BROUILLON") == [two["ticket_id"]]
    assert await ids(query="rien de tel") == []


async def test_all_that_is_wrong_is_named_at_once_and_in_french(http: httpx.AsyncClient) -> None:
    me = asker(http, a_structure())
    begun = await me.do("POST", "", json={"description": " \n"})

    empty = await me.send("POST", f"/{begun['ticket_id']}/submission")
    wrong = await me.send(
        "POST", "", json=draft(sub_category="M_RIEN", title="a\u0007", piece="x" * 101)
    )

    assert (empty.status_code, wrong.status_code) == (422, 422)
    assert codes(empty) == [
        ("SUP-CATALOGUE-02", "sub_category"),
        ("SUP-TEXTE-01", "title"),
        ("SUP-TEXTE-01", "description"),
    ]
    assert codes(wrong) == [
        ("SUP-CATALOGUE-01", "sub_category"),
        ("SUP-TEXTE-03", "title"),
        ("SUP-TEXTE-02", "piece"),
    ]
    assert "n'existe pas" in wrong.json()["detail"]


async def test_a_question_goes_to_a_structure_that_is_there(
    http: httpx.AsyncClient, addresses: Addresses
) -> None:
    gone, odd = await a_buyer(addresses), a_structure()
    await publish_structure(addresses, "support", gone, version=2, status=StructureStatus.INACTIF)
    await publish_structure(addresses, "support", odd, services=("$a.b", "C.D"))
    me, desk = asker(http, odd), agent(http, "technique")
    there = (await me.submitted(draft(service="C.D")))["ticket_id"]

    def business(**recipient: str) -> Json:
        return draft(sub_category="M_REFUS", recipient=recipient)

    unknown = business(structure="AUTRE-nulle part")
    form = {**draft(sub_category="M_REFUS"), "email": "a@b.fr", "recipient": "AUTRE-nulle part"}
    body = {"desk": "metier", "recipient": {"structure": "AUTRE-nulle part"}, "reason": "x"}
    refusals = [
        await me.send("POST", json=unknown),
        await stranger(http).send("POST", data=form),
        await desk.send("POST", f"/{there}/transfer", json=body),
        await me.send("POST", json=business(structure=gone)),
        await me.send("POST", json=business(structure=odd, service="E")),
        await me.send("POST", json=draft(service="E")),
    ]

    assert [each.status_code for each in refusals] == [422] * len(refusals)
    assert [codes(each) for each in refusals] == [
        *[[("SUP-DESTINATAIRE-02", "recipient.structure")]] * 3,
        [("SUP-DESTINATAIRE-03", "recipient.structure")],
        [("SUP-SERVICE-01", "recipient.service")],
        [("SUP-SERVICE-01", "service")],
    ]
    assert refusals[0].json()["detail"] == (
        "La structure « AUTRE-nulle part » est inconnue : aucun bureau n'y répondrait. "
        "Si cela vient de changer, réessayer dans quelques secondes : on ne le sait pas encore ici."
    )
    assert all(int(each.headers["Retry-After"]) > 0 for each in refusals)
    never = await me.send("POST", json=business(structure="nulle part"))
    assert (codes(never), "Retry-After" in never.headers) == (codes(refusals[0]), False)
    done = await me.submitted(business(structure=odd, service="$a.b"))
    assert done["recipient"] == {"structure": odd, "service": "$a.b"}


async def test_a_search_by_a_sub_category_that_does_not_exist_is_refused(
    http: httpx.AsyncClient,
) -> None:
    for who in (asker(http, a_structure()), agent(http, "technique")):
        known = await who.send("GET", "?sub_category=DEPOT")
        unknown = await who.send("GET", "?sub_category=ZZ")

        assert (known.status_code, unknown.status_code) == (200, 422)
        assert codes(unknown) == [("SUP-CATALOGUE-01", "sub_category")]


async def test_a_draft_whose_recipient_is_gone_when_it_is_submitted_stays_a_draft(
    http: httpx.AsyncClient, addresses: Addresses
) -> None:
    buyer = await a_buyer(addresses)
    me = asker(http, a_structure())
    begun = await me.do("POST", "", json=to_business(buyer))
    await publish_structure(addresses, "support", buyer, version=2, status=StructureStatus.INACTIF)

    refused = await me.send("POST", f"/{begun['ticket_id']}/submission")

    assert codes(refused) == [("SUP-DESTINATAIRE-03", "recipient.structure")]
    assert (await me.get(f"/{begun['ticket_id']}"))["status"] == "BROUILLON"


async def test_an_open_ticket_is_sent_again_with_its_key_though_its_recipient_is_gone(
    http: httpx.AsyncClient, addresses: Addresses
) -> None:
    buyer = await a_buyer(addresses)
    form = draft(sub_category="M_REFUS", recipient=buyer, email="perdu@exemple.fr")
    key, other = {"Idempotency-Key": "jeton-perdu"}, {"Idempotency-Key": "autre"}
    lost = await stranger(http).send("POST", data=form, headers=key)
    await publish_structure(addresses, "support", buyer, version=2, status=StructureStatus.INACTIF)

    again = await stranger(http).send("POST", data=form, headers=key)
    new = await stranger(http).send("POST", data=form, headers=other)

    assert (lost.status_code, again.status_code) == (201, 201), again.text
    assert again.headers["Idempotency-Replayed"] == "true"
    path = f"/{lost.json()['ticket_id']}"
    found = await stranger(http, again.json()["token"]).get(path)
    assert found["number"] == lost.json()["number"]
    assert codes(new) == [("SUP-DESTINATAIRE-03", "recipient.structure")]


async def test_markup_in_a_description_stays_text(
    http: httpx.AsyncClient, addresses: Addresses
) -> None:
    markup = "<script>alert('x')</script>\n<b>gras</b> & \"guillemets\""
    me = asker(http, a_structure())
    done = await me.submitted(draft(description=markup))

    response = await me.send("GET", f"/{done['ticket_id']}")
    assert response.json()["description"] == markup
    assert response.headers["content-type"] == "application/json"
    (event,) = await read_events(addresses.kafka, Desk.TECHNIQUE, done["ticket_id"], 1)
    assert isinstance(event, TicketSubmitted)
    assert event.description == markup


async def test_bad_attachments_are_refused_each_for_itself(http: httpx.AsyncClient) -> None:
    me = asker(http, a_structure())
    begun = await me.do("POST", "", json=draft())
    files = [
        ("attachments", ("facture.pdf", b"MZ\x90\x00 programme")),
        ("attachments", ("outil.exe", b"MZ")),
        ("attachments", ("vide.pdf", b"")),
        ("attachments", ("lourd.pdf", b"%PDF-" + b"0" * (10 * MEGABYTE))),
    ]
    refused = await me.send("POST", f"/{begun['ticket_id']}/attachments", files=files)

    assert refused.status_code == 422
    assert codes(refused) == [
        ("SUP-PJ-04", "attachments.0"),
        ("SUP-PJ-03", "attachments.1"),
        ("SUP-PJ-05", "attachments.2"),
        ("SUP-PJ-06", "attachments.3"),
    ]
    assert (await me.get(f"/{begun['ticket_id']}"))["attachments"] == []


@pytest.mark.parametrize("is_announced", [True, False])
async def test_a_hundred_megabytes_are_refused_without_being_read_whole(
    http: httpx.AsyncClient, *, is_announced: bool
) -> None:
    me = asker(http, a_structure())
    begun = await me.do("POST", "", json=draft())
    size = f"Content-Length: {100 * MEGABYTE}" if is_announced else "Transfer-Encoding: chunked"
    named = "".join(f"{name}: {value}\r\n" for name, value in me.headers.items())
    head = (
        f"POST /support/v1/tickets/{begun['ticket_id']}/attachments HTTP/1.1\r\n"
        f"Host: x\r\n{named}{size}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    )
    part = b'--x\r\nContent-Disposition: form-data; name="attachments"; filename="a.pdf"\r\n\r\n'

    # A client of httpx sends all before it listens: this one sends what is over, and stops.
    reader, writer = await asyncio.open_connection(http.base_url.host, http.base_url.port)
    writer.write(head.encode())
    if not is_announced:
        for chunk in (part, *(b"0" * MEGABYTE for _ in range(56))):
            writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
    async with asyncio.timeout(scale_timeout(20)):
        answer = await reader.readuntil(b"\r\n")
    writer.close()

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert (await me.get(f"/{begun['ticket_id']}"))["attachments"] == []


async def test_a_ticket_without_an_account_is_followed_by_its_token(
    http: httpx.AsyncClient, addresses: Addresses
) -> None:
    form = {**draft(), "email": "sans.compte@exemple.fr"}
    key = {"Idempotency-Key": "une-fois"}
    sent = [
        await stranger(http).send("POST", data=form, files={"attachments": PDF}, headers=key)
        for _ in range(2)
    ]
    first, again = [each.json() for each in sent]
    me, path = stranger(http, first["token"]), f"/{first['ticket_id']}"

    assert [each.status_code for each in sent] == [201, 201]
    assert again["number"] == first["number"]
    assert await stranger(http, again["token"]).get(path) == await me.get(path)
    (event,) = await read_events(addresses.kafka, Desk.TECHNIQUE, first["ticket_id"], 1)
    assert isinstance(event, TicketSubmitted)
    assert (event.issuer.email, event.issuer.structure) == ("sans.compte@exemple.fr", None)
    assert (await me.get(path))["attachments"][0]["name"] == "bon.pdf"
    await me.do("POST", f"{path}/messages", data={"text": "Un détail."})
    seen = await agent(http, "technique").get(path)
    assert seen["journal"][-1]["text"] == "Un détail."
    for other in (stranger(http), stranger(http, "x"), stranger(http, first["token"][:-1])):
        assert (await other.send("GET", path)).status_code == 404
    assert (await asker(http, a_structure()).send("GET", path)).status_code == 404


async def test_a_stranger_needs_an_address_and_breaks_the_same_rules(
    http: httpx.AsyncClient,
) -> None:
    form = {"email": "personne", "sub_category": "M_REFUS", "title": "x"}
    refused = await stranger(http).send("POST", data=form)

    assert codes(refused) == [
        ("SUP-EMAIL-01", "email"),
        ("SUP-TEXTE-01", "description"),
        ("SUP-DESTINATAIRE-01", "recipient.structure"),
    ]


async def test_a_stranger_who_asks_too_often_is_told_to_wait(http: httpx.AsyncClient) -> None:
    form = {**draft(), "email": "Pressé@exemple.fr"}
    answers = [await stranger(http).send("POST", data=form) for _ in range(6)]
    other = await stranger(http).send("POST", data={**form, "email": "autre@exemple.fr"})

    assert [each.status_code for each in answers] == [*[201] * 5, 429]
    assert codes(answers[-1]) == [("SUP-LIMITE-01", "requête")]
    assert answers[-1].headers["Retry-After"]
    assert other.status_code == 201


async def test_a_network_address_submits_so_many_tickets_an_hour_whoever_it_names(
    addresses: Addresses,
) -> None:
    async def sent(rank: int, address: str) -> httpx.Response:
        # Of whom it says to speak nothing is believed: no setting names it a proxy.
        headers = {"X-Forwarded-For": f"203.0.113.{rank}"}
        form = {**draft(), "email": f"personne-{rank}@exemple.fr"}
        url, way = addresses.services["support"], httpx.AsyncHTTPTransport(local_address=address)
        async with httpx.AsyncClient(
            base_url=url, transport=way, timeout=scale_timeout(30)
        ) as http:
            return await stranger(http).send("POST", data=form, headers=headers)

    answers = [await sent(rank, "127.0.0.7") for rank in range(21)]
    elsewhere = await sent(21, "127.0.0.8")

    assert [each.status_code for each in answers] == [*[201] * 20, 429]
    assert codes(answers[-1]) == [("SUP-LIMITE-01", "requête")]
    assert "adresse réseau, 20 au plus" in answers[-1].json()["detail"]
    assert answers[-1].headers["Retry-After"]
    assert elsewhere.status_code == 201


async def test_a_draft_survives_a_restart(support: Platform, http: httpx.AsyncClient) -> None:
    me = asker(http, a_structure())
    begun = await me.do("POST", "", json=draft())
    await me.do("POST", f"/{begun['ticket_id']}/attachments", files={"attachments": PDF})

    support.kill("support")
    support.restart("support")

    await wait_until(lambda: me.get(f"/{begun['ticket_id']}"), "the draft")
    done = await me.do("POST", f"/{begun['ticket_id']}/submission")
    assert done["status"] == "DEPOSE"
    assert done["attachments"][0]["name"] == "bon.pdf"
