"""HTTP routes and live streams (SSE) of statuses."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from services.notification.statuses.application.history import History, Scope, Subject
from services.notification.statuses.domain.entry import Entry
from services.notification.statuses.entrypoints.answers import (
    HistoryAnswer,
    HistoryEntryAnswer,
    PageAnswer,
)
from shared.contracts.texts import TypedText
from shared.rights.model import Requester
from shared.runtime.errors import is_transient
from shared.runtime.web.caller import Caller
from shared.runtime.web.connection_limit import ConnectionLimit, LimitReached
from shared.runtime.web.limits_route import Limit, ListLimits
from shared.runtime.web.problems import Problem, build_not_found, build_unavailable
from shared.runtime.web.request_validation import DescribedRoute
from shared.vocabulary.ids import has_id_form

_UNBUFFERED = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
_HEARTBEAT = ": rien de nouveau\n\n"
_RANK_LIMIT = 10**10
_MARK_LIMIT = 2**53
_AFTER = "Le repère de la dernière réponse ; 0 pour tout lire depuis le début."


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


def list_stream_limits(limit: ConnectionLimit) -> ListLimits:
    """Build what a caller reads of the limit of open streams, for the structure it has chosen."""

    async def list_limits(who: Requester) -> Sequence[Limit]:
        if who.structure is None:
            return ()
        counted = "Suivis en direct ouverts à la fois par la structure, dans ce processus"
        return [Limit("streams", counted, limit.each, limit.count(who.structure))]

    return list_limits


Seen = Annotated[
    int,
    Header(alias="Last-Event-ID", ge=0, lt=_RANK_LIMIT, description="Dernier « id » reçu."),
]


def create_router(history: History, limit: ConnectionLimit) -> APIRouter:
    """Build the routes."""
    router = APIRouter(route_class=DescribedRoute, tags=["statuts"])

    @router.get(
        "/statuses",
        name="list_statuses_by_mark",
        summary="Lire par repère tous les statuts que votre structure voit dans son rôle.",
    )
    async def read_forward(
        caller: Caller,
        after: Annotated[int, Query(ge=0, lt=_MARK_LIMIT, description=_AFTER)] = 0,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> PageAnswer:
        return PageAnswer.of(await history.read_forward(caller, after, limit))

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
