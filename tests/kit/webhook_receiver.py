"""Webhook receiver (HTTP, HTTPS): records what comes, and behaves as the path of a request says.

    python -m tests.kit.webhook_receiver PORT

The first part of a path is a behaviour, the second its value where it has one, the rest is free:

- `/accept/…`: 204
- `/status/410/…`: this status
- `/slow/60/…`: 204 after so many seconds
- `/fail/3/…`: 500 three times, then 204
- `/signed/…`: 204 where the signature is valid by `secrets` of the path, else 401
- `/redirect/…`: 301 to itself
- `/close-before/…`, `/close-after/…`: closes the connection before, after it has read the body
- `/endless-body/…`, `/endless-headers/…`, `/endless-hints/…` (103): never ends
- `/dribble/…`, `/dribble-body/…`: a byte a second, from the status line on, or of the body
- `/no-http/…`: answers what is no HTTP

`PUT /behaviours` with JSON, `{"/accept/moe": "status/500"}`, makes a path behave as another. `PUT
/secrets` sets the secrets of paths. `GET /received?after=N` answers all but the first N requests,
as JSON.
"""

import asyncio
import json
import ssl
import subprocess
import sys
import threading
import time
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import parse_qs, urlsplit

import httpx
from standardwebhooks import Webhook, WebhookVerificationError

from deploy.local.ports import HOST, find_free_port
from deploy.local.programs import ROOT

_HEAD_LIMIT = 64 * 1024
_TEXT = {204: "No Content", 301: "Moved Permanently"}
_FILLING = b"x" * 4096


@dataclass(frozen=True, slots=True)
class Received:
    """One request that was read whole."""

    path: str
    headers: Mapping[str, str]
    """By names in lower case."""
    body: bytes
    at: float
    """When its body had come, in seconds since 1970."""
    connection: int
    """Number of the connection on which it came."""

    @property
    def message_id(self) -> str:
        """The header `webhook-id`."""
        return self.headers["webhook-id"]


@dataclass(slots=True)
class WebhookReceiver:
    """Server of webhooks within a loop of its own. Its lists may be read from other threads."""

    requests: list[Received] = field(default_factory=list)
    behaviours: dict[str, str] = field(default_factory=dict)
    """Paths that behave as another path than their own."""
    secrets: dict[str, Sequence[str]] = field(default_factory=dict)
    """Secrets of the paths that need a signature: one of them must have signed."""
    hangs_up: bool = False
    """Whether connections are closed before anything is read."""
    connections: int = 0
    ended: int = 0
    """Connections that were closed."""
    left: int = 0
    """Answers without an end from which the other side has gone away."""
    port: int = 0
    scheme: str = "http"
    _counts: Counter[str] = field(default_factory=Counter)

    def build_url(self, path: str, host: str = HOST) -> str:
        """Build the URL of a path."""
        return f"{self.scheme}://{host}:{self.port}{path}"

    def list_requests(self, path: str) -> list[Received]:
        """List the requests for a path."""
        return [each for each in list(self.requests) if each.path == path]

    def verify(self, received: Received) -> bool:
        """Whether one of the secrets of the path has signed a request."""
        for secret in self.secrets.get(received.path, ()):
            with suppress(WebhookVerificationError):
                Webhook(secret).verify(received.body, dict(received.headers), json_parse=False)
                return True
        return False

    async def serve(
        self, port: int = 0, tls: ssl.SSLContext | None = None, hosts: Sequence[str] = (HOST,)
    ) -> asyncio.Server:
        """Listen on these addresses; `port` 0 takes a free one."""
        server = await asyncio.start_server(
            self._converse, hosts, port, ssl=tls, limit=_HEAD_LIMIT, backlog=1000
        )
        self.port = server.sockets[0].getsockname()[1]
        self.scheme = "https" if tls else "http"
        return server

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        try:
            while not self.hangs_up and await self._answer(reader, writer, number):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.ended += 1
            writer.transport.abort()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> bool:
        """Answer one request; return whether the connection goes on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *lines = head.strip().split("\r\n")
        method, path, _ = line.split(" ")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (each.partition(":") for each in lines)
        }
        name, _, value = self.behaviours.get(path, path).strip("/").partition("/")
        if name == "close-before":
            return False
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if method != "POST":
            await _send(writer, 200, self._control(method, path, body))
            return True
        received = Received(path, headers, body, time.time(), number)
        self.requests.append(received)
        value = value.partition("/")[0]
        return await _BEHAVIOURS[name](_Exchange(self, received, writer, value))

    def _control(self, method: str, path: str, body: bytes) -> bytes:
        if method == "PUT":
            if path == "/secrets":
                self.secrets.update(json.loads(body))
            else:
                self.behaviours.update(json.loads(body))
            return b"{}"
        after = int(parse_qs(urlsplit(path).query).get("after", ["0"])[0])
        return json.dumps([_dump(each) for each in self.requests[after:]]).encode()

    def count(self, path: str) -> int:
        """Count a request for a path; return its rank."""
        self._counts[path] += 1
        return self._counts[path]


@dataclass(frozen=True, slots=True)
class _Exchange:
    receiver: WebhookReceiver
    received: Received
    writer: asyncio.StreamWriter
    value: str


async def _accept(exchange: _Exchange) -> bool:
    await _send(exchange.writer, 204)
    return True


async def _state(exchange: _Exchange) -> bool:
    await _send(exchange.writer, int(exchange.value))
    return True


async def _delay(exchange: _Exchange) -> bool:
    await asyncio.sleep(float(exchange.value))
    return await _accept(exchange)


async def _fail(exchange: _Exchange) -> bool:
    rank = exchange.receiver.count(exchange.received.path)
    await _send(exchange.writer, 500 if rank <= int(exchange.value) else 204)
    return True


async def _verify(exchange: _Exchange) -> bool:
    is_valid = exchange.receiver.verify(exchange.received)
    await _send(exchange.writer, 204 if is_valid else 401)
    return True


async def _redirect(exchange: _Exchange) -> bool:
    url = exchange.receiver.build_url(exchange.received.path)
    await _send(exchange.writer, 301, headers=f"location: {url}\r\n")
    return True


async def _close(exchange: _Exchange) -> bool:
    del exchange
    return False


async def _speak_no_http(exchange: _Exchange) -> bool:
    exchange.writer.write(b"220 smtp.example.fr ESMTP\r\n\r\n")
    await exchange.writer.drain()
    return False


async def _fill_body(exchange: _Exchange) -> bool:
    chunk = b"%x\r\n%b\r\n" % (len(_FILLING), _FILLING)
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    return await _send_endlessly(exchange, head, lambda _: chunk)


async def _fill_headers(exchange: _Exchange) -> bool:
    return await _send_endlessly(
        exchange, b"HTTP/1.1 200 OK\r\n", lambda rank: b"x-%d: %b\r\n" % (rank, _FILLING[:100])
    )


async def _hint(exchange: _Exchange) -> bool:
    hint = b"HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n"
    return await _send_endlessly(exchange, b"", lambda _: hint)


async def _dribble(exchange: _Exchange) -> bool:
    return await _dribble_bytes(exchange, b"HTTP/1.1 200 OK\r\nx-a: " + _FILLING)


async def _dribble_body(exchange: _Exchange) -> bool:
    exchange.writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4096\r\n\r\n")
    return await _dribble_bytes(exchange, _FILLING)


_BEHAVIOURS: Mapping[str, Callable[[_Exchange], Awaitable[bool]]] = {
    "accept": _accept,
    "status": _state,
    "slow": _delay,
    "fail": _fail,
    "signed": _verify,
    "redirect": _redirect,
    "close-after": _close,
    "endless-body": _fill_body,
    "endless-headers": _fill_headers,
    "endless-hints": _hint,
    "dribble": _dribble,
    "dribble-body": _dribble_body,
    "no-http": _speak_no_http,
}
"""Behaviours: each answers a request, and returns whether the connection goes on."""


async def _send(
    writer: asyncio.StreamWriter, status: int, body: bytes = b"", headers: str = ""
) -> None:
    length = "" if status == 204 else f"content-length: {len(body)}\r\n"
    head = f"HTTP/1.1 {status} {_TEXT.get(status, 'Status')}\r\n{length}{headers}\r\n"
    writer.write(head.encode() + body)
    await writer.drain()


async def _send_endlessly(exchange: _Exchange, head: bytes, build: Callable[[int], bytes]) -> bool:
    exchange.writer.write(head)
    try:
        for rank in count():
            exchange.writer.write(build(rank))
            await exchange.writer.drain()
            # `drain` gives way only when the buffer is full.
            await asyncio.sleep(0)
    except OSError:
        exchange.receiver.left += 1
    return False


async def _dribble_bytes(exchange: _Exchange, text: bytes) -> bool:
    try:
        for each in text:
            exchange.writer.write(bytes([each]))
            await exchange.writer.drain()
            await asyncio.sleep(1)
    except OSError:
        exchange.receiver.left += 1
    return False


def _dump(received: Received) -> dict[str, object]:
    return {
        "path": received.path,
        "headers": dict(received.headers),
        "body": b64encode(received.body).decode(),
        "at": received.at,
        "connection": received.connection,
    }


@contextmanager
def open_webhook_receiver(
    tls: ssl.SSLContext | None = None, port: int = 0
) -> Iterator[WebhookReceiver]:
    """Serve webhooks on loopback, in a thread. `port` is one of before, for one that comes back."""
    receiver = WebhookReceiver()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="webhook receiver")
    thread.start()
    try:
        server = asyncio.run_coroutine_threadsafe(receiver.serve(port, tls), loop).result()
        try:
            yield receiver
        finally:
            asyncio.run_coroutine_threadsafe(_end(server), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for each in tasks:
        each.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class RemoteReceiver:
    """Client of a receiver in a process of its own."""

    url: str
    pid: int

    def build_url(self, path: str) -> str:
        """Build the URL of a path."""
        return f"{self.url}{path}"

    def list_requests(self, after: int = 0) -> list[Received]:
        """List all requests but the first ones."""
        found = httpx.get(f"{self.url}/received", params={"after": after}, trust_env=False).json()
        return [Received(**{**each, "body": b64decode(each["body"])}) for each in found]

    def set_behaviours(self, behaviours: Mapping[str, str]) -> None:
        """Make paths behave as others."""
        httpx.put(f"{self.url}/behaviours", json=dict(behaviours), trust_env=False)

    def set_secrets(self, secrets: Mapping[str, Sequence[str]]) -> None:
        """Set the secrets of paths."""
        httpx.put(f"{self.url}/secrets", json=dict(secrets), trust_env=False)


@contextmanager
def run_webhook_receiver() -> Iterator[RemoteReceiver]:
    """Run a receiver in a process of its own within the block."""
    port = find_free_port()
    command = [sys.executable, "-m", "tests.kit.webhook_receiver", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield RemoteReceiver(f"http://{HOST}:{port}", process.pid)
        finally:
            process.kill()


async def main() -> None:
    """Serve on a port of loopback until the process ends."""
    async with await WebhookReceiver().serve(int(sys.argv[1])) as server:
        print("ready", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
