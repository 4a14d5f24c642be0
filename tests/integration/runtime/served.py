"""A small application, served as services are served in a process of its own."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import uvicorn
import uvloop
from fastapi import APIRouter, FastAPI, File, Response, UploadFile, WebSocket
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from shared.contracts.public_paths import build_public_prefix
from shared.runtime.settings import RuntimeSettings
from shared.runtime.web.app import create_app
from shared.runtime.web.request_validation import DescribedRoute
from shared.runtime.web.server import build_body_limits, build_server_config
from tests.kit.fake_access import build_ports, build_rights
from tests.kit.web_limits import build_caller_limits

PREFIX = build_public_prefix("essai")
OPEN, MINE = "/open/files", "/files"


class _Word(BaseModel):
    text: str


def _router() -> APIRouter:
    router = APIRouter(route_class=DescribedRoute)
    _add_bodies(router)
    _add_answers(router)
    return router


def _add_bodies(router: APIRouter) -> None:
    async def keep(attachments: Annotated[list[UploadFile], File()]) -> int:
        return sum([len(await each.read()) for each in attachments])

    router.post(OPEN, name="keep_open")(keep)
    router.post(MINE, name="keep_mine")(keep)

    @router.post("/words")
    async def say(word: _Word) -> str:
        return word.text


def _add_answers(router: APIRouter) -> None:
    @router.get("/open/large")
    async def large(megabytes: int) -> Response:
        return Response(bytes(megabytes * 1024 * 1024))

    @router.get("/open/parts")
    async def parts(megabytes: int) -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(megabytes * 16):
                yield bytes(64 * 1024)

        return StreamingResponse(pieces())

    @router.get("/open/live")
    async def live() -> StreamingResponse:
        async def beats() -> AsyncIterator[bytes]:
            while True:
                yield b": beat\n\n"
                await asyncio.sleep(0.2)

        return StreamingResponse(beats(), media_type="text/event-stream")

    @router.websocket("/open/socket")
    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        while True:
            await socket.send_text(await socket.receive_text())


@asynccontextmanager
async def _no_lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield


async def _nothing_missing() -> list[str]:
    return []


def main() -> None:
    """Serve on the port and with the settings that the one argument gives as JSON."""
    settings = RuntimeSettings.model_validate_json(sys.argv[1])
    router = _router()
    open_paths = [path for _, path in build_rights([router]) if path.startswith("/open/")]
    app = create_app(
        "essai",
        title="essai",
        description="",
        routers=[router],
        readiness=_nothing_missing,
        is_started=lambda: True,
        lifespan=_no_lifespan,
        access=build_ports(),
        rights=build_rights([router], dict.fromkeys(open_paths, "public")),
        uploads={OPEN: 12, MINE: 130},
        body_limits=build_body_limits(settings),
        requests_each=settings.connections_each,
        caller_limits=build_caller_limits(),
        proxies=settings.proxies.split(),
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(uvicorn.Server(build_server_config(app, settings)).serve())


if __name__ == "__main__":
    main()
