"""Opening hours of the live chat on a real platform: closing, holidays, an operator's own hours."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta

import httpx
import pytest_asyncio

from deploy.local import Platform, choose
from shared.vocabulary.dates import PARIS
from tests.integration.support.chat_site import (
    THE_DAY_BEFORE,
    Cast,
    Json,
    Site,
    a_site,
    a_twin,
    is_ready,
    offset_to,
    somebody,
)
from tests.kit.access import run_services
from tests.kit.waiting import scale_timeout, wait_until


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def site() -> AsyncIterator[Site]:
    """A site of the module's own, whose days pass."""
    async with a_site() as site:
        yield site


async def refused_at(site: Site, headers: Mapping[str, str] | None) -> Json:
    async with site.socket("/chats", headers) as socket:
        await socket.send(type="commencer", text="Une question", sub_category="DEPOT")
        refusal = await socket.next("refus")
        assert await socket.closed() == 4409
    return refusal


async def test_what_goes_on_is_ended_when_the_chat_has_closed_and_holidays_are_refused(
    site: Site, cast: Cast
) -> None:
    me = somebody()
    async with site.asking(me, **cast.wish, text="Encore là ?") as (_, opened):
        pass

    await asyncio.to_thread(site.platform.advance, 1)
    refusal = await refused_at(site, me)
    assert refusal["detail"] == "Le tchat est fermé. Il ouvre le jeudi 15 juillet 2027 à 8 h 30."
    assert refusal["code"] == "SUP-TCHAT-01"
    assert datetime.fromisoformat(refusal["opens_at"]) == THE_DAY_BEFORE + timedelta(
        days=1, hours=22, minutes=30
    )
    assert refusal["ticket"]["description"] == "Une question"
    assert refusal["ticket_link"] == "/support/v1/tickets"
    assert (await site.http.get("/chats/hours")).json()["is_open"] is False

    async def has_ended() -> bool:
        answer = await site.http.get(f"/chats/{opened['chat_id']}", headers=me)
        return bool(answer.json()["chat"]["ending"] == "fermeture")

    await wait_until(has_ended, "the chat of yesterday has ended")
    async with site.socket("/chats", me) as socket:
        await socket.send(type="reprendre", chat_id=opened["chat_id"])
        assert await socket.closed() == 1000
        assert [line["kind"] for line in socket.lines] == ["message", "fin"]

    await asyncio.to_thread(site.platform.advance, 4)
    refusal = await refused_at(site, None)
    assert refusal["detail"] == "Le tchat est fermé. Il ouvre le lundi 19 juillet 2027 à 8 h 30."
    assert refusal["ticket_link"] == "/support/v1/open/tickets"
    answer = await site.http.get("/chats/hours")
    assert answer.json()["detail"] == refusal["detail"]

    await asyncio.to_thread(site.platform.advance, 1)
    assert (await site.http.get("/chats/hours")).json()["is_open"] is True


async def test_it_is_told_before_it_closes() -> None:
    offset = offset_to(datetime(2027, 7, 13, 18, 21, tzinfo=PARIS))
    with run_services("services.support", clock_offset_s=offset) as platform:
        url = platform.addresses.services["support"]
        async with (
            httpx.AsyncClient(base_url=url, timeout=scale_timeout(30)) as http,
            Site(platform, http).asking(somebody(), sub_category="DEPOT") as (socket, _),
        ):
            soon = await socket.next("ligne")
            assert (soon["kind"], soon["by"]) == ("fermeture_proche", "plateforme")
            assert "18 h 30" in soon["text"]


async def test_the_hours_of_an_operator_are_those_of_the_chat_and_of_the_virtual_agent() -> None:
    offset = offset_to(datetime(2027, 7, 13, 10, tzinfo=PARIS))
    opens = datetime(2027, 7, 17, 9, tzinfo=PARIS)
    hours = {
        "desks_open_at": "09:00",
        "desks_days": "2 3 6",
        "desks_closed_on": "2027-07-12 2027-07-13",
    }
    with (
        Platform(choose().backend, services=()) as platform,
        a_twin(platform, offset, **hours) as url,
    ):
        await wait_until(lambda: is_ready(url), "the twin is ready", 60)
        async with httpx.AsyncClient(base_url=url, timeout=scale_timeout(30)) as http:
            chat = (await http.get("/chats/hours")).json()
            opened = (await http.post("/agent/conversations")).json()
            path = f"/agent/conversations/{opened['conversation_id']}/messages"
            token = {"X-Conversation-Token": opened["token"]}
            reply = await http.post(path, json={"text": "xyzzy"}, headers=token)

    # Wednesday 14 July is a public holiday: Saturday comes next.
    assert chat["detail"] == "Le tchat est fermé. Il ouvre le samedi 17 juillet 2027 à 9 h 00."
    person = reply.json()["person"]
    assert person["is_open"] is chat["is_open"] is False
    assert datetime.fromisoformat(person["opens_at"]) == opens
