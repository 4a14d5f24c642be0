"""Live chat on a real platform: queue, conversation, replicas, lost connections, transfer."""

import asyncio
import os
import signal
from contextlib import AsyncExitStack

import pytest
from websockets.exceptions import InvalidStatus

from tests.integration.support.chat_site import (
    THE_DAY_BEFORE,
    Cast,
    Site,
    Socket,
    a_twin,
    is_ready,
    offset_to,
    somebody,
    technical,
)
from tests.kit.waiting import wait_until


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
    agent = cast.agent("Marie D.")
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
        await site.http.get(url, headers=me | {"X-Role": "moe"}),
        await site.http.get(seen_by_desk, headers=Cast("ailleurs").agent("Ali")),
        await site.http.get(seen_by_desk, headers=technical("Ali")),
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
        os.kill(site.platform.get_pid("support"), signal.SIGTERM)
        assert await talking.closed() == await waiting.closed() == 1012
    await asyncio.to_thread(site.platform.restart, "support")
    log = site.platform.get_log("support").read_text()
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


async def test_a_desk_is_shown_its_queue_live_and_hands_a_chat_to_the_other(
    site: Site, cast: Cast
) -> None:
    agent, other = cast.agent("Ali"), technical("Zoé")

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


async def test_who_takes_again_what_has_left_the_desk_is_told_that_it_is_a_repeat(
    site: Site, cast: Cast
) -> None:
    agent, moved = cast.agent("Ali"), {"desk": "technique", "reason": "Un dépôt."}
    key = agent | {"Idempotency-Key": "suivante"}
    async with AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(site.asking(somebody(), **cast.wish))
        taken = (await site.http.post("/desk/chats/next", headers=key)).json()["chat_id"]
        done = await site.http.post(f"/desk/chats/{taken}/transfer", json=moved, headers=agent)
        again = await site.http.post("/desk/chats/next", headers=key)
        waiting = await site.take(agent)
        nobody = await site.http.post("/desk/chats/next", headers=agent)

    assert (done.status_code, again.status_code, nobody.status_code) == (204, 204, 204)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert waiting not in {None, taken}
    assert "Idempotency-Replayed" not in nobody.headers


async def test_an_agent_takes_and_transfers_once_with_a_key(site: Site, cast: Cast) -> None:
    agent = cast.agent("Ali")
    async with AsyncExitStack() as stack:
        _, first = await stack.enter_async_context(site.asking(somebody(), **cast.wish))
        _, second = await stack.enter_async_context(site.asking(somebody(), **cast.wish))
        key = {**agent, "Idempotency-Key": "suivante"}
        taken = [await site.http.post("/desk/chats/next", headers=key) for _ in range(2)]
        other = await site.take(agent)
        path, body = f"/desk/chats/{other}/transfer", {"desk": "technique", "reason": "Un dépôt."}
        moved = [
            await site.http.post(path, json=each, headers=key | {"Idempotency-Key": "passe"})
            for each in (body, body, body | {"reason": "Autre."})
        ]
        unkeyed = await site.http.post(path, json=body, headers=agent)

    assert [each.json()["chat_id"] for each in taken] == [first["chat_id"]] * 2
    assert taken[1].headers["Idempotency-Replayed"] == "true"
    assert other == second["chat_id"]
    assert [each.status_code for each in (*moved, unkeyed)] == [204, 204, 404, 404]
    assert moved[1].headers["Idempotency-Replayed"] == "true"
