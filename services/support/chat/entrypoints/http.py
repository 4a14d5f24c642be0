"""Routes of the chat: WebSocket for live messages and queues, HTTP for all other requests."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Response
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket

from services.support.access.domain.parties import Asker
from services.support.access.entrypoints.authentication import Agent, DeskAgent, MaybeAsker
from services.support.access.entrypoints.requests import Id, Token
from services.support.chat.application.feed import ChatFeed
from services.support.chat.application.live_chat import LiveChat
from services.support.chat.application.ports import StartedChat, TakenChat
from services.support.chat.application.visitors import Visitor
from services.support.chat.domain.chat import Chat, ChatTransfer, Queue
from services.support.chat.entrypoints.answers import (
    DeskChatAnswer,
    DeskQueueAnswer,
    HoursAnswer,
    TranscriptAnswer,
)
from services.support.chat.entrypoints.first_frame_limit import FirstFrameLimit
from services.support.chat.entrypoints.frames import (
    FIRST,
    OPEN_TICKETS,
    RANK_LIMIT,
    TICKETS,
    BeginFrame,
    RefusalFrame,
    ResumeFrame,
)
from services.support.chat.entrypoints.socket import (
    CloseCode,
    CloseSocketError,
    InvalidFrameError,
    Party,
    close_socket,
    receive_frame,
    send_frame,
    serve_chat,
    serve_queue,
)
from services.support.desks.domain import rules
from services.support.tickets.domain.prefill import Prefill, cut_title
from services.support.tickets.entrypoints.answers import PrefillAnswer
from services.support.tickets.entrypoints.requests import TransferRequest
from shared.runtime.web.addresses import read_address
from shared.runtime.web.connection_limit import ConnectionLimit, LimitReached
from shared.runtime.web.idempotency import IdempotencyKey, mark_replay
from shared.runtime.web.problems import Problem, build_not_found, build_refused, build_unavailable
from shared.runtime.web.request_validation import DescribedRoute
from shared.vocabulary.tickets import Side

_OPEN = "Le tchat est ouvert."
_NONE_TAKEN = (
    "Personne n'attend. Avec `Idempotency-Replayed` : la conversation prise avec cette clé n'est "
    "plus à ce bureau."
)


def _refuse_connection(reached: LimitReached) -> Problem:
    """Build the problem that refuses a connection over a limit."""
    if reached is LimitReached.SERVICE:
        return build_unavailable("SUP-TCHAT-SIEGE-01", "Trop de tchats sont déjà ouverts ici.")
    return Problem(
        429,
        "SUP-TCHAT-SIEGE-02",
        "Vous avez déjà autant de connexions au tchat que possible : en fermer une.",
        headers={"Retry-After": "30"},
    )


def identify_visitor(connection: HTTPConnection, who: MaybeAsker) -> Visitor:
    """Identify the visitor, with or without an account."""
    return Visitor(who, read_address(connection))


IdentifiedVisitor = Annotated[Visitor, Depends(identify_visitor)]


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """Limits of connections: in number, and while they have sent no first frame."""

    connections: ConnectionLimit
    first_frame: FirstFrameLimit


def create_chat_router(
    live_chat: LiveChat, feed: ChatFeed, known: SocketLimits, strangers: SocketLimits
) -> APIRouter:
    """Build the routes of visitors, with separate limits for those without an account."""
    router = APIRouter(route_class=DescribedRoute, prefix="/chats", tags=["tchat"])

    async def find_own_chat(
        who: MaybeAsker,
        chat_id: Id,
        x_chat_token: Annotated[Token, Header(description="Sans compte.")] = "",
    ) -> Chat:
        chat = await live_chat.find_for_visitor(chat_id, who, x_chat_token)
        if chat is None:
            raise build_not_found("Conversation")
        return chat

    own_chat = Annotated[Chat, Depends(find_own_chat)]

    @router.get("/hours", summary="Le tchat est-il ouvert ? Sinon, quand ouvre-t-il ?")
    async def read_chat_hours(who: MaybeAsker) -> HoursAnswer:
        people, found = live_chat.find_availability(), live_chat.check_opening()
        return HoursAnswer(
            is_open=people.is_open,
            opens_at=people.opens_at,
            detail=found[0].message if found else _OPEN,
            ticket_link=_choose_ticket_link(who),
        )

    @router.get("/{chat_id}", summary="Relire une conversation.")
    async def read_chat(chat: own_chat) -> TranscriptAnswer:
        return TranscriptAnswer.of(chat, await live_chat.list_lines(chat))

    @router.get("/{chat_id}/ticket", summary="Un ticket prérempli avec la conversation.")
    async def prefill_ticket_from_chat(chat: own_chat) -> PrefillAnswer:
        return PrefillAnswer.model_validate(await live_chat.prefill_ticket(chat))

    @router.websocket("")
    async def open_chat(socket: WebSocket, visitor: IdentifiedVisitor) -> None:
        limits = known if visitor.asker else strangers
        async with _accept(socket, limits.connections, visitor.owner):
            chat, token, after = await _start_or_resume(
                socket, live_chat, visitor, limits.first_frame
            )
            await serve_chat(socket, live_chat, feed, chat, Party(Side.DEMANDEUR), after, token)

    return router


def create_chat_desk_router(
    live_chat: LiveChat, feed: ChatFeed, limit: ConnectionLimit
) -> APIRouter:
    """Build the routes of the desks."""
    router = APIRouter(route_class=DescribedRoute, prefix="/desk/chats", tags=["bureaux"])

    async def find_desk_chat(agent: Agent, chat_id: Id) -> Chat:
        chat = await live_chat.find_for_desk(chat_id, _find_agent_queue(agent))
        if chat is None:
            raise build_not_found("Conversation")
        return chat

    desk_chat = Annotated[Chat, Depends(find_desk_chat)]

    @router.get("", summary="Qui attend, dans l'ordre, puis les conversations en cours.")
    async def list_desk_chats(agent: Agent) -> DeskQueueAnswer:
        return DeskQueueAnswer.of(await live_chat.list_queue(_find_agent_queue(agent)))

    @router.websocket("")
    async def watch_desk_chats(socket: WebSocket, agent: Agent) -> None:
        async with _accept(socket, limit, _name_holder(agent)):
            await serve_queue(socket, feed, _find_agent_queue(agent))

    _add_desk_acts(router, live_chat)

    @router.get("/{chat_id}", summary="Lire une conversation.")
    async def read_desk_chat(chat: desk_chat) -> TranscriptAnswer:
        return TranscriptAnswer.of(chat, await live_chat.list_lines(chat))

    @router.websocket("/{chat_id}")
    async def join_chat(
        socket: WebSocket,
        agent: Agent,
        chat: desk_chat,
        after: Annotated[int, Query(ge=0, lt=RANK_LIMIT)] = 0,
    ) -> None:
        async with _accept(socket, limit, _name_holder(agent)):
            party = Party(Side.BUREAU, agent.name, _find_agent_queue(agent))
            await serve_chat(socket, live_chat, feed, chat, party, after, None)

    return router


def _add_desk_acts(router: APIRouter, live_chat: LiveChat) -> None:
    @router.post(
        "/next",
        summary="Prendre la conversation qui attend depuis le plus longtemps.",
        response_model=DeskChatAnswer,
        responses={204: {"description": _NONE_TAKEN}},
    )
    async def take_next_chat(
        agent: Agent, response: Response, idempotency_key: IdempotencyKey = None
    ) -> DeskChatAnswer | Response:
        queue = _find_agent_queue(agent)
        taken = await live_chat.take_next(queue, agent.name, idempotency_key)
        if not isinstance(taken, TakenChat):
            raise build_refused(taken)
        answer = DeskChatAnswer.of(taken.chat) if taken.chat else Response(status_code=204)
        mark_replay(answer if isinstance(answer, Response) else response, is_replay=taken.is_replay)
        return answer

    @router.post(
        "/{chat_id}/transfer",
        status_code=204,
        summary="Passer une conversation à un autre bureau, et dire pourquoi.",
    )
    async def transfer_chat(
        agent: Agent,
        chat_id: Id,
        body: TransferRequest,
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> None:
        queue = _find_agent_queue(agent)
        transfer = ChatTransfer(agent.name, queue, _find_target_queue(body), body.reason)
        is_here = await live_chat.find_for_desk(chat_id, queue) is not None
        result = await live_chat.transfer(chat_id, transfer, idempotency_key)
        mark_replay(response, is_replay=result.is_replay)
        found = result.violations
        # A chat that is not here can be transferred by nobody but a repeated request.
        if found and not is_here:
            raise build_not_found("Conversation")
        if found:
            raise build_refused(found, 409 if found[0].field == "chat_id" else 422)


@asynccontextmanager
async def _accept(socket: WebSocket, limit: ConnectionLimit, holder: str) -> AsyncIterator[None]:
    """Accept a WebSocket within the connection limit; close it with the code that the block raises.

    Raises a problem over the limit.
    """
    release: Callable[[], None] | LimitReached = limit.acquire(holder)
    if isinstance(release, LimitReached):
        raise _refuse_connection(release)
    try:
        await socket.accept()
        try:
            yield
        except CloseSocketError as closed:
            await close_socket(socket, closed.code)
    finally:
        release()


async def _start_or_resume(
    socket: WebSocket, live_chat: LiveChat, visitor: Visitor, limit: FirstFrameLimit
) -> tuple[Chat, str | None, int]:
    """Start or resume a chat, as the first frame says. Raises CloseSocketError."""
    try:
        async with limit.count_silent():
            frame = await receive_frame(socket, FIRST)
    except TimeoutError:
        raise CloseSocketError(CloseCode.TOO_LATE) from None
    except InvalidFrameError as error:
        await send_frame(socket, RefusalFrame.of(error.violations))
        raise CloseSocketError(CloseCode.UNREADABLE) from error
    if isinstance(frame, ResumeFrame):
        chat = await live_chat.find_for_visitor(frame.chat_id, visitor.asker, frame.token)
        if chat is None:
            raise CloseSocketError(CloseCode.UNKNOWN)
        return chat, None, frame.after
    outcome = await live_chat.start(visitor, frame.to_domain())
    if not isinstance(outcome, StartedChat):
        is_closed = outcome[0].code == rules.CLOSED.code
        await send_frame(
            socket,
            RefusalFrame.of(
                outcome,
                key=frame.key,
                opens_at=live_chat.find_availability().opens_at if is_closed else None,
                ticket=_prefill_from_frame(frame),
                ticket_link=_choose_ticket_link(visitor.asker),
            ),
        )
        raise CloseSocketError(CloseCode.REFUSED)
    return outcome.chat, outcome.token, 0


def _prefill_from_frame(frame: BeginFrame) -> Prefill:
    return Prefill(cut_title(frame.text), frame.text, frame.sub_category, None)


def _choose_ticket_link(who: Asker | None) -> str:
    return TICKETS if who else OPEN_TICKETS


def _find_target_queue(body: TransferRequest) -> Queue:
    recipient = body.to_recipient()
    return Queue(body.desk, recipient.structure if recipient else None)


def _name_holder(agent: DeskAgent) -> str:
    return f"{_find_agent_queue(agent).name}|{agent.name}"


def _find_agent_queue(agent: DeskAgent) -> Queue:
    return Queue(agent.desk, agent.structure)
