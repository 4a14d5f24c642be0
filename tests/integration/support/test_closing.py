"""Days pass over tickets and their files: what was settled is closed, what nobody names goes."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from pymongo import MongoClient

from deploy.local import Platform
from shared.contracts.support_v1 import TicketChanged
from shared.vocabulary.tickets import Desk, Side, TicketAct
from tests.integration.support.world import (
    PDF,
    Person,
    a_structure,
    agent,
    asker,
    draft,
    read_events,
)
from tests.kit.access import run_services
from tests.kit.waiting import scale_timeout, wait_until


@pytest.fixture(scope="module")
def support() -> Iterator[Platform]:
    """A platform of the module's own: its clock runs ahead, further with each test."""
    with run_services("services.support") as platform:
        yield platform


@pytest.fixture
async def http(support: Platform) -> AsyncIterator[httpx.AsyncClient]:
    url = support.addresses.services["support"]
    async with httpx.AsyncClient(base_url=url, timeout=scale_timeout(30)) as client:
        yield client


async def settled(me: Person, desk: Person) -> str:
    """Submit a ticket and settle it; give its path."""
    path = f"/{(await me.submitted(draft()))['ticket_id']}"
    await desk.do("PUT", f"{path}/assignee", json={})
    await desk.do("POST", f"{path}/resolution", data={"text": "Corrigé."})
    return path


async def test_what_was_settled_and_not_reopened_is_closed_after_its_delay(
    support: Platform, http: httpx.AsyncClient
) -> None:
    me, desk = asker(http, a_structure()), agent(http, "technique")
    left, reopened = await settled(me, desk), await settled(me, desk)
    waiting = f"/{(await me.submitted(draft()))['ticket_id']}"
    await asyncio.to_thread(support.advance, 14)
    await me.do("POST", f"{reopened}/reopening", json={"text": "Pas tout à fait."})
    assert (await me.get(left))["status"] == "RESOLU"

    await asyncio.to_thread(support.advance, 2)

    async def is_closed() -> bool:
        return bool((await me.get(left))["status"] == "CLOS")

    await wait_until(is_closed, "the ticket is closed", 30)
    line = (await me.get(left))["journal"][-1]
    assert (line["act"], line["by"], line["who"]) == ("clore", "plateforme", "plateforme")
    *_, event = await read_events(support.addresses.kafka, Desk.TECHNIQUE, left[1:], 4)
    assert isinstance(event, TicketChanged)
    assert (event.act, event.by, event.agent) == (TicketAct.CLORE, Side.PLATEFORME, None)
    assert (await me.get(reopened))["status"] == "ROUVERT"
    assert (await me.get(waiting))["status"] == "DEPOSE"
    late = await me.send("POST", f"{left}/reopening", json={"text": "Trop tard ?"})
    assert (late.status_code, late.json()["code"]) == (409, "SUP-ETAT-01")
    rated = await me.do("PUT", f"{left}/satisfaction", json={"satisfaction": 3})
    assert rated["satisfaction"] == 3


async def test_a_ticket_that_cannot_be_closed_holds_up_no_other(
    support: Platform, http: httpx.AsyncClient
) -> None:
    me, desk = asker(http, a_structure()), agent(http, "technique")
    path = await settled(me, desk)
    with MongoClient[dict[str, Any]](support.addresses.mongo) as client:
        unreadable = {"status": "RESOLU", "changed_at": datetime(2020, 1, 1, tzinfo=UTC)}
        rows = [{"_id": f"illisible-{n}", **unreadable, "ticket": {}} for n in range(101)]
        client["support"]["tickets"].insert_many(rows)

    await asyncio.to_thread(support.advance, 16)

    async def is_closed() -> bool:
        return bool((await me.get(path))["status"] == "CLOS")

    await wait_until(is_closed, "the ticket is closed", 30)


async def test_files_that_no_ticket_names_any_more_are_swept_and_the_others_stay(
    support: Platform, http: httpx.AsyncClient
) -> None:
    me, desk = asker(http, a_structure()), agent(http, "technique")

    async def attached(path: str, name: str) -> str:
        content = f"%PDF-1.7 {name}".encode()
        await me.do("POST", f"{path}/attachments", files={"attachments": ("a.pdf", content)})
        return hashlib.sha256(content).hexdigest()

    async def begin() -> str:
        return f"/{(await me.do('POST', '', json=draft()))['ticket_id']}"

    kept, given_up = await begin(), await begin()
    drafted = await attached(kept, "gardé")
    detached = await attached(kept, "retiré")
    await me.do("DELETE", f"{kept}/attachments/{detached}")
    discarded = await attached(given_up, "abandonné")
    # The same bytes on another ticket: what one gives up the other still names.
    shared = await attached(given_up, "partagé")
    assert await attached(kept, "partagé") == shared
    await me.do("DELETE", given_up)
    path = f"/{(await me.submitted(draft()))['ticket_id']}"
    await me.do("POST", f"{path}/messages", data={"text": "Voici."}, files={"attachments": PDF})
    said = hashlib.sha256(PDF[1]).hexdigest()

    def hold(wanted: set[str]) -> bool:
        """Tell whether the store holds these files, named and in bytes, and no others."""
        with MongoClient[dict[str, Any]](support.addresses.mongo) as client:
            db = client["support"]
            named = {row["_id"]: row["upload"] for row in db["files"].find()}
            chunks = {row["files_id"] for row in db["fs.chunks"].find({}, {"files_id": 1})}
            return {*named} == wanted and {*named.values()} == chunks

    assert hold({drafted, detached, discarded, shared, said})
    await asyncio.to_thread(support.advance, 2)

    await wait_until(lambda: hold({drafted, shared, said}), "the sweep", 30)
    for where, sha256 in ((kept, drafted), (kept, shared), (path, said)):
        assert (await me.send("GET", f"{where}/attachments/{sha256}")).status_code == 200
    assert (await desk.send("GET", f"{path}/attachments/{said}")).status_code == 200
