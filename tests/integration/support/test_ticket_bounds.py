"""What a ticket holds, however much is sent, however often and at once."""

import asyncio
import hashlib
from typing import Any

import httpx
import pytest
from pymongo import MongoClient

from deploy.local import Addresses
from services.support.tickets.adapters.mongo import MongoTickets
from services.support.tickets.application.ports import Search
from shared.runtime.clock import build_clock
from shared.runtime.store.database import Store
from shared.vocabulary.tickets import Desk
from tests.integration.support.world import (
    PDF,
    Json,
    Person,
    a_buyer,
    a_structure,
    agent,
    asker,
    draft,
    stranger,
    to_business,
)


def codes(response: httpx.Response) -> list[tuple[str, str]]:
    return [(each["code"], each["field"]) for each in response.json()["violations"]]


def small(name: str) -> tuple[str, tuple[str, bytes]]:
    return ("attachments", (name, f"%PDF-1.7 {name}".encode()))


async def test_messages_sent_at_once_bring_no_more_files_than_a_ticket_takes(
    http: httpx.AsyncClient,
) -> None:
    me = asker(http, a_structure())
    path = f"/{(await me.submitted(draft()))['ticket_id']}"
    answers = await asyncio.gather(
        *(
            me.send(
                "POST",
                f"{path}/messages",
                data={"text": "Voici."},
                files=[small(f"{n}-{rank}.pdf") for rank in range(12)],
            )
            for n in range(5)
        )
    )

    assert sorted(each.status_code for each in answers) == [201, 201, 422, 422, 422]
    assert {codes(each)[0][0] for each in answers if each.is_client_error} == {"SUP-PJ-08"}
    journal = (await me.get(path))["journal"]
    assert sum(len(each["attachments"]) for each in journal) == 24


async def test_a_burst_of_submissions_loses_and_doubles_none(http: httpx.AsyncClient) -> None:
    me = asker(http, a_structure())
    drafts = [
        (await me.do("POST", "", json=draft(title=f"n° {n}")))["ticket_id"] for n in range(80)
    ]

    async def submit(rank: int) -> int:
        key = {"Idempotency-Key": f"rafale-{rank}"}
        for attempt in range(10):
            response = await me.send("POST", f"/{drafts[rank]}/submission", headers=key)
            if response.status_code == 200:
                return attempt
            assert response.status_code in {429, 503}, response.text
            await asyncio.sleep(float(response.headers["Retry-After"]))
        raise AssertionError(f"{drafts[rank]} was never taken")

    attempts = await asyncio.gather(*(submit(rank) for rank in range(80)))

    # Submissions have nothing in common any more: they hardly wait for each other.
    assert attempts.count(0) > 70
    found = (await me.get(limit=200))["tickets"]
    assert sorted(each["ticket_id"] for each in found) == sorted(drafts)
    assert {each["status"] for each in found} == {"DEPOSE"}
    assert len({each["number"] for each in found}) == 80


async def test_the_first_tickets_of_a_year_have_each_their_number(store: Store) -> None:
    tickets = MongoTickets(store)

    numbers = await asyncio.gather(*(tickets.take_next_number(2027) for _ in range(12)))

    assert sorted(numbers) == [*range(1, 13)]


async def test_a_message_that_is_sent_again_with_its_key_is_one(http: httpx.AsyncClient) -> None:
    me, desk = asker(http, a_structure()), agent(http, "technique")
    path = f"/{(await me.submitted(draft()))['ticket_id']}"
    await desk.do("PUT", f"{path}/assignee", json={})
    key = {"Idempotency-Key": "message-1"}
    sent = {"data": {"text": "Voici."}, "files": {"attachments": PDF}, "headers": key}
    for who in (me, desk):
        answers = await asyncio.gather(
            *(who.send("POST", f"{path}/messages", **sent) for _ in range(3))
        )
        again = await who.send("POST", f"{path}/messages", **sent)
        other = await who.send("POST", f"{path}/messages", data={"text": "Autre"}, headers=key)

        assert {each.status_code for each in (*answers, again)} == {201}
        assert sum("Idempotency-Replayed" in each.headers for each in answers) == 2
        assert codes(other) == [("SUP-CLE-01", "Idempotency-Key")]
    texts = [each["text"] for each in (await me.get(path))["journal"]]
    assert texts.count("Voici.") == 2


async def test_the_same_bytes_under_two_names_are_two_files(http: httpx.AsyncClient) -> None:
    me = asker(http, a_structure())
    path = f"/{(await me.do('POST', '', json=draft()))['ticket_id']}"
    names = ("contrat.html", "Capture à 10.00\u202fPM.txt")
    files = [("attachments", (name, b"les memes octets")) for name in names]
    attached = await me.do("POST", f"{path}/attachments", files=files)
    sha256 = hashlib.sha256(b"les memes octets").hexdigest()
    where, text = f"{path}/attachments/{sha256}", "Capture à 10.00 PM.txt"

    given = await me.send("GET", where, params={"name": text})
    unclear = await me.send("DELETE", where)
    await me.do("DELETE", where, params={"name": "contrat.html"})

    assert [each["name"] for each in attached["attachments"]] == ["contrat.html", text]
    assert given.headers["content-type"].startswith("text/plain")
    assert codes(unclear) == [("SUP-PJ-09", "name")]
    assert [each["name"] for each in (await me.get(path))["attachments"]] == [text]
    gone = await me.send("GET", where, params={"name": "contrat.html"})
    assert gone.status_code == 404
    assert (await me.do("DELETE", where))["attachments"] == []


async def test_of_agents_who_take_a_ticket_at_once_one_has_it(http: httpx.AsyncClient) -> None:
    path = f"/{(await asker(http, a_structure()).submitted(draft()))['ticket_id']}"
    agents = {name: agent(http, "technique", name=name) for name in ("Ali", "Bo", "Céline", "Zoé")}
    answers = dict(
        zip(
            agents,
            await asyncio.gather(
                *(each.send("PUT", f"{path}/assignee", json={}) for each in agents.values())
            ),
            strict=True,
        )
    )

    assert sorted(each.status_code for each in answers.values()) == [200, 409, 409, 409]
    (holder,) = [name for name, each in answers.items() if each.status_code == 200]
    refused = next(each.json() for each in answers.values() if each.status_code == 409)
    assert (refused["code"], holder in refused["detail"]) == ("SUP-ETAT-04", True)
    other = next(each for name, each in agents.items() if name != holder)
    taken = await other.do("PUT", f"{path}/assignee", json={"instead_of": holder})
    assert taken["assignee"] != holder


async def test_why_a_desk_hands_a_ticket_over_is_not_told_to_who_asks(
    http: httpx.AsyncClient, addresses: Addresses
) -> None:
    buyer = await a_buyer(addresses)
    me, desk = asker(http, a_structure()), agent(http, "technique")
    path = f"/{(await me.submitted(draft()))['ticket_id']}"
    reason = "Client pénible, interne."
    body: Json = {"desk": "metier", "recipient": {"structure": buyer}, "reason": reason}
    await desk.do("POST", f"{path}/transfer", json=body)

    there = await agent(http, "metier", buyer).get(path)
    assert there["journal"][-1]["text"] == reason
    assert reason not in (await me.send("GET", path)).text


async def test_a_title_may_be_typeset_as_french_is_but_says_something(
    http: httpx.AsyncClient,
) -> None:
    me = asker(http, a_structure())
    done = await me.submitted(draft(title="Où en est ma facture\u202f? 👩\u200d🔧\u200b"))
    assert done["title"] == "Où en est ma facture ? 👩🔧"

    for nothing in ("\u3164", "\u2800", "\u200b", "\u2028", "\U000e0041"):
        begun = await me.do("POST", "", json=draft(title=nothing, description=nothing))
        path = f"/{begun['ticket_id']}"
        refused = await me.send("POST", f"{path}/submission")
        assert codes(refused) == [("SUP-TEXTE-01", "title"), ("SUP-TEXTE-01", "description")]


async def test_what_is_refused_or_sent_again_counts_against_no_limit(
    http: httpx.AsyncClient,
) -> None:
    form = {**draft(), "email": "victime@exemple.fr"}
    key = {"Idempotency-Key": "une-fois"}
    refusals = [await stranger(http).send("POST", data={"email": form["email"]}) for _ in range(6)]
    sent = [await stranger(http).send("POST", data=form, headers=key) for _ in range(7)]

    assert {each.status_code for each in refusals} == {422}
    assert {each.status_code for each in sent} == {201}
    assert len({each.json()["number"] for each in sent}) == 1
    rest = [
        await stranger(http).send("POST", data={**form, "email": f"victime+{n}@exemple.fr"})
        for n in range(4)
    ]
    over = await stranger(http).send("POST", data={**form, "email": "\uff56ictime@exemple.fr"})
    assert {each.status_code for each in rest} == {201}
    assert (over.status_code, over.headers["Retry-After"]) == (429, "3600")


async def test_no_secret_that_follows_a_ticket_is_in_the_store(
    http: httpx.AsyncClient, addresses: Addresses
) -> None:
    form = {**draft(), "email": "secrets@exemple.fr"}
    key = {"Idempotency-Key": "secret"}
    sent = [await stranger(http).send("POST", data=form, headers=key) for _ in range(7)]
    tokens = [each.json()["token"] for each in sent]
    path = f"/{sent[0].json()['ticket_id']}"

    with MongoClient[dict[str, Any]](addresses.mongo) as client:
        db = client["support"]
        kept = "\n".join(
            repr(row)
            for name in db.list_collection_names()
            if not name.startswith("fs.")
            for row in db[name].find()
        )
    assert path[1:] in kept
    assert not [each for each in tokens if each in kept]
    # The last of them follow it, so that the one whose answer came through does.
    answers = [await stranger(http, each).send("GET", path) for each in tokens]
    assert [each.status_code for each in answers] == [404, 404, *[200] * 5]


async def test_a_stranger_writes_so_often_an_hour_about_one_ticket(
    http: httpx.AsyncClient,
) -> None:
    form = {**draft(), "email": "bavard@exemple.fr"}
    done = (await stranger(http).send("POST", data=form)).json()
    me, path = stranger(http, done["token"]), f"/{done['ticket_id']}"
    answers = [
        await me.send("POST", f"{path}/messages", data={"text": f"n° {n}"}) for n in range(31)
    ]

    assert [each.status_code for each in answers] == [*[201] * 30, 429]
    assert codes(answers[-1]) == [("SUP-LIMITE-02", "requête")]
    assert answers[-1].headers["Retry-After"]
    assert (await me.send("GET", path)).status_code == 200


async def test_a_list_reads_nothing_that_it_does_not_show(
    http: httpx.AsyncClient, addresses: Addresses
) -> None:
    me = asker(http, a_structure())
    done = await me.submitted(draft(title="Une liste légère"))
    said = {"data": {"text": "Long."}, "files": {"attachments": PDF}}
    await me.do("POST", f"/{done['ticket_id']}/messages", **said)

    clock = build_clock()
    async with Store(addresses.mongo, "support", clock) as store:
        tickets = MongoTickets(store)
        wanted = Search(query=done["number"])
        pages = [
            await tickets.list_queue(Desk.TECHNIQUE, None, wanted),
            await tickets.list_of_structure(done["issuer"]["structure"], wanted),
        ]

    for page in pages:
        (listed,) = page.tickets
        assert (listed.content.title, listed.content.description) == ("Une liste légère", "")
        assert [each.text for each in listed.journal] == [None] * 3
        assert listed.files == ()


async def test_a_key_belongs_to_a_role_and_to_an_agent_of_one_desk(http: httpx.AsyncClient) -> None:
    structure = a_structure()
    me, colleague = asker(http, structure), asker(http, structure, "moe")
    path = f"/{(await me.submitted(draft()))['ticket_id']}"
    zoe, ali = agent(http, "technique"), agent(http, "technique", name="Ali")
    await zoe.do("PUT", f"{path}/assignee", json={})
    sent = {"data": {"text": "Voici."}, "headers": {"Idempotency-Key": "é-1".encode()}}

    for who in (me, colleague, zoe, ali):
        once, again = [await who.send("POST", f"{path}/messages", **sent) for _ in range(2)]

        assert (once.status_code, again.status_code) == (201, 201), once.text
        assert "Idempotency-Replayed" not in once.headers
        assert again.headers["Idempotency-Replayed"] == "true"
    texts = [each["text"] for each in (await me.get(path))["journal"]]
    assert texts.count("Voici.") == 4


async def test_a_key_that_acted_on_a_ticket_acts_on_no_other_one(http: httpx.AsyncClient) -> None:
    me, zoe = asker(http, a_structure()), agent(http, "technique")
    one, other = [f"/{(await me.submitted(draft()))['ticket_id']}" for _ in range(2)]
    for path in (one, other):
        await zoe.do("PUT", f"{path}/assignee", json={})
    sent = {"data": {"text": "Voici."}, "headers": {"Idempotency-Key": "un-ticket"}}

    for who in (me, zoe):
        done, refused = [
            await who.send("POST", f"{path}/messages", **sent) for path in (one, other)
        ]

        assert done.status_code == 201
        assert codes(refused) == [("SUP-CLE-01", "Idempotency-Key")]
    assert "Voici." not in [each["text"] for each in (await me.get(other))["journal"]]


async def test_a_transfer_key_tells_nothing_of_a_ticket_of_another_desk(
    http: httpx.AsyncClient, addresses: Addresses
) -> None:
    structure, zoe = await a_buyer(addresses), agent(http, "technique")
    me, key = asker(http, structure), {"Idempotency-Key": "un-transfert"}
    hidden = (await me.submitted(to_business(structure)))["ticket_id"]
    path = f"/{(await me.submitted(draft()))['ticket_id']}"
    body = {"desk": "metier", "recipient": {"structure": structure}, "reason": "Une facture."}

    moved = [await zoe.send("POST", f"{path}/transfer", json=body, headers=key) for _ in range(2)]
    unseen = await zoe.send("POST", f"/{hidden}/transfer", json=body, headers=key)

    assert [each.status_code for each in (*moved, unseen)] == [204, 204, 404], moved[0].text


async def test_without_an_account_a_key_belongs_to_a_ticket(http: httpx.AsyncClient) -> None:
    form = {**draft(), "email": "a@exemple.fr"}
    opened = [await stranger(http).do("POST", "", data=form) for _ in range(2)]
    sent = {"data": {"text": "Voici."}, "headers": {"Idempotency-Key": "sans-compte"}}

    answers = [
        await stranger(http, each["token"]).send("POST", f"/{each['ticket_id']}/messages", **sent)
        for each in (*opened, opened[0])
    ]

    assert [each.status_code for each in answers] == [201] * 3, answers[0].text
    assert ["Idempotency-Replayed" in each.headers for each in answers] == [False, False, True]


async def test_a_submission_key_belongs_to_a_structure_in_one_role(
    http: httpx.AsyncClient,
) -> None:
    structure, key = a_structure(), {"Idempotency-Key": "deux-roles"}
    people = asker(http, structure), asker(http, structure, "moe")
    drafts = [(await each.do("POST", "", json=draft()))["ticket_id"] for each in people]

    done = [
        await who.send("POST", f"/{each}/submission", headers=key)
        for who, each in zip(people, drafts, strict=True)
    ]

    assert [each.status_code for each in done] == [200, 200]
    assert not any("Idempotency-Replayed" in each.headers for each in done)


@pytest.mark.parametrize("query", ["\ufdfa" * 56, "\ufdfa" * 200, "a" + "\u0315\u0300" * 500])
async def test_a_query_is_bounded_by_what_it_becomes(http: httpx.AsyncClient, query: str) -> None:
    me = asker(http, a_structure())
    await me.submitted(draft(title="\ufdfa" * 100, description="\ufdfa" * 1000))

    refused = await me.send("GET", params={"query": query})

    assert refused.status_code == 422, refused.text


async def test_every_act_on_a_ticket_sent_again_with_its_key_is_done_once(
    http: httpx.AsyncClient, addresses: Addresses
) -> None:
    me, zoe = asker(http, a_structure()), agent(http, "technique")
    buyer = await a_buyer(addresses)
    done: list[tuple[httpx.Response, httpx.Response]] = []

    async def twice(who: Person, method: str, path: str, **sent: Any) -> Json:  # noqa: ANN401
        key = {"Idempotency-Key": f"deux-fois-{len(done)}"}
        once, again = [await who.send(method, path, headers=key, **sent) for _ in range(2)]
        assert once.is_success, once.text
        done.append((once, again))
        body: Json = once.json() if once.content else {}
        return body

    path = f"/{(await twice(me, 'POST', '', json=draft()))['ticket_id']}"
    saved = await twice(me, "PUT", path, json={"title": "Autre titre"})
    attached = await twice(me, "POST", f"{path}/attachments", files={"attachments": PDF})
    sha256 = attached["attachments"][0]["sha256"]
    await twice(me, "DELETE", f"{path}/attachments/{sha256}")
    await twice(me, "POST", f"{path}/submission")
    await twice(zoe, "PUT", f"{path}/assignee", json={})
    await twice(zoe, "PUT", f"{path}/priority", json={"priority": "HAUTE"})
    await twice(zoe, "POST", f"{path}/resolution", data={"text": "Voilà."})
    await twice(me, "POST", f"{path}/reopening", json={"text": "Pas encore."})
    transfer = {"desk": "metier", "recipient": {"structure": buyer}, "reason": "Le marché."}
    await twice(zoe, "POST", f"{path}/transfer", json=transfer)
    there = agent(http, "metier", buyer)
    await twice(there, "PUT", f"{path}/assignee", json={})
    await twice(there, "POST", f"{path}/resolution", data={"text": "Voilà."})
    await twice(me, "PUT", f"{path}/satisfaction", json={"satisfaction": 4})

    assert [again.status_code for once, again in done] == [once.status_code for once, _ in done]
    assert [again.text for once, again in done] == [once.text for once, _ in done]
    assert all("Idempotency-Replayed" not in once.headers for once, _ in done)
    assert all(again.headers["Idempotency-Replayed"] == "true" for _, again in done)
    assert saved["version"] == 2
    acts = [each["act"] for each in (await me.get(path))["journal"]]
    assert len(acts) == len(done) - 3


async def test_of_acts_with_one_key_at_once_one_is_done(http: httpx.AsyncClient) -> None:
    me, key = asker(http, a_structure()), {"Idempotency-Key": "jumeaux"}

    begun = await asyncio.gather(*(me.send("POST", json=draft(), headers=key) for _ in range(6)))

    assert {each.status_code for each in begun} == {201}
    assert len({each.json()["ticket_id"] for each in begun}) == 1
    assert len((await me.get())["tickets"]) == 1
    other = await me.send("POST", json=draft(title="Autre"), headers=key)
    assert codes(other) == [("SUP-CLE-01", "Idempotency-Key")]
