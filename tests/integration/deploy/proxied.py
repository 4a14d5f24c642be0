"""A service with all that a proxy could spoil: uploads, early refusals, SSE, WebSockets, ETags."""

import asyncio
from collections.abc import AsyncIterator

import uvicorn
from fastapi import APIRouter, FastAPI, Request, WebSocket
from fastapi.responses import JSONResponse, Response, StreamingResponse

from shared.runtime.settings import RuntimeSettings

BODY_MAX_BYTES = 40_000_000


def main() -> None:
    """Serve on the address of the environment."""
    settings = RuntimeSettings()
    uvicorn.run(
        build(),
        host=settings.host,
        port=settings.port,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=settings.proxies.split(),
    )


def build() -> FastAPI:
    """Make the application."""
    app = FastAPI()
    app.include_router(_exchanges())
    app.include_router(_streams())
    return app


def _exchanges() -> APIRouter:
    router = APIRouter()

    @router.get("/health/live")
    @router.get("/health/ready")
    def answer() -> None:
        """Say yes."""

    @router.post("/proxied/v1/uploads")
    async def count(request: Request) -> Response:
        """Count the bytes of a body, or refuse it by what it announces, before it is read."""
        if int(request.headers.get("content-length", 0)) > BODY_MAX_BYTES:
            # The server closes on the rest of the body, as one does that will not read it.
            return JSONResponse({}, 413, {"Connection": "close", "Retry-After": "7"})
        read = 0
        async for chunk in request.stream():
            read += len(chunk)
        return JSONResponse({"read": read}, headers={"ETag": '"1"'})

    @router.get("/proxied/v1/caller")
    def tell(request: Request) -> dict[str, str | None]:
        """Tell who calls, and what was asked for."""
        return {
            "address": request.client.host if request.client else None,
            "host": request.headers["host"],
            "path": request.scope["raw_path"].decode(),
        }

    return router


def _streams() -> APIRouter:
    router = APIRouter()
    goes_on, is_hanging = asyncio.Event(), asyncio.Event()

    @router.get("/proxied/v1/events")
    def stream() -> Response:
        """Stream one event, and a second one only after `POST /proxied/v1/second`."""

        async def events() -> AsyncIterator[str]:
            yield "data: first\n\n"
            await goes_on.wait()
            yield "data: second\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    @router.post("/proxied/v1/second")
    async def go_on() -> None:
        """Let the stream go on."""
        goes_on.set()

    @router.post("/proxied/v1/hang")
    async def hang() -> None:
        """Answer never."""
        is_hanging.set()
        await asyncio.Event().wait()

    @router.get("/proxied/v1/hanging")
    async def wait_for_hang() -> None:
        """Answer once somebody waits for an answer that never comes."""
        await is_hanging.wait()

    @router.websocket("/proxied/v1/echo")
    async def echo(socket: WebSocket) -> None:
        """Send back each message."""
        await socket.accept()
        while True:
            await socket.send_text(await socket.receive_text())

    return router


if __name__ == "__main__":
    main()
