"""WebSocket of the chat: reads frames of a party, sends lines and positions."""

import asyncio
from collections.abc import Coroutine
from contextlib import aclosing, suppress
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from services.support.chat.application.feed import ChatFeed
from services.support.chat.application.live_chat import LiveChat
from services.support.chat.application.ports import QueuePosition
from services.support.chat.domain.chat import Chat, Ending, Line, Message, Queue
from services.support.chat.entrypoints.frames import (
    NEXT,
    EndFrame,
    LineFrame,
    PositionFrame,
    QueueFrame,
    RefusalFrame,
    SessionFrame,
)
from shared.runtime.web.problems import build_form_violation
from shared.vocabulary.rules import Violation
from shared.vocabulary.tickets import Side

_USELESS_LIMIT = 20
"""Limit of refused or repeated messages on one connection; then it is closed."""
Frame = TypeVar("Frame")


class CloseCode(IntEnum):
    """Close codes of the WebSocket: those of RFC 6455, and our own from 4000 on."""

    ENDED = 1000
    UNREADABLE = 4400
    UNKNOWN = 4404
    TOO_LATE = 4408
    REFUSED = 4409


class CloseSocketError(Exception):
    """Closes the WebSocket with a code."""

    def __init__(self, code: CloseCode) -> None:
        """Take the close code."""
        super().__init__(code.name)
        self.code = code


class InvalidFrameError(ValueError):
    """A frame that cannot be parsed."""

    def __init__(self, violations: tuple[Violation, ...]) -> None:
        """Take the faults of the frame."""
        super().__init__("unreadable frame")
        self.violations = violations


@dataclass(frozen=True, slots=True)
class Party:
    """Party of a chat: the visitor, or an agent."""

    side: Side
    name: str = ""
    desk: Queue | None = None
    """Queue of the agent's desk; None for the visitor."""


async def receive_frame(socket: WebSocket, form: TypeAdapter[Frame]) -> Frame:
    """Receive and parse a frame. Raises InvalidFrameError and WebSocketDisconnect."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1006))
    try:
        return form.validate_json(message.get("text") or "")
    except ValidationError as error:
        raise InvalidFrameError(
            tuple(
                build_form_violation(
                    [str(part) for part in each["loc"]], each["type"], each.get("ctx", {})
                )
                for each in error.errors()
            )
        ) from error


async def send_frame(socket: WebSocket, frame: BaseModel) -> None:
    """Send a frame."""
    try:
        await socket.send_text(frame.model_dump_json())
    except RuntimeError as error:
        # Starlette raises this for a socket that was closed meanwhile.
        raise WebSocketDisconnect(1006) from error


async def serve_chat(
    socket: WebSocket,
    live_chat: LiveChat,
    feed: ChatFeed,
    chat: Chat,
    party: Party,
    after: int,
    token: str | None,
) -> None:
    """Serve a chat over an accepted WebSocket until it ends or the party leaves."""
    await send_frame(socket, SessionFrame.of(chat, token))
    await _run_until_one_ends(
        _read_frames(socket, live_chat, chat, party),
        _send_feed(socket, feed, chat, party, after),
    )


async def serve_queue(socket: WebSocket, feed: ChatFeed, queue: Queue) -> None:
    """Serve the queue of a desk over an accepted WebSocket, again at each change."""
    await _run_until_one_ends(_wait_for_disconnect(socket), _send_queue(socket, feed, queue))


async def _run_until_one_ends(*work: Coroutine[object, object, None]) -> None:
    """Run coroutines together until the first one ends, and raise what it raised."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def _wait_for_disconnect(socket: WebSocket) -> None:
    """Wait for the other side to disconnect: the feed of a queue takes no frames."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1006))
    raise CloseSocketError(CloseCode.UNREADABLE)


async def _send_queue(socket: WebSocket, feed: ChatFeed, queue: Queue) -> None:
    async with aclosing(feed.follow_queue(queue)) as states:
        async for chats in states:
            await send_frame(socket, QueueFrame.of(chats))


async def _read_frames(socket: WebSocket, live_chat: LiveChat, chat: Chat, party: Party) -> None:
    in_vain, rank = 0, chat.rank
    while True:
        frame = None
        try:
            frame = await receive_frame(socket, NEXT)
        except InvalidFrameError as error:
            await send_frame(socket, RefusalFrame.of(error.violations))
            raise CloseSocketError(CloseCode.UNREADABLE) from error
        if isinstance(frame, EndFrame):
            ending = Ending.BUREAU if party.side is Side.BUREAU else Ending.DEMANDEUR
            await live_chat.end(chat.id, ending, party.name, party.desk)
            continue
        message = Message(party.side, frame.text, party.name, frame.key, party.desk)
        outcome = await live_chat.write(chat.id, message)
        if not isinstance(outcome, Line):
            await send_frame(socket, RefusalFrame.of(outcome, key=frame.key))
        elif outcome.rank > rank:
            rank = outcome.rank
            continue
        in_vain += 1
        if in_vain >= _USELESS_LIMIT:
            # Each of them costs a transaction: a client that sends so many is not a person.
            raise CloseSocketError(CloseCode.REFUSED)


async def _send_feed(
    socket: WebSocket, feed: ChatFeed, chat: Chat, party: Party, after: int
) -> None:
    async with aclosing(feed.follow_chat(chat.id, after, party.desk)) as items:
        async for each in items:
            if isinstance(each, QueuePosition):
                await send_frame(socket, PositionFrame(position=each.position))
            else:
                await send_frame(socket, LineFrame.model_validate(each))
    if not feed.is_closing:
        raise CloseSocketError(CloseCode.ENDED)


async def close_socket(socket: WebSocket, code: CloseCode) -> None:
    """Close the WebSocket, unless the other side has closed it."""
    with suppress(RuntimeError, WebSocketDisconnect):
        await socket.close(code)
