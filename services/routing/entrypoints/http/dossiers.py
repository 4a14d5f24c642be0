"""HTTP routes that read: a dossier, its audit trail, the awaited pieces of a structure."""

from datetime import UTC
from typing import Annotated

from fastapi import APIRouter, Path, Query

from services.routing.application.ports import Dossiers, Position
from services.routing.application.views import add_stamps, view_audit, view_dossier
from services.routing.domain.dossier import Dossier
from services.routing.entrypoints.http.answers import (
    AuditAnswer,
    AwaitedPiecesAnswer,
    DossierAnswer,
    ServiceCountAnswer,
    show_awaited_pieces,
)
from shared.contracts.texts import TypedText
from shared.runtime.web.caller import Caller
from shared.runtime.web.problems import build_form_violation, build_not_found, build_refused
from shared.runtime.web.request_validation import DescribedRoute
from shared.vocabulary.actors import Actor
from shared.vocabulary.dates import parse_moment
from shared.vocabulary.ids import has_id_form

_LIMIT = 50
_LONGEST = 200
DossierId = Annotated[str, TypedText(100), Path()]
Service = Annotated[str, TypedText(100)]
Cursor = Annotated[str, TypedText(150)]


def create_router(dossiers: Dossiers, level: int) -> APIRouter:
    """Build the routes."""
    routes = APIRouter(route_class=DescribedRoute, tags=["dossiers"])

    @routes.get("/dossiers/{dossier_id}", summary="Un dossier, vu par une de ses parties.")
    async def read_dossier(dossier_id: DossierId, who: Caller) -> DossierAnswer:
        dossier = await view_dossier(dossiers, dossier_id, who)
        if dossier is None:
            raise build_not_found(f"Dossier {dossier_id}", can_be_early=has_id_form(dossier_id))
        return DossierAnswer.of(dossier, level)

    @routes.get("/dossiers/{dossier_id}/audit", summary="Sa piste d'audit, vérifiée.")
    async def read_audit(dossier_id: DossierId, who: Caller) -> AuditAnswer:
        view = await view_audit(dossiers, dossier_id, who)
        if view is None:
            raise build_not_found(f"Dossier {dossier_id}", can_be_early=has_id_form(dossier_id))
        return AuditAnswer.of(view)

    @routes.get("/awaited-pieces", summary="Ce qui attend la structure appelante, du plus ancien.")
    async def list_awaited_pieces(
        who: Caller,
        service: Annotated[Service | None, Query()] = None,
        limit: Annotated[int, Query(ge=1, le=_LONGEST)] = _LIMIT,
        after: Annotated[Cursor | None, Query()] = None,
    ) -> AwaitedPiecesAnswer:
        # The service of a limited habilitation is the only one that it sees.
        actor = Actor(who.role, who.structure, who.service or service)
        found = await dossiers.list_awaited(actor, _read_cursor(after), limit + 1)
        counts = await dossiers.count_awaited(who.whole)
        page = found[:limit]
        views = [await add_stamps(dossiers, dossier) for dossier in page]
        return AwaitedPiecesAnswer(
            pieces=tuple(show_awaited_pieces(views, level)),
            services=tuple(
                ServiceCountAnswer(service=name, count=count)
                for name, count in counts.items()
                if who.covers_service(name)
            ),
            next=_write_cursor(page[-1]) if len(found) > limit else None,
        )

    return routes


def _write_cursor(last: Dossier) -> str | None:
    return f"{last.awaited.since.isoformat()}|{last.id}" if last.awaited else None


def _read_cursor(text: str | None) -> Position | None:
    if text is None:
        return None
    since, _, dossier_id = text.partition("|")
    try:
        moment = parse_moment(since).astimezone(UTC)
    except ValueError:
        raise build_refused([build_form_violation(["after"], "value_error", {})]) from None
    return Position(moment, dossier_id)
