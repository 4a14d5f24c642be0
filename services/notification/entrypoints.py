"""HTTP routes and live streams (SSE) of statuses; Kafka handler that stores them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import APIRouter, Depends, Header, Path
from fastapi.responses import StreamingResponse
from pydantic import Field
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from services.notification.application import History, Scope, Subject, build_entry
from services.notification.domain import Entry
from shared.answers.answer import Answer
from shared.answers.pieces import ActorAnswer, StatusAnswer, StructureAnswer
from shared.circuit.labels import label_cadre
from shared.circuit.motives import find_motive_label
from shared.contracts.envelope import Event
from shared.contracts.texts import TypedText
from shared.runtime.errors import is_transient
from shared.runtime.messaging.inbox import Handler
from shared.runtime.store.database import Transaction
from shared.runtime.web.caller import Caller
from shared.runtime.web.connection_limit import ConnectionLimit, LimitReached
from shared.runtime.web.problems import Problem, build_not_found, build_unavailable
from shared.runtime.web.request_validation import DescribedRoute
from shared.vocabulary.ids import has_id_form
from shared.vocabulary.labels import STATUSES
from shared.vocabulary.roles import Role

_UNBUFFERED = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
_HEARTBEAT = ": rien de nouveau\n\n"
_RANK_LIMIT = 10**10

Keep = Callable[[Transaction, Sequence[Entry]], Awaitable[None]]


def keep_statuses(keep: Keep) -> Handler:
    """Build the handler that stores the statuses of a batch of events."""

    async def handle(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        await keep(transaction, [build_entry(event.sequence or 0, event.data) for event in events])

    return handle


class HistoryEntryAnswer(StatusAnswer):
    """A status that a piece took."""

    sequence: int = Field(description="Rang parmi les statuts du dossier ; « id » dans le flux.")
    at: datetime
    by: ActorAnswer | None = Field(description="Qui a agi ; absent quand c'est la plateforme.")
    motive: str | None
    motive_label: str | None
    comment: str | None
    parties: dict[Role, StructureAnswer] = Field(
        description="Les parties du dossier d'alors, par rôle."
    )

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """Show a status."""
        return cls(
            sequence=entry.sequence,
            dossier_id=entry.dossier_id,
            piece_id=entry.piece_id,
            cadre=entry.cadre,
            cadre_label=label_cadre(entry.cadre),
            number=entry.number,
            status=entry.status,
            status_label=STATUSES[entry.status],
            at=entry.at,
            by=ActorAnswer.of_actor(entry.by) if entry.by else None,
            motive=entry.motive,
            motive_label=find_motive_label(entry.motive) if entry.motive else None,
            comment=entry.comment,
            parties={
                each.role: StructureAnswer(structure=each.structure) for each in entry.parties
            },
        )


class HistoryAnswer(Answer):
    """The statuses of a dossier or of a piece, oldest first."""

    statuses: list[HistoryEntryAnswer]


class EventStream(StreamingResponse):
    """Response of Server-Sent Events (SSE).

    FastAPI's own class raises when a client leaves while an event is being sent (0.165).
    """

    media_type = "text/event-stream"

    def __init__(self, frames: AsyncIterator[str], release: Callable[[], None]) -> None:
        """Send `frames`; call `release` when the client has gone or nothing is left to send."""
        super().__init__(frames, headers=_UNBUFFERED)
        self._release = release

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Send the events, then release the connection."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._release()


def _refuse_stream(reached: LimitReached) -> Problem:
    """Build the problem that refuses a stream over a limit."""
    if reached is LimitReached.SERVICE:
        return build_unavailable("NOT-STREAM-01", "Trop de suivis en direct sont déjà ouverts.")
    return Problem(
        429,
        "NOT-STREAM-02",
        "Votre structure a déjà ouvert autant de suivis en direct qu'elle peut : en fermer un.",
        headers={"Retry-After": "30"},
    )


Seen = Annotated[
    int,
    Header(alias="Last-Event-ID", ge=0, lt=_RANK_LIMIT, description="Dernier « id » reçu."),
]


def create_router(history: History, limit: ConnectionLimit) -> APIRouter:
    """Build the routes."""
    router = APIRouter(route_class=DescribedRoute, tags=["statuts"])
    _add_routes(router, history, limit, Scope.DOSSIER, "/dossiers", "Dossier")
    _add_routes(router, history, limit, Scope.PIECE, "/pieces", "Pièce")
    return router


def _add_routes(
    router: APIRouter,
    history: History,
    limit: ConnectionLimit,
    scope: Scope,
    prefix: str,
    word: str,
) -> None:
    name = f"{scope}_id"
    id_type = Annotated[str, TypedText(100), Path(alias=name)]

    async def read_history(caller: Caller, subject: id_type) -> tuple[Entry, ...]:
        found = await history.read(caller, Subject(scope, subject))
        if found is None:
            raise build_not_found(f"{word} {subject}", can_be_early=has_id_form(subject))
        return found

    @router.get(
        f"{prefix}/{{{name}}}/statuses",
        name=f"list_{scope}_statuses",
        summary=f"{word} : les statuts, du plus ancien au plus récent.",
    )
    async def list_statuses(
        found: Annotated[tuple[Entry, ...], Depends(read_history)],
    ) -> HistoryAnswer:
        return HistoryAnswer(statuses=[HistoryEntryAnswer.of(entry) for entry in found])

    @router.get(
        f"{prefix}/{{{name}}}/statuses/stream",
        name=f"stream_{scope}_statuses",
        summary=f"{word} : les statuts, puis chaque nouveau dès qu'il est connu.",
        response_class=EventStream,
        status_code=200,
        dependencies=[Depends(read_history)],
    )
    async def stream_statuses(caller: Caller, subject: id_type, seen: Seen = 0) -> EventStream:
        release = limit.acquire(caller.structure)
        if isinstance(release, LimitReached):
            raise _refuse_stream(release)
        entries = history.follow(caller, Subject(scope, subject), seen)
        return EventStream(_format_frames(entries), release)


async def _format_frames(entries: AsyncIterator[Entry | None]) -> AsyncIterator[str]:
    try:
        async for entry in entries:
            yield _format_frame(entry) if entry else _HEARTBEAT
    except Exception as error:
        # The client reconnects by itself, from the last id that it received.
        if not is_transient(error):
            raise


def _format_frame(entry: Entry) -> str:
    data = HistoryEntryAnswer.of(entry).model_dump_json()
    return f"id: {entry.sequence}\nevent: statut\ndata: {data}\n\n"
