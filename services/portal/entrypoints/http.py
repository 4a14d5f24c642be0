"""HTTP routes of portal: search, dashboard, fiscal list."""

import re
from collections.abc import AsyncIterator, Mapping
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from services.portal.application.fiscal_lists import FiscalLists
from services.portal.application.ports import Sheet, SheetFullError
from services.portal.application.searches import Searches
from services.portal.domain import rules
from services.portal.domain.criteria import Range
from services.portal.domain.fiscal import judge_period
from services.portal.entrypoints.answers import (
    DashboardAnswer,
    FiscalListAnswer,
    PieceChangesAnswer,
    PiecesAnswer,
)
from services.portal.entrypoints.cursor import read_cursor
from services.portal.entrypoints.requests import (
    ChangesQuery,
    ClosedQuery,
    FiscalListQuery,
    SearchQuery,
)
from shared.runtime.web.caller import Caller
from shared.runtime.web.problems import build_refused
from shared.runtime.web.request_validation import DescribedRoute
from shared.vocabulary.actors import Actor

_MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_FILES = {
    200: {
        "description": "Les totaux ; ou la liste, selon `format`.",
        "content": {
            media.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
            for media in _MEDIA_TYPES.values()
        },
    }
}


def create_router(searches: Searches, lists: FiscalLists, sheets: Mapping[str, Sheet]) -> APIRouter:
    """Build the routes."""
    router = APIRouter(route_class=DescribedRoute, tags=["portail"])

    @router.get("/pieces", summary="Chercher des pièces, du dépôt le plus récent au plus ancien.")
    async def search_pieces(viewer: Caller, asked: Annotated[SearchQuery, Query()]) -> PiecesAnswer:
        if violations := list(asked.judge()):
            raise build_refused(violations)
        after = read_cursor(asked.after)
        page = await searches.search_page(viewer, asked.to_criteria(), after, asked.limit)
        return PiecesAnswer.of(page, viewer.whole)

    @router.get(
        "/pieces/changes",
        summary="Lire les pièces nouvelles ou changées depuis un repère, sans en manquer aucune.",
    )
    async def read_piece_changes(
        viewer: Caller, asked: Annotated[ChangesQuery, Query()]
    ) -> PieceChangesAnswer:
        changes = await searches.read_changes(viewer, asked.after, asked.limit)
        return PieceChangesAnswer.of(changes, viewer.whole)

    @router.get(
        "/dashboard", summary="Compter ses pièces, par statut, et ce qui attend l'appelant."
    )
    async def read_dashboard(viewer: Caller, _: Annotated[ClosedQuery, Query()]) -> DashboardAnswer:
        return DashboardAnswer.of(await searches.count_pieces(viewer))

    @router.get(
        "/fiscal-list",
        summary="Lister ce que l'appelant a déposé et reçu dans une période, avec les totaux.",
        response_model=FiscalListAnswer,
        responses=_FILES,  # type: ignore[arg-type]
    )
    async def read_fiscal_list(
        viewer: Caller, asked: Annotated[FiscalListQuery, Query()]
    ) -> FiscalListAnswer | StreamingResponse:
        period = Range(asked.deposited_from, asked.deposited_to)
        if violations := judge_period(period):
            raise build_refused(violations)
        if asked.format == "json":
            return FiscalListAnswer.of(viewer, asked, await lists.add_up(viewer, period))
        chunks = sheets[asked.format].write(lists.list_tables(viewer, period))
        return StreamingResponse(
            await _start_stream(chunks),
            media_type=_MEDIA_TYPES[asked.format],
            headers={"Content-Disposition": f'attachment; filename="{_build_name(viewer, asked)}"'},
        )

    return router


async def _start_stream(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Read the first chunk of a stream, so that an early error is answered as a problem."""
    try:
        first = await anext(chunks, b"")
    except SheetFullError:
        raise build_refused([rules.SHEET_FULL.build_violation("format")]) from None

    async def whole() -> AsyncIterator[bytes]:
        yield first
        async for chunk in chunks:
            yield chunk

    return whole()


def _build_name(viewer: Actor, asked: FiscalListQuery) -> str:
    structure = re.sub(r"[^0-9A-Za-z-]", "_", viewer.structure)
    return f"liste-fiscale-{structure}-{asked.deposited_from}-{asked.deposited_to}.{asked.format}"
