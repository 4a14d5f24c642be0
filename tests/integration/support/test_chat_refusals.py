"""What the live chat refuses on a real platform: strangers, frames, messages, too many chats."""

import json
from contextlib import AsyncExitStack

import pytest
from websockets.exceptions import InvalidStatus

from tests.integration.support.chat_site import Cast, Site, somebody


async def test_a_stranger_is_refused_before_the_socket_opens(site: Site) -> None:
    token = {"Authorization": somebody()["Authorization"]}
    mine = {"X-Structure": somebody()["X-Structure"]}
    for path, headers, status, code in (
        ("/desk/chats/x", {}, 401, "HTTP-JETON-01"),
        ("/desk/chats/x", {"X-Desk": "technique"}, 401, "HTTP-JETON-01"),
        ("/desk/chats/x", token, 400, "HTTP-CALLER-04"),
        ("/desk/chats/x", {**token, "X-Desk": "metier"}, 400, "HTTP-CALLER-04"),
        ("/desk/chats/x", {**token, "X-Desk": "technique"}, 403, "HTTP-DROIT-06"),
        ("/desk/chats/x", {**token, "X-Desk": "cuisine"}, 400, "HTTP-CALLER-05"),
        ("/chats", {**mine, "X-Role": "titulaire"}, 401, "HTTP-JETON-01"),
        ("/chats", {**token, **mine, "X-Role": "roi"}, 400, "HTTP-CALLER-03"),
        ("/chats", {**token, **mine, "X-Role": "titulaire"}, 403, "HTTP-DROIT-01"),
        ("/nulle-part", {}, 401, "HTTP-JETON-01"),
    ):
        with pytest.raises(InvalidStatus) as refused:
            async with site.socket(path, headers):
                pass

        answer = refused.value.response
        said = (answer.status_code, json.loads(answer.body or b"")["code"])
        assert said == (status, code), (path, headers)


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
