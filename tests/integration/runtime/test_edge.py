"""Strangers who hold connections, heads, bodies or answers: others are answered all the same."""

import asyncio
import json
import os
import re
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from shared.vocabulary.sizes import MEGABYTE
from tests.integration.runtime.served import MINE, OPEN, PREFIX
from tests.kit.fake_access import ME
from tests.kit.waiting import scale_timeout, wait_until

ROOT = Path(__file__).parents[3]
NAMED = "".join(f"{name}: {value}\r\n" for name, value in ME.items())
LIMIT_S = 60.0
"""Far over every limit of the server under test: whoever waits so long was not cut."""
FORM = b'--b\r\nContent-Disposition: form-data; name="attachments"; filename="a.bin"\r\n\r\n'
HEAD = (
    f"POST {PREFIX}{{path}} HTTP/1.1\r\nHost: x\r\n"
    "Content-Type: multipart/form-data; boundary=b\r\n"
)


@dataclass
class Served:
    """The server, and what it shows."""

    port: int
    pid: int

    async def open(
        self, sent: str | bytes = b""
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect and send something."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(sent.encode() if isinstance(sent, str) else sent)
        return reader, writer

    async def ask(self, sent: str | bytes) -> bytes:
        """Send something and read to the end of the connection."""
        reader, writer = await self.open(sent)
        try:
            async with asyncio.timeout(scale_timeout(LIMIT_S)):
                return await _to_the_end(reader)
        finally:
            writer.close()

    def client(self) -> httpx.AsyncClient:
        """Call like a good client."""
        return httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}{PREFIX}",
            headers=ME,
            timeout=scale_timeout(LIMIT_S),
        )

    async def figure(self, name: str, **labels: str) -> float:
        """Read one figure."""
        async with self.client() as http:
            text = (await http.get(http.base_url.join("/metrics"))).text
        wanted = ",".join(f'{key}="{value}"' for key, value in labels.items())
        series = re.escape(f"{name}{{{wanted}}}" if wanted else name)
        found = re.search(rf"^{series} (.*)$", text, re.MULTILINE)
        return float(found[1]) if found else 0

    def temporary_bytes(self) -> int:
        """Weigh the files that it holds open and that have no name."""
        total = 0
        for each in Path(f"/proc/{self.pid}/fd").iterdir():
            if "(deleted)" in os.path.realpath(each):
                total += each.stat().st_size
        return total


async def _to_the_end(reader: asyncio.StreamReader) -> bytes:
    got = bytearray()
    try:
        while part := await reader.read(65536):
            got += part
    except ConnectionResetError:
        pass
    return bytes(got)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


@asynccontextmanager
async def served(**settings: object) -> AsyncIterator[Served]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    chosen = {"kafka": "k", "mongo": "m", "port": port, "log_level": "ERROR", **settings}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.runtime.served", json.dumps(chosen), cwd=ROOT
    )
    there = Served(port, process.pid)
    try:

        async def answers() -> bool:
            async with there.client() as http:
                return (await http.get(http.base_url.join("/health/live"))).status_code == 200

        await wait_until(answers, "the server answers", LIMIT_S)
        yield there
    finally:
        process.kill()
        await process.wait()


QUICK = {
    "head_timeout_s": 1.5,
    "body_grace_s": 1.5,
    "body_timeout_s": 8,
    "body_timeout_open_s": 8,
    "answer_timeout_s": 1.5,
    "upload_wait_s": 6,
}


@pytest.fixture(scope="module")
async def edge() -> AsyncIterator[Served]:
    async with served(**QUICK) as there:
        yield there


async def test_1200_heads_that_never_end_leave_a_place_for_others() -> None:
    async with served(head_timeout_s=600) as there, AsyncExitStack() as stack:
        for n in range(1200):
            _, writer = await there.open(f"GET /{n} HTTP/1.1\r\nX-Slow: ")
            stack.callback(writer.close)
        async with there.client() as http:
            for _ in range(3):
                assert (await http.post("/words", json={"text": "a"})).json() == "a"

        # The one that asks is the 501st.
        assert await there.figure("aiguillage_connections_open") <= 501
        assert await there.figure("aiguillage_connections_cut_total", reason="crowded") >= 700


async def test_connections_of_an_address_are_bounded_whatever_they_do() -> None:
    async with served(connections_each=20) as there, AsyncExitStack() as stack:
        for _ in range(20):
            reader, writer = await there.open(f"GET {PREFIX}/open/live HTTP/1.1\r\nHost: x\r\n\r\n")
            stack.callback(writer.close)
            assert status(await reader.readline()) == 200

        answer = await there.ask(b"")

    assert status(answer) == 429
    assert b"retry-after: " in answer.lower()


async def test_a_named_proxy_is_no_address() -> None:
    async with served(connections_each=3, proxies="127.0.0.1") as there, AsyncExitStack() as stack:
        for _ in range(10):
            reader, writer = await there.open(f"GET {PREFIX}/open/live HTTP/1.1\r\nHost: x\r\n\r\n")
            stack.callback(writer.close)
            assert status(await reader.readline()) == 200


async def test_requests_of_a_client_behind_a_proxy_are_bounded_streams_and_sockets_too() -> None:
    def ask(client: str, path: str) -> str:
        return f"GET {PREFIX}{path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {client}\r\n"

    one, other = "198.51.100.1", "198.51.100.2"
    async with served(connections_each=3, proxies="127.0.0.1") as there, AsyncExitStack() as stack:
        streams = []
        for _ in range(2):
            reader, writer = await there.open(ask(one, "/open/live") + "\r\n")
            stack.callback(writer.close)
            assert status(await reader.readline()) == 200
            streams.append(writer)
        url = f"ws://127.0.0.1:{there.port}{PREFIX}/open/socket"
        headers = {"X-Forwarded-For": one}
        await stack.enter_async_context(connect(url, additional_headers=headers, proxy=None))

        async def status_for(client: str) -> int:
            reader, writer = await there.open(ask(client, "/open/large?megabytes=0") + "\r\n")
            stack.callback(writer.close)
            return status(await reader.readline())

        assert await status_for(one) == 429
        with pytest.raises(InvalidStatus) as refused:
            await connect(url, additional_headers=headers, proxy=None)
        assert refused.value.response.status_code == 429
        assert await status_for(other) == 200
        streams[0].close()

        async def is_freed() -> bool:
            return await status_for(one) == 200

        await wait_until(is_freed, "what has ended counts no more")


async def test_a_full_server_says_so() -> None:
    async with served(connections=10) as there, AsyncExitStack() as stack:
        for _ in range(10):
            reader, writer = await there.open(f"GET {PREFIX}/open/live HTTP/1.1\r\nHost: x\r\n\r\n")
            stack.callback(writer.close)
            assert status(await reader.readline()) == 200

        assert status(await there.ask(b"")) == 503


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"", 0),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", 408),
        (b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\nGET /health", 200),
        (b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n\r\n", 200),
    ],
)
async def test_a_head_has_a_deadline(edge: Served, sent: bytes, expected: int) -> None:
    assert status(await edge.ask(sent)) == expected


async def test_blank_lines_are_no_request(edge: Served) -> None:
    reader, writer = await edge.open(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")

    async def drip() -> None:
        while not reader.at_eof():
            writer.write(b"\r\n")
            await asyncio.sleep(0.1)

    async with asyncio.timeout(scale_timeout(LIMIT_S)):
        dripping = asyncio.create_task(drip())
        assert status(await _to_the_end(reader)) == 200
        dripping.cancel()


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nX-Long: " + b"x" * 100_000,
        b"GET /" + b"x" * 100_000,
        b"GET / HTTP/1.1\r\n" + b"".join(b"x-%d: y\r\n" % n for n in range(10_000)),
        b"GET / HTTP/1.1\r\n" + b"a:\r\n" * 101,
    ],
)
async def test_a_head_is_bounded(edge: Served, head: bytes) -> None:
    before = await edge.figure("aiguillage_connections_cut_total", reason="head size")

    answer = await edge.ask(head + b"\r\n\r\n")

    assert status(answer) in {431, 0}
    assert await edge.figure("aiguillage_connections_cut_total", reason="head size") > before


async def test_trailers_are_no_head(edge: Served) -> None:
    head = "POST /words HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    head += "Content-Type: application/json\r\nConnection: close\r\n\r\n"
    body = '9\r\n{"text":1\r\n0\r\n'

    answer = await edge.ask(head + body + NAMED + "\r\n")
    endless = await edge.ask(head + NAMED + "\r\n" + body + "a: b\r\n" * 10_000 + "\r\n")

    assert status(answer) == 401
    assert status(endless) in {0, 401, 422, 431}


async def test_many_requests_in_a_row_are_answered_or_cut(edge: Served) -> None:
    one = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"

    few = await edge.ask(one * 5)
    many = await edge.ask(one * 5000)

    assert few.count(b"HTTP/1.1 200") == 5
    assert many.count(b"HTTP/1.1 200") < 5000
    assert (await edge.ask(one)).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(("path", "is_open"), [(OPEN, True), (MINE, False), ("/words", False)])
async def test_a_body_that_stops_has_a_deadline(edge: Served, path: str, is_open: bool) -> None:
    head = HEAD.format(path=path) + ("" if is_open else NAMED) + "Content-Length: 1000\r\n\r\n"
    if path == "/words":
        head = head.replace("multipart/form-data; boundary=b", "application/json")

    answer = await edge.ask(head.encode() + FORM[:20])

    assert status(answer) == 408
    assert b"problem+json" in answer
    await wait_until(lambda: edge.temporary_bytes() == 0, "no file is left")


async def test_a_body_that_drips_has_a_deadline(edge: Served) -> None:
    head = HEAD.format(path=OPEN) + "Transfer-Encoding: chunked\r\n\r\n"
    reader, writer = await edge.open(head.encode() + b"%x\r\n%b\r\n" % (len(FORM), FORM))

    async def drip() -> None:
        while not reader.at_eof():
            writer.write(b"1\r\nx\r\n")
            await asyncio.sleep(0.1)

    async with asyncio.timeout(scale_timeout(LIMIT_S)):
        dripping = asyncio.create_task(drip())
        assert status(await _to_the_end(reader)) == 408
        dripping.cancel()


async def test_a_body_without_end_is_cut_at_its_limit(edge: Served) -> None:
    head = HEAD.format(path=OPEN) + "Transfer-Encoding: chunked\r\n\r\n"
    reader, writer = await edge.open(head.encode() + b"%x\r\n%b\r\n" % (len(FORM), FORM))
    answer = asyncio.create_task(_to_the_end(reader))
    chunk = b"10000\r\n" + bytes(65536) + b"\r\n"

    sent = 0
    while sent < 200 * MEGABYTE and not answer.done():
        writer.write(chunk)
        sent += 65536
        try:
            await writer.drain()
        except ConnectionError:
            break

    async with asyncio.timeout(scale_timeout(LIMIT_S)):
        assert status(await answer) in {413, 0}
    await wait_until(lambda: edge.temporary_bytes() == 0, "no file is left")


async def test_an_answered_request_need_not_send_the_rest_for_ever(edge: Served) -> None:
    head = HEAD.format(path=OPEN) + f"Content-Length: {900 * MEGABYTE}\r\n\r\n"

    answer = await edge.ask(head)

    assert status(answer) == 413


async def test_30_endless_uploads_leave_room_for_others_and_little_on_disk() -> None:
    limits = QUICK | {"uploads_open_mb": 48, "body_grace_s": 3, "upload_wait_s": 30}
    async with served(**limits) as there, AsyncExitStack() as stack:
        head = HEAD.format(path=OPEN) + "Transfer-Encoding: chunked\r\n\r\n"
        most = 11 * MEGABYTE
        for _ in range(30):
            _, writer = await there.open(head.encode() + b"%x\r\n%b\r\n" % (len(FORM), FORM))
            stack.callback(writer.close)
            writer.write(b"%x\r\n" % most + bytes(most) + b"\r\n")
        form = {"attachments": ("a.bin", bytes(100_000))}
        async with there.client() as http:
            mine = await http.post(MINE, files=form)
            other = await http.post(OPEN, files=form)
            live = await http.get(http.base_url.join("/health/live"))

        assert (mine.json(), live.status_code) == (100_000, 200)
        # A quarter is for one address, and small ones come first.
        assert other.json() == 100_000
        assert there.temporary_bytes() <= 12 * MEGABYTE
        await wait_until(
            lambda: _reaches(there, "aiguillage_bodies_refused_total", 1, reason="slow"),
            "the first is cut",
            LIMIT_S,
        )


async def _reaches(there: Served, name: str, least: float, **labels: str) -> bool:
    return await there.figure(name, **labels) >= least


async def test_a_refused_upload_is_not_asked_to_go_on(edge: Served) -> None:
    head = HEAD.format(path=OPEN) + "Expect: 100-continue\r\nConnection: close\r\n"

    too_large = await edge.ask(
        head + f"Content-Length: {20 * MEGABYTE}\r\nConnection: close\r\n\r\n"
    )
    stranger = await edge.ask(
        head.replace(OPEN, MINE) + "Content-Length: 9\r\nConnection: close\r\n\r\n"
    )
    reader, writer = await edge.open(head + f"Content-Length: {len(FORM) + 10}\r\n\r\n")
    line = await reader.readline()
    await reader.readline()
    writer.write(FORM + b"x\r\n--b--\r\n")
    last = await reader.readline()
    writer.close()

    assert (status(too_large), status(stranger)) == (413, 401)
    assert line == b"HTTP/1.1 100 Continue\r\n"
    assert status(last) == 200


@pytest.mark.parametrize(
    ("lie", "statuses"),
    [
        (-10, {400}),
        (10, {408}),
        ("-5", {400}),
        ("5, 6", {400}),
        ("99999999999999999999999", {400, 413}),
    ],
)
async def test_a_length_that_lies_keeps_nothing(
    edge: Served, lie: int | str, statuses: set[int]
) -> None:
    body = FORM + b"x\r\n--b--\r\n"
    length = str(len(body) + lie) if isinstance(lie, int) else lie
    head = HEAD.format(path=OPEN) + f"Content-Length: {length}\r\nConnection: close\r\n\r\n"

    assert status(await edge.ask(head.encode() + body)) in statuses


@pytest.mark.parametrize("path", ["/open/large", "/open/parts"])
async def test_a_client_that_does_not_read_its_answer_is_cut(edge: Served, path: str) -> None:
    reader, writer = await edge.open(f"GET {PREFIX}{path}?megabytes=60 HTTP/1.1\r\nHost: x\r\n\r\n")
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    before = await edge.figure("aiguillage_connections_cut_total", reason="answer unread")

    await wait_until(
        lambda: _reaches(
            edge, "aiguillage_connections_cut_total", before + 1, reason="answer unread"
        ),
        "it is cut",
        LIMIT_S,
    )
    writer.close()
    assert not reader.at_eof()


async def test_a_client_that_reads_slowly_and_well_is_not_cut(edge: Served) -> None:
    reader, writer = await edge.open(
        f"GET {PREFIX}/open/large?megabytes=8 HTTP/1.1\r\nHost: x\r\n\r\n"
    )
    got = 0
    while got < 8 * MEGABYTE:
        part = await reader.read(65536)
        assert part, "the connection was cut"
        got += len(part)
        await asyncio.sleep(0.03)
    writer.close()


async def test_live_views_and_sockets_outlast_every_deadline(edge: Served) -> None:
    reader, writer = await edge.open(f"GET {PREFIX}/open/live HTTP/1.1\r\nHost: x\r\n\r\n")
    async with connect(f"ws://127.0.0.1:{edge.port}{PREFIX}/open/socket") as talking:
        # Five times the longest deadline of a head, at five beats a second.
        for _ in range(40):
            await reader.readuntil(b": beat\n\n")
        await talking.send("a")
        assert await talking.recv() == "a"
    writer.close()


async def test_what_is_closed_is_forgotten(edge: Served) -> None:
    async with connect(f"ws://127.0.0.1:{edge.port}{PREFIX}/open/socket"):
        pass
    await edge.ask(b"no http\r\n\r\n")

    await wait_until(lambda: _is_alone(edge), "only the one that asks is open", LIMIT_S)


async def _is_alone(there: Served) -> bool:
    return await there.figure("aiguillage_connections_open") == 1


def words(upgrade: str, body: str, *more: str) -> tuple[str, str]:
    """Head and body of a POST that offers an upgrade."""
    lines = (
        f"POST {PREFIX}/words HTTP/1.1",
        "Host: x",
        NAMED.strip(),
        "Content-Type: application/json",
        "Connection: Upgrade, HTTP2-Settings",
        f"Upgrade: {upgrade}",
        "HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA",
        f"Content-Length: {len(body)}",
        *more,
    )
    return "\r\n".join(lines) + "\r\n\r\n", body


@pytest.mark.parametrize("upgrade", ["h2c", "foo", "websocket", "WebSocket"])
@pytest.mark.parametrize("are_apart", [False, True])
async def test_an_upgrade_that_is_not_made_leaves_the_body_a_body(
    edge: Served, upgrade: str, *, are_apart: bool
) -> None:
    head, body = words(upgrade, '{"text": "facture"}')
    last = f"GET {PREFIX}/open/large?megabytes=0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    before = await edge.figure("aiguillage_connections_open")
    reader, writer = await edge.open(head if are_apart else head + body + last)
    if are_apart:
        await asyncio.sleep(0.2)
        writer.write(body.encode())
        await asyncio.sleep(0.2)
        writer.write(last.encode())

    async with asyncio.timeout(scale_timeout(LIMIT_S)):
        answers = await _to_the_end(reader)
    writer.close()

    assert answers.count(b"HTTP/1.1 200 ") == answers.count(b"HTTP/1.1 ") == 2
    assert b'"facture"' in answers
    assert await edge.figure("aiguillage_connections_open") <= before + 1


async def test_a_body_behind_an_upgrade_is_no_second_request(edge: Served) -> None:
    inner = f"GET {PREFIX}/open/large?megabytes=0 HTTP/1.1\r\nHost: x\r\n\r\n"
    head, body = words("foo", inner, "Connection: close")
    reader, writer = await edge.open(head)
    await asyncio.sleep(0.2)
    writer.write(body.encode())

    async with asyncio.timeout(scale_timeout(LIMIT_S)):
        answers = await _to_the_end(reader)
    writer.close()

    # The one answer is about the body, which is no JSON.
    assert (status(answers), answers.count(b"HTTP/1.1 ")) == (422, 1)


async def test_a_websocket_with_a_body_holds_no_connection(edge: Served) -> None:
    head = (
        f"GET {PREFIX}/open/socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nContent-Length: 1\r\n\r\n"
    )

    # No such WebSocket, and a path that is not there needs a token.
    assert status(await edge.ask(head + "a")) == 401
    assert status(await edge.ask(head)) in {401, 408}


async def test_a_websocket_behind_a_request_in_progress_takes_no_place_for_ever() -> None:
    plain = f"GET {PREFIX}/open/large?megabytes=0 HTTP/1.1\r\nHost: x\r\n\r\n"
    handshake = (
        f"GET {PREFIX}/open/socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    async with served(connections_each=5) as there, AsyncExitStack() as stack:
        for _ in range(20):
            answers = await there.ask(plain + handshake)
            assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200", b"401"]
        for _ in range(5):
            reader, writer = await there.open(f"GET {PREFIX}/open/live HTTP/1.1\r\nHost: x\r\n\r\n")
            stack.callback(writer.close)
            assert status(await reader.readline()) == 200

        assert status(await there.ask(b"")) == 429


async def test_a_tunnel_is_refused(edge: Served) -> None:
    assert status(await edge.ask("CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n")) == 400


@pytest.mark.parametrize("path", ["large?megabytes=200", "parts?megabytes=200", "live"])
async def test_a_connection_serves_on_after_head_of_what_is_large_or_has_no_end(
    edge: Served, path: str
) -> None:
    head = f"HEAD {PREFIX}/open/{path} HTTP/1.1\r\nHost: x\r\n\r\n"
    get = f"GET {PREFIX}/openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    answer = await edge.ask(head + get)

    first, second, body = answer.split(b"\r\n\r\n", 2)
    assert (status(first), status(second)) == (200, 200)
    assert (b"content-length: 209715200" in first) is path.startswith("large")
    assert json.loads(body)["info"]["title"] == "essai"
