"""Issuer on a real socket whose answers a test scripts: slow, huge, redirected or well-formed."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from joserfc.jwk import ECKey, RSAKey

DISCOVERY = "/.well-known/openid-configuration"
_CHUNK = b" " * 65536


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer to a request."""

    body: bytes = b""
    status: str = "200 OK"
    type: str = "application/json"
    headers: tuple[str, ...] = ()
    padding: int = 0
    """Blanks that are sent after the body."""
    byte_s: float = 0
    """Seconds before each byte of the body: an answer that comes, but slowly."""


@dataclass(slots=True)
class ScriptedIssuer:
    """Issuer of a test: its address, its answers by path, and what it was asked."""

    url: str
    replies: dict[str, Reply | None] = field(default_factory=dict)
    """None: the connection is closed without an answer."""
    asked: list[str] = field(default_factory=list)
    credentials: list[str] = field(default_factory=list)
    """Headers `Authorization` that it was shown."""
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """Answers wait until it is set."""

    def count(self, path: str) -> int:
        """Count the requests for a path."""
        return self.asked.count(path)

    def publish(self, *keys: RSAKey | ECKey, more: Sequence[Mapping[str, Any]] = ()) -> None:
        """Publish the public parts of keys, and other JWKs as they are."""
        listed = [*(each.as_dict(private=False) for each in keys), *more]
        self.reply_json("/jwks", {"keys": listed})

    def reply_json(self, path: str, value: object) -> None:
        """Answer a path by JSON."""
        self.replies[path] = Reply(json.dumps(value).encode())


@asynccontextmanager
async def run_issuer() -> AsyncIterator[ScriptedIssuer]:
    """Run an issuer within the block, with a discovery document and no keys."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await _answer(issuer, reader, writer)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    issuer = ScriptedIssuer(f"http://{host}:{port}")
    issuer.gate.set()
    issuer.reply_json(
        DISCOVERY,
        {
            "issuer": issuer.url,
            "jwks_uri": f"{issuer.url}/jwks",
            "userinfo_endpoint": f"{issuer.url}/userinfo",
        },
    )
    issuer.publish()
    try:
        yield issuer
    finally:
        server.close()


async def _answer(
    issuer: ScriptedIssuer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    path = head.split(" ")[1]
    issuer.asked.append(path)
    issuer.credentials += [
        line.partition(": ")[2]
        for line in head.split("\r\n")
        if line.lower().startswith("authorization:")
    ]
    # What it knows when it is asked, however late it answers.
    reply = issuer.replies.get(path, Reply(status="404 Not Found"))
    await issuer.gate.wait()
    if reply is None:
        return
    length = len(reply.body) + reply.padding
    lines = [
        f"HTTP/1.1 {reply.status}",
        f"content-type: {reply.type}",
        f"content-length: {length}",
        "connection: close",
        *reply.headers,
    ]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
    if reply.byte_s:
        for byte in reply.body:
            await asyncio.sleep(reply.byte_s)
            writer.write(bytes([byte]))
            await writer.drain()
    else:
        writer.write(reply.body)
    for _ in range(reply.padding // len(_CHUNK)):
        writer.write(_CHUNK)
        await writer.drain()
    await writer.drain()
