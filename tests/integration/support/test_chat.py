"""The chat on the real platform: WebSocket clients, two replicas, kills, closing hours."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from deploy.local import Platform, choose, programs
from deploy.local.ports import free_port
from deploy.local.watchdog import Watchdog
from shared.runtime.clock import build_clock
from shared.vocabulary.dates import PARIS
from tests.integration.support.world import a_structure
from tests.kit.directory import tell_structure
from tests.kit.waiting import scaled, wait_until

Json = dict[str, Any]

THE_DAY_BEFORE = datetime(2027, 7, 13, 10, tzinfo=PARIS)
"""A Tuesday; the next day is a public holiday, the Sunday after it the 18th."""
_LIVE_S = 10
"""Less than the 15 s after which a silent connection looks again by itself."""


def offset_to(moment: datetime) -> int:
    """Give the offset of a clock that says `moment` now."""
    return int((moment - build_clock()()).total_seconds())


@dataclass
class Socket:
    """A WebSocket as its client reads it."""

    connection: ClientConnection
    seen: list[Json] = field(default_factory=list)

    async def send(self, **frame: object) -> None:
        await self.connection.send(json.dumps(frame))

    async def next(self, kind: str) -> Json:
        """Wait for the next frame of a kind; what comes before is only noted."""
        async with asyncio.timeout(scaled(_LIVE_S)):
            while True:
                frame: Json = json.loads(await self.connection.recv())
                self.seen.append(frame)
                if frame["type"] == kind:
                    return frame

    async def closed(self) -> int | None:
        """Wait until the other side closes, and say with which code."""
        try:
            async with asyncio.timeout(scaled(_LIVE_S)):
                while True:
                    self.seen.append(json.loads(await self.connection.recv()))
        except ConnectionClosed as error:
            return error.rcvd.code if error.rcvd else None

    @property
    def lines(self) -> list[Json]:
        return [frame for frame in self.seen if frame["type"] == "ligne"]


async def is_ready(url: str) -> bool:
    async with httpx.AsyncClient(timeout=scaled(2)) as client:
        return (await client.get(httpx.URL(url).join("/health/ready"))).status_code == 200


@contextmanager
def a_twin(platform: Platform, offset_s: int, **settings: int | str) -> Iterator[str]:
    """Start a second replica beside the service of a platform, and give its address."""
    real_kafka = str(platform.backend.has_real_kafka).lower()
    env = {
        "AIGUILLAGE_KAFKA": platform.addresses.kafka,
        "AIGUILLAGE_MONGO": platform.addresses.mongo,
        "AIGUILLAGE_IDEMPOTENT_PRODUCER": real_kafka,
        "AIGUILLAGE_END_OFFSETS_RELIABLE": real_kafka,
        "AIGUILLAGE_TRUST_HEADERS": "true",
        "AIGUILLAGE_INSTANCE": "2",
        "AIGUILLAGE_CLOCK_OFFSET_S": str(offset_s),
        **{f"AIGUILLAGE_{name.upper()}": str(value) for name, value in settings.items()},
    }
    port, watchdog = free_port(), Watchdog()
    log = platform.log("twin")
    twin = programs.service("services.support", env).start(port, env={}, log=log, watchdog=watchdog)
    try:
        yield f"http://127.0.0.1:{port}/support/v1"
    finally:
        twin.end()
        watchdog.close()


@dataclass
class Site:
    """The service, and a second replica of it when asked."""

    platform: Platform
    http: httpx.AsyncClient

    @property
    def url(self) -> str:
        return self.platform.addresses.services["support"]

    @asynccontextmanager
    async def socket(
        self, path: str, headers: Mapping[str, str] | None = None, at: str | None = None
    ) -> AsyncIterator[Socket]:
        url = (at or self.url).replace("http", "ws") + path
        async with connect(url, additional_headers=headers, proxy=None) as connection:
            yield Socket(connection)

    @asynccontextmanager
    async def asking(
        self, headers: Mapping[str, str] | None = None, at: str | None = None, **wish: object
    ) -> AsyncIterator[tuple[Socket, Json]]:
        """Begin a chat; gives the socket and its session frame."""
        async with self.socket("/chats", headers, at) as socket:
            await socket.send(type="commencer", **wish)
            yield socket, await socket.next("session")

    async def take(self, agent: Mapping[str, str], at: str | None = None) -> str | None:
        answer = await self.http.post(f"{at or ''}/desk/chats/next", headers=agent)
        assert answer.status_code in {200, 204}, answer.text
        return answer.json()["chat_id"] if answer.content else None


@dataclass(frozen=True)
class Cast:
    """A business desk of a test's own, so that no other test waits in its queue."""

    structure: str

    @property
    def wish(self) -> Json:
        return {"sub_category": "M_REFUS", "recipient": self.structure}

    def agent(self, name: str) -> dict[str, str]:
        return {"X-Desk": "metier", "X-Agent": name, "X-Structure": self.structure}


def somebody() -> dict[str, str]:
    return {"X-Structure": a_structure().replace(" ", "%20"), "X-Role": "titulaire"}


@pytest.fixture
async def cast(site: Site) -> Cast:
    structure = a_structure().replace(" ", "-")
    await tell_structure(site.platform.addresses, "support", structure)
    return Cast(structure)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def site() -> AsyncIterator[Site]:
    offset = offset_to(THE_DAY_BEFORE)
    with Platform(
        choose().backend, services=["services.support"], clock_offset_s=offset
    ) as platform:
        url = platform.addresses.services["support"]
        async with httpx.AsyncClient(base_url=url, timeout=scaled(30)) as http:
            yield Site(platform, http)


async def test_the_chat_says_that_it_is_open(site: Site) -> None:
    answer = await site.http.get("/chats/hours")

    assert answer.json()["is_open"] is True
    assert answer.json()["detail"] == "Le tchat est ouvert."


async def test_another_replica_carries_the_same_chat_live(site: Site, cast: Cast) -> None:
    """Early in the module: the embedded broker takes its time to see that a member has left."""
    agent = cast.agent("Ali")
    with a_twin(site.platform, offset_to(THE_DAY_BEFORE)) as twin:
        async with AsyncExitStack() as stack:
            await wait_until(lambda: is_ready(twin), "the second replica is ready", 60)
            ahead, first = await stack.enter_async_context(site.asking(somebody(), **cast.wish))
            behind, _ = await stack.enter_async_context(
                site.asking(somebody(), at=twin, **cast.wish)
            )
            assert (await behind.next("file"))["position"] == 2

            assert await site.take(agent, at=twin) == first["chat_id"]
            assert (await ahead.next("ligne"))["kind"] == "prise_en_charge"
            assert (await behind.next("file"))["position"] == 1
            path = f"/desk/chats/{first['chat_id']}"
            desk = await stack.enter_async_context(site.socket(path, agent, at=twin))
            await ahead.send(type="ecrire", text="d'ici")
            while (await desk.next("ligne"))["text"] != "d'ici":
                pass
            await desk.send(type="ecrire", text="et de là")
            while (await ahead.next("ligne"))["text"] != "et de là":
                pass


async def test_two_wait_in_turn_one_is_answered_and_the_other_moves_up(
    site: Site, cast: Cast
) -> None:
    agent = cast.agent("Marie%20D.")
    async with AsyncExitStack() as stack:
        first, opened = await stack.enter_async_context(
            site.asking(somebody(), **cast.wish, text="Bonjour <b>Marie</b>", key="k0")
        )
        assert (await first.next("file"))["position"] == 1
        second, other = await stack.enter_async_context(site.asking(**cast.wish))
        assert (await second.next("file"))["position"] == 2
        assert opened["token"] is None
        assert other["token"]

        listed = (await site.http.get("/desk/chats", headers=agent)).json()["chats"]
        assert [each["chat_id"] for each in listed] == [opened["chat_id"], other["chat_id"]]
        assert await site.take(agent) == opened["chat_id"]

        taken = await first.next("ligne")
        assert (taken["kind"], taken["who"]) == ("prise_en_charge", "Marie D.")
        assert (await second.next("file"))["position"] == 1

        path = f"/desk/chats/{opened['chat_id']}"
        desk = await stack.enter_async_context(site.socket(path, agent))
        assert (await desk.next("ligne"))["text"] == "Bonjour <b>Marie</b>"
        await desk.send(type="ecrire", text="Que puis-je pour vous ?")
        heard = await first.next("ligne")
        assert (heard["by"], heard["who"], heard["text"]) == (
            "bureau",
            "Marie D.",
            "Que puis-je pour vous ?",
        )
        await first.send(type="ecrire", text="Où est ma facture ?", key="k1")
        answered = [await desk.next("ligne") for _ in range(3)][-1]
        assert (answered["text"], answered["key"]) == ("Où est ma facture ?", "k1")

        await desk.send(type="terminer")
        assert await first.closed() == await desk.closed() == 1000
        assert first.lines[-1]["kind"] == "fin"
        assert [line["rank"] for line in first.lines] == [1, 2, 3, 4, 5]
        assert first.lines == desk.lines
    answer = await site.http.get(path, headers=agent)
    assert [line["rank"] for line in answer.json()["lines"]] == [1, 2, 3, 4, 5]
    assert answer.json()["chat"]["ending"] == "bureau"


async def test_a_transcript_is_read_again_by_its_parties_alone_and_becomes_a_ticket(
    site: Site, cast: Cast
) -> None:
    me, agent = somebody(), cast.agent("Ali")
    async with site.asking(me, **cast.wish, text="Pourquoi ce refus ?") as (socket, opened):
        await site.take(agent)
        await socket.send(type="terminer")
        assert await socket.closed() == 1000
    url, seen_by_desk = f"/chats/{opened['chat_id']}", f"/desk/chats/{opened['chat_id']}"

    own = await site.http.get(url, headers=me)
    assert [line["kind"] for line in own.json()["lines"]] == [
        "message", "prise_en_charge", "fin",
    ]  # fmt: skip
    prefill = (await site.http.get(f"{url}/ticket", headers=me)).json()
    assert (prefill["title"], prefill["sub_category"]) == ("Pourquoi ce refus ?", "M_REFUS")
    assert prefill["description"] == "Vous : Pourquoi ce refus ?"

    strangers = [
        await site.http.get(url),
        await site.http.get(url, headers={"X-Chat-Token": "x"}),
        await site.http.get(url, headers=somebody()),
        await site.http.get(url, headers={**me, "X-Role": "moe"}),
        await site.http.get(seen_by_desk, headers=Cast("ailleurs").agent("Ali")),
        await site.http.get(seen_by_desk, headers={"X-Desk": "technique", "X-Agent": "Ali"}),
    ]
    assert {answer.status_code for answer in strangers} == {404}
    assert (await site.http.get(seen_by_desk)).status_code == 401
    assert (await site.http.get(seen_by_desk, headers=agent)).status_code == 200


async def test_who_is_no_party_resumes_nothing(site: Site, cast: Cast) -> None:
    async with site.asking(**cast.wish) as (_, opened):
        for headers, token in ((None, ""), (None, "x"), (somebody(), opened["token"])):
            async with site.socket("/chats", headers) as socket:
                await socket.send(type="reprendre", chat_id=opened["chat_id"], token=token)
                assert await socket.closed() == 4404
                assert socket.seen == []
        path = f"/desk/chats/{opened['chat_id']}"
        with pytest.raises(InvalidStatus) as refused:
            async with site.socket(path, Cast("ailleurs").agent("Ali")):
                pass
        assert refused.value.response.status_code == 404


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/desk/chats/x", {}),
        ("/desk/chats/x", {"X-Desk": "metier", "X-Agent": "Ali"}),
        ("/desk/chats/x", {"X-Desk": "cuisine", "X-Agent": "Ali"}),
        ("/chats", {"X-Structure": "90000000100017"}),
        ("/chats", {"X-Structure": "90000000100017", "X-Role": "roi"}),
        ("/nulle-part", {}),
    ],
)
async def test_a_stranger_is_refused_before_the_socket_opens(
    site: Site, path: str, headers: dict[str, str]
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with site.socket(path, headers):
            pass

    assert refused.value.response.status_code == 401
    assert json.loads(refused.value.response.body or b"")["code"].startswith("HTTP-CALLER-")


async def test_a_lost_connection_is_resumed_from_the_last_rank_without_a_message_twice(
    site: Site, cast: Cast
) -> None:
    agent = cast.agent("Ali")
    async with site.asking(**cast.wish, text="un") as (socket, opened):
        await site.take(agent)
        assert [(await socket.next("ligne"))["rank"] for _ in range(2)] == [1, 2]
        # Sent, and the connection is lost before it is seen to have arrived.
        await socket.send(type="ecrire", text="deux", key="k2")
        socket.connection.transport.abort()
    async with site.socket(f"/desk/chats/{opened['chat_id']}?after=2", agent) as desk:
        await desk.send(type="ecrire", text="Vous êtes là ?")
        while (await desk.next("ligne"))["by"] != "bureau":
            pass
        resume = {"type": "reprendre", "chat_id": opened["chat_id"], "token": opened["token"]}
        async with site.socket("/chats") as again:
            await again.send(**resume, after=2)
            assert (await again.next("session"))["state"] == "EN_COURS"
            await again.send(type="ecrire", text="deux", key="k2")
            await again.send(type="ecrire", text="trois", key="k3")
            while (await again.next("ligne"))["text"] != "trois":
                pass
            told = [line["text"] for line in again.lines]
            assert sorted(told[:-1]) == ["Vous êtes là ?", "deux"]
            assert [line["rank"] for line in again.lines] == [3, 4, 5]
            await again.send(type="ecrire", text="autre chose", key="k3")
            assert (await again.next("refus"))["code"] == "SUP-TCHAT-09"


async def test_a_stop_closes_with_1012_and_a_kill_loses_nothing(site: Site, cast: Cast) -> None:
    agent, me = cast.agent("Ali"), somebody()
    async with AsyncExitStack() as stack:
        talking, opened = await stack.enter_async_context(
            site.asking(me, **cast.wish, text="gardé", key="a")
        )
        waiting, later = await stack.enter_async_context(site.asking(me, **cast.wish))
        await site.take(agent)
        os.kill(site.platform.pid("support"), signal.SIGTERM)
        assert await talking.closed() == await waiting.closed() == 1012
    await asyncio.to_thread(site.platform.restart, "support")
    log = site.platform.log("support").read_text()
    assert "Traceback" not in log
    assert "never retrieved" not in log

    resume = {"type": "reprendre", "chat_id": opened["chat_id"], "after": 1}
    async with site.socket("/chats", me) as socket:
        await socket.send(**resume)
        assert (await socket.next("ligne"))["kind"] == "prise_en_charge"
        await socket.send(type="ecrire", text="juste avant", key="b")
        await socket.next("ligne")
        site.platform.kill("support")
        assert await socket.closed() is None
    await asyncio.to_thread(site.platform.restart, "support")
    async with site.socket("/chats", me) as socket:
        await socket.send(**resume)
        await socket.send(type="ecrire", text="juste avant", key="b")
        await socket.send(type="ecrire", text="après", key="c")
        assert [(await socket.next("ligne"))["text"] for _ in range(3)] == [
            "Ali prend la conversation.", "juste avant", "après",
        ]  # fmt: skip
    async with site.socket("/chats", me) as socket:
        await socket.send(type="reprendre", chat_id=later["chat_id"])
        assert (await socket.next("file"))["position"] == 1


@pytest.mark.parametrize(
    "frame",
    [
        "pas du JSON",
        "[]",
        '{"type": "autre"}',
        '{"type": "ecrire", "text": 3}',
        '{"type": "ecrire", "text": "a", "plus": 1}',
        "[" * 20_000,
        b"\x00\x01",
    ],
)
async def test_what_is_no_frame_closes_the_socket_and_leaves_the_chat(
    site: Site, cast: Cast, frame: str | bytes
) -> None:
    me = somebody()
    async with site.asking(me, **cast.wish) as (socket, opened):
        await socket.connection.send(frame)
        assert (await socket.next("refus"))["code"] == "HTTP-FORM-01"
        assert await socket.closed() == 4400
    async with site.socket("/chats", me) as socket:
        await socket.connection.send(frame)
        assert await socket.closed() == 4400
    answer = await site.http.get(f"/chats/{opened['chat_id']}", headers=me)
    assert answer.json()["chat"]["state"] == "EN_ATTENTE"


async def test_a_message_too_large_too_long_or_too_soon_is_refused(site: Site, cast: Cast) -> None:
    me = somebody()
    async with site.asking(me, **cast.wish) as (socket, opened):
        for text, code in (
            ("x" * 2001, "SUP-TEXTE-02"),
            (" \n ", "SUP-TEXTE-01"),
            ("a\x00b", "SUP-TEXTE-03"),
            ("a\u202eb", "SUP-TEXTE-03"),
        ):
            await socket.send(type="ecrire", text=text, key="mauvais")
            refusal = await socket.next("refus")
            assert (refusal["code"], refusal["key"]) == (code, "mauvais")
        for rank in range(21):
            await socket.send(type="ecrire", text=f"message {rank}", key=str(rank))
        refusal = await socket.next("refus")
        assert (refusal["code"], refusal["key"]) == ("SUP-TCHAT-06", "20")
        await socket.connection.send("x" * 70_000)
        assert await socket.closed() == 1009
    answer = await site.http.get(f"/chats/{opened['chat_id']}", headers=me)
    assert len(answer.json()["lines"]) == 20


async def test_who_writes_on_though_refused_is_closed_and_the_chat_is_not(
    site: Site, cast: Cast
) -> None:
    me = somebody()
    async with site.asking(me, **cast.wish) as (socket, opened):
        for _ in range(21):
            await socket.send(type="ecrire", text="a\x00b")
        assert await socket.closed() == 4409
    assert [frame["type"] for frame in socket.seen].count("refus") == 20
    async with site.socket("/chats", me) as again:
        await again.send(type="reprendre", chat_id=opened["chat_id"])
        assert (await again.next("session"))["chat_id"] == opened["chat_id"]


async def test_who_repeats_a_message_without_end_is_closed_and_it_is_one_line(
    site: Site, cast: Cast
) -> None:
    me = somebody()
    async with site.asking(me, **cast.wish) as (socket, opened):
        for _ in range(21):
            await socket.send(type="ecrire", text="encore", key="k")
        assert await socket.closed() == 4409
    assert "refus" not in [frame["type"] for frame in socket.seen]
    async with site.socket("/chats", me) as again:
        await again.send(type="reprendre", chat_id=opened["chat_id"], after=1)
        for _ in range(20):
            await again.send(type="ecrire", text="encore", key="k")
        assert await again.closed() == 4409
    answer = await site.http.get(f"/chats/{opened['chat_id']}", headers=me)
    assert len(answer.json()["lines"]) == 1


async def test_one_structure_has_so_many_chats_at_once(site: Site, cast: Cast) -> None:
    me = somebody()
    async with AsyncExitStack() as stack:
        for _ in range(5):
            await stack.enter_async_context(site.asking(me, **cast.wish))
        async with site.socket("/chats", me) as socket:
            await socket.send(type="commencer", **cast.wish)
            assert (await socket.next("refus"))["code"] == "SUP-TCHAT-03"
            assert await socket.closed() == 4409
        async with site.asking(somebody(), **cast.wish) as (other, _):
            assert (await other.next("file"))["position"] == 6


async def test_a_wish_is_judged_like_a_ticket(site: Site) -> None:
    for wish, code in (
        ({"sub_category": "INCONNUE"}, "SUP-CATALOGUE-01"),
        ({"sub_category": "M_REFUS"}, "SUP-DESTINATAIRE-01"),
        ({"sub_category": "M_REFUS", "recipient": "nulle part"}, "SUP-DESTINATAIRE-02"),
    ):
        async with site.socket("/chats", somebody()) as socket:
            await socket.send(type="commencer", **wish)
            assert (await socket.next("refus"))["code"] == code
            assert await socket.closed() == 4409


async def test_a_desk_is_shown_its_queue_live_and_hands_a_chat_to_the_other(
    site: Site, cast: Cast
) -> None:
    agent, other = cast.agent("Ali"), {"X-Desk": "technique", "X-Agent": "Zo%C3%A9"}

    async def shown(watching: Socket, session: str) -> str | None:
        frame = await watching.next("conversations")
        states = {each["chat_id"]: each["state"] for each in frame["chats"]}
        return states.get(session)

    async with AsyncExitStack() as stack:
        watching = await stack.enter_async_context(site.socket("/desk/chats", agent))
        elsewhere = await stack.enter_async_context(site.socket("/desk/chats", other))
        assert (await watching.next("conversations"))["chats"] == []
        await elsewhere.next("conversations")
        # Without a word: no line of the transcript tells of it.
        me, opened = await stack.enter_async_context(site.asking(somebody(), **cast.wish))
        session, path = opened["chat_id"], f"/desk/chats/{opened['chat_id']}"
        assert await shown(watching, session) == "EN_ATTENTE"
        figures = (await site.http.get(site.http.base_url.join("/metrics"))).text
        assert 'aiguillage_sockets_open{route="/desk/chats"} 2.0' in figures
        await site.take(agent)
        assert await shown(watching, session) == "EN_COURS"

        desk = await stack.enter_async_context(site.socket(path, agent))
        body = {"desk": "technique", "reason": "C'est le dépôt."}
        for wrong, status, code in (
            ({**body, "reason": " "}, 422, "SUP-TEXTE-01"),
            ({**body, "desk": "metier"}, 422, "SUP-DESTINATAIRE-01"),
            (
                {**body, "desk": "metier", "recipient": {"structure": "x"}},
                422,
                "SUP-DESTINATAIRE-02",
            ),
        ):
            refused = await site.http.post(f"{path}/transfer", json=wrong, headers=agent)
            assert (refused.status_code, refused.json()["code"]) == (status, code)
        answer = await site.http.post(f"{path}/transfer", json=body, headers=agent)
        assert answer.status_code == 204

        assert await desk.closed() == 1000
        assert desk.lines[-1]["kind"] == "transfert"
        assert await shown(watching, session) is None
        assert await shown(elsewhere, session) == "EN_ATTENTE"
        assert (await site.http.get(path, headers=agent)).status_code == 404
        while (await me.next("ligne"))["kind"] != "transfert":
            pass
        assert (
            me.lines[-1]["text"]
            == "Ali passe la conversation au bureau technique : C'est le dépôt."
        )
        assert await site.take(other) == session
        assert (await me.next("ligne"))["kind"] == "prise_en_charge"
        await watching.send(type="ecrire", text="à qui ?")
        assert await watching.closed() == 4400


async def test_agents_who_take_at_once_take_different_chats(site: Site, cast: Cast) -> None:
    async with AsyncExitStack() as stack:
        opened = [
            (await stack.enter_async_context(site.asking(somebody(), **cast.wish)))[1]["chat_id"]
            for _ in range(4)
        ]
        taken = await asyncio.gather(*(site.take(cast.agent(f"agent-{i}")) for i in range(6)))

    assert sorted(each for each in taken if each) == sorted(opened)


async def refused_at(site: Site, headers: Mapping[str, str] | None) -> Json:
    async with site.socket("/chats", headers) as socket:
        await socket.send(type="commencer", text="Une question", sub_category="DEPOT")
        refusal = await socket.next("refus")
        assert await socket.closed() == 4409
    return refusal


async def test_what_goes_on_is_ended_when_the_chat_has_closed_and_holidays_are_refused(
    site: Site, cast: Cast
) -> None:
    """Last in the module: it lets days pass."""
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
    with Platform(
        choose().backend, services=["services.support"], clock_offset_s=offset
    ) as platform:
        url = platform.addresses.services["support"]
        async with (
            httpx.AsyncClient(base_url=url, timeout=scaled(30)) as http,
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
        async with httpx.AsyncClient(base_url=url, timeout=scaled(30)) as http:
            chat = (await http.get("/chats/hours")).json()
            opened = (await http.post("/agent/conversations")).json()
            path = f"/agent/conversations/{opened['id']}/messages"
            token = {"X-Conversation-Token": opened["token"]}
            reply = await http.post(path, json={"text": "xyzzy"}, headers=token)

    # Wednesday 14 July is a public holiday: Saturday comes next.
    assert chat["detail"] == "Le tchat est fermé. Il ouvre le samedi 17 juillet 2027 à 9 h 00."
    person = reply.json()["person"]
    assert person["is_open"] is chat["is_open"] is False
    assert datetime.fromisoformat(person["opens_at"]) == opens
