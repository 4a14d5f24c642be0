"""One WebSocket of the chat: what is written goes in, what is new comes out."""

import asyncio
from contextlib import aclosing, suppress
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from services.support.application.chat import ChatRoom, Position
from services.support.domain.chat import Chat, Ending, Line, Said
from services.support.entrypoints.chat_bodies import (
    NEXT,
    EndFrame,
    LineFrame,
    PositionFrame,
    RefusalFrame,
    SessionFrame,
)
from shared.runtime.problems import form_violation
from shared.vocabulary.rules import Violation
from shared.vocabulary.texts import plain
from shared.vocabulary.tickets import Side

Frame = TypeVar("Frame")


class Closing(IntEnum):
    """Why a WebSocket is closed: codes of RFC 6455, and our own from 4000 on."""

    ENDED = 1000
    UNREADABLE = 4400
    UNKNOWN = 4404
    TOO_LATE = 4408
    REFUSED = 4409


class ClosedError(Exception):
    """Closes a WebSocket with a code."""

    def __init__(self, code: Closing) -> None:
        """Name the code."""
        super().__init__(code.name)
        self.code = code


class UnreadableError(ValueError):
    """A frame that has not the form of any."""

    def __init__(self, violations: tuple[Violation, ...]) -> None:
        """Say what is wrong with it."""
        super().__init__("unreadable frame")
        self.violations = violations


@dataclass(frozen=True, slots=True)
class Party:
    """Who is at the other end."""

    side: Side
    name: str = ""


async def receive(socket: WebSocket, form: TypeAdapter[Frame]) -> Frame:
    """Wait for a frame. Raises UnreadableError, and WebSocketDisconnect when nobody is left."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1006))
    try:
        return form.validate_json(message.get("text") or "")
    except ValidationError as error:
        raise UnreadableError(
            tuple(
                form_violation(
                    [str(part) for part in each["loc"]], each["type"], each.get("ctx", {})
                )
                for each in error.errors()
            )
        ) from error


async def show(socket: WebSocket, frame: BaseModel) -> None:
    """Send a frame."""
    try:
        await socket.send_text(frame.model_dump_json())
    except RuntimeError as error:
        # The framework says so of a socket that has been closed meanwhile.
        raise WebSocketDisconnect(1006) from error


async def talk(
    socket: WebSocket, room: ChatRoom, chat: Chat, party: Party, after: int, token: str | None
) -> None:
    """Carry a chat over an accepted WebSocket until it ends or one of the two leaves."""
    await show(socket, SessionFrame.of(chat, token))
    reading = asyncio.create_task(_read(socket, room, chat, party))
    writing = asyncio.create_task(_write(socket, room, chat, party, after))
    try:
        done, _ = await asyncio.wait((reading, writing), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (reading, writing):
            task.cancel()
        await asyncio.gather(reading, writing, return_exceptions=True)
    for task in done:
        task.result()


async def _read(socket: WebSocket, room: ChatRoom, chat: Chat, party: Party) -> None:
    while True:
        frame = None
        try:
            frame = await receive(socket, NEXT)
        except UnreadableError as error:
            await show(socket, RefusalFrame.of(error.violations))
            raise ClosedError(Closing.UNREADABLE) from error
        if isinstance(frame, EndFrame):
            ending = Ending.BUREAU if party.side is Side.BUREAU else Ending.DEMANDEUR
            await room.end(chat.id, ending, party.name)
            continue
        said = Said(party.side, plain(frame.text), party.name, frame.key)
        outcome = await room.say(chat.id, said)
        if not isinstance(outcome, Line):
            await show(socket, RefusalFrame.of(outcome, key=frame.key))


async def _write(socket: WebSocket, room: ChatRoom, chat: Chat, party: Party, after: int) -> None:
    async with aclosing(
        room.follow(chat.id, after, is_issuer=party.side is Side.DEMANDEUR)
    ) as news:
        async for each in news:
            if isinstance(each, Position):
                await show(socket, PositionFrame(position=each.position))
            else:
                await show(socket, LineFrame.model_validate(each))
    if not room.is_closing:
        raise ClosedError(Closing.ENDED)


async def closed_with(socket: WebSocket, code: Closing) -> None:
    """Close, unless the other side was faster."""
    with suppress(RuntimeError, WebSocketDisconnect):
        await socket.close(code)
