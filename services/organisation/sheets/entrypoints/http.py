"""HTTP routes of sheets, for the structure whose marchés they are."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from services.organisation.accounts.entrypoints.acts import KeyedAct, Own, UnkeyedAct
from services.organisation.sheets.application.ports import Sheets, Workbooks
from services.organisation.sheets.application.sheets import SheetRegistry
from services.organisation.sheets.entrypoints.answers import (
    SheetAnswer,
    SheetsAnswer,
    SheetSummaryAnswer,
    SheetVersionsAnswer,
)
from services.organisation.sheets.entrypoints.outcomes import (
    find_sheet,
    require_done,
    show,
    show_done,
)
from services.organisation.sheets.entrypoints.requests import (
    SheetId,
    SheetRequest,
    SheetsQuery,
    SheetVersionsQuery,
    VersionRank,
)
from services.organisation.sheets.entrypoints.workbooks import add_workbook_routes
from shared.runtime.web.etags import Matching
from shared.runtime.web.problems import build_not_found
from shared.runtime.web.request_validation import DescribedRoute

_WHOLE = "La fiche entière : ce qui est absent est vide."


def create_sheets_router(
    sheets: Sheets, registry: SheetRegistry, workbooks: Workbooks
) -> APIRouter:
    """Build the routes."""
    router = APIRouter(
        route_class=DescribedRoute,
        prefix="/structures/{structure_id}/sheets",
        tags=["fiches des marchés"],
    )
    # Before the routes of one sheet, whose id could else be `xlsx`.
    add_workbook_routes(router, sheets, registry, workbooks)
    _add_reading_routes(router, sheets)
    _add_changing_routes(router, registry)
    return router


def _add_reading_routes(router: APIRouter, sheets: Sheets) -> None:
    @router.get("", summary="Lister les fiches des marchés de la structure.")
    async def list_sheets(structure: Own, wanted: Annotated[SheetsQuery, Query()]) -> SheetsAnswer:
        found = await sheets.list_of(structure, wanted.number, wanted.after, wanted.limit + 1)
        page = [SheetSummaryAnswer.of(each) for each in found[: wanted.limit]]
        is_last = len(found) <= wanted.limit
        return SheetsAnswer(sheets=page, next=None if is_last else page[-1].sheet_id)

    @router.get("/{sheet_id}", summary="Lire la fiche d'un marché.")
    async def read_sheet(structure: Own, sheet_id: SheetId, response: Response) -> SheetAnswer:
        return show(await find_sheet(sheets, structure, sheet_id), response)

    @router.get("/{sheet_id}/versions", summary="Lister les versions d'une fiche.")
    async def list_sheet_versions(
        structure: Own, sheet_id: SheetId, wanted: Annotated[SheetVersionsQuery, Query()]
    ) -> SheetVersionsAnswer:
        await find_sheet(sheets, structure, sheet_id)
        found = await sheets.list_versions(sheet_id, wanted.after, wanted.limit + 1)
        page = [SheetSummaryAnswer.of(each) for each in found[: wanted.limit]]
        is_last = len(found) <= wanted.limit
        return SheetVersionsAnswer(versions=page, next=None if is_last else page[-1].version)

    @router.get("/{sheet_id}/versions/{version}", summary="Lire une version d'une fiche.")
    async def read_sheet_version(
        structure: Own, sheet_id: SheetId, version: VersionRank
    ) -> SheetAnswer:
        found = await sheets.find_version(sheet_id, version)
        if found is None or found.moa != structure:
            raise build_not_found("Version de la fiche")
        return SheetAnswer.of(found)


def _add_changing_routes(router: APIRouter, registry: SheetRegistry) -> None:
    @router.post(
        "",
        status_code=201,
        summary="Créer la fiche d'un marché de la structure.",
    )
    async def create_sheet(act: KeyedAct, body: SheetRequest, response: Response) -> SheetAnswer:
        return show_done(await registry.create(act, body.to_domain()), response)

    @router.put("/{sheet_id}", summary="Remplacer la fiche d'un marché.", description=_WHOLE)
    async def replace_sheet(
        act: UnkeyedAct,
        sheet_id: SheetId,
        matching: Matching,
        body: SheetRequest,
        response: Response,
    ) -> SheetAnswer:
        outcome = await registry.replace(act, sheet_id, body.to_domain(), matching)
        return show_done(outcome, response)

    @router.delete(
        "/{sheet_id}",
        status_code=204,
        summary="Retirer la fiche d'un marché : elle ne contrôle plus rien.",
        description="Ses versions restent lisibles ; la remplacer la remet en service.",
    )
    async def withdraw_sheet(act: UnkeyedAct, sheet_id: SheetId, matching: Matching) -> None:
        require_done(await registry.withdraw(act, sheet_id, matching))
