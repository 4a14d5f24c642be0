"""A body that could not come whole in time is cut as soon as that shows, not at the end."""

import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest
from starlette.types import Message, Receive, Scope, Send

from shared.runtime.web.body_limits import BodyLimit, BodyPaths
from shared.runtime.web.paths import PathPrefixes
from shared.runtime.web.problems import UnreadableError
from tests.kit.web_limits import BODY_LIMITS

_PIECE = 1024 * 1024
_PIECES = 20
_LIMITS = replace(BODY_LIMITS, timeout_s=900, grace_s=0.3, slowest_kb_s=8)


async def _taken(announced_mb: int) -> int:
    """Send pieces of a megabyte, far above the least rate, and give how many are taken."""
    taken = 0

    async def receive() -> Message:
        await asyncio.sleep(0.05)
        return {"type": "http.request", "body": bytes(_PIECE), "more_body": True}

    async def read(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
        nonlocal taken
        for _ in range(_PIECES):
            await receive()
            taken += 1

    async def send(message: Message) -> None:
        raise AssertionError(message)

    scope = {
        "type": "http",
        "path": "/pieces",
        "headers": [
            (b"content-type", b"multipart/form-data; boundary=x"),
            (b"content-length", str(announced_mb * _PIECE).encode()),
        ],
    }
    limited = BodyLimit(
        read, paths=BodyPaths(lambda _: False, {PathPrefixes("/pieces"): 10**6}), limits=_LIMITS
    )
    with suppress(UnreadableError):
        await limited(scope, receive, send)
    return taken


@pytest.mark.parametrize(("announced_mb", "is_whole"), [(100, True), (900_000, False)])
async def test_what_is_announced_says_how_fast_it_must_come(
    announced_mb: int, is_whole: bool
) -> None:
    # 20 MB a second: enough for 100 MB in 900 s, and not for 900 GB.
    assert (await _taken(announced_mb) == _PIECES) is is_whole
