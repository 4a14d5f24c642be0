"""HTTP routes of the form of a sheet: a workbook (XLSX) that is downloaded, filled in and sent."""

from typing import Annotated

from fastapi import APIRouter, File, Response, UploadFile, status
from pydantic import ValidationError

from services.organisation.accounts.entrypoints.acts import KeyedAct, Own, UnkeyedAct
from services.organisation.sheets.application.ports import ReadersBusyError, Sheets, Workbooks
from services.organisation.sheets.application.sheets import Outcome, Refused, SheetRegistry
from services.organisation.sheets.domain import rules
from services.organisation.sheets.domain.form import Form, build_form, read_form
from services.organisation.sheets.domain.sheets import Content
from services.organisation.sheets.entrypoints.answers import SheetAnswer
from services.organisation.sheets.entrypoints.outcomes import find_sheet, show_done
from services.organisation.sheets.entrypoints.requests import SheetId, SheetRequest
from shared.runtime.web.etags import Matching, format_etag
from shared.runtime.web.problems import (
    FAULTS_SHOWN,
    build_form_violation,
    build_refused,
    build_unavailable,
)
from shared.runtime.web.uploads import Uploaded, build_download
from shared.vocabulary.rules import Violation
from shared.vocabulary.sizes import MEGABYTE, format_megabytes

_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_SIZE_LIMIT = 5 * MEGABYTE
_FORM = "Un classeur XLSX de 5 Mo au plus, sans formule ni macro, dans la partie `file`."
Workbook = Annotated[UploadFile, File(description="Le formulaire rempli (XLSX).")]


def add_workbook_routes(
    router: APIRouter, sheets: Sheets, registry: SheetRegistry, workbooks: Workbooks
) -> None:
    """Add the routes of the form."""

    async def download(structure: str, content: Content | None, name: str) -> Response:
        written = await workbooks.write(build_form(structure, content))
        return build_download(f"{name}.xlsx", _MEDIA_TYPE, written)

    @router.get(
        "/xlsx", summary="Télécharger le formulaire vide d'une fiche.", response_class=Response
    )
    async def download_blank_form(structure: Own) -> Response:
        return await download(structure, None, "fiche-marche")

    @router.get("/{sheet_id}/xlsx", summary="Exporter une fiche en XLSX.", response_class=Response)
    async def export_sheet(structure: Own, sheet_id: SheetId) -> Response:
        found = await find_sheet(sheets, structure, sheet_id)
        number = found.content.number.replace("/", "-")
        answer = await download(structure, found.content, f"fiche-marche-{number}")
        answer.headers["ETag"] = format_etag(found.version)
        return answer

    @router.post(
        "/xlsx",
        status_code=201,
        summary="Créer la fiche d'un marché à partir du formulaire.",
        description=_FORM,
    )
    async def import_new_sheet(act: KeyedAct, file: Workbook, response: Response) -> SheetAnswer:
        form, content = await _read_upload(workbooks, file, act.structure)
        return show_done(_locate(await registry.create(act, content), form), response)

    @router.put(
        "/{sheet_id}/xlsx",
        summary="Remplacer la fiche d'un marché par le formulaire.",
        description=_FORM,
    )
    async def import_sheet(
        act: UnkeyedAct, sheet_id: SheetId, matching: Matching, file: Workbook, response: Response
    ) -> SheetAnswer:
        form, content = await _read_upload(workbooks, file, act.structure)
        outcome = await registry.replace(act, sheet_id, content, matching)
        return show_done(_locate(outcome, form), response)


async def _read_upload(
    workbooks: Workbooks, file: UploadFile, structure: str
) -> tuple[Form, Content]:
    """Read the form that was sent. Raises the problem of what cannot be read of it."""
    upload = Uploaded(file)
    if upload.size_bytes > _SIZE_LIMIT:
        size, limit = format_megabytes(upload.size_bytes), format_megabytes(_SIZE_LIMIT)
        violation = rules.FILE_TOO_LARGE.build_violation("file", size=size, limit=limit)
        raise build_refused([violation], status.HTTP_413_CONTENT_TOO_LARGE)
    try:
        read = await workbooks.read(await upload.read())
    except ReadersBusyError:
        raise build_unavailable("HTTP-503", "Trop de classeurs sont en cours de lecture.") from None
    if isinstance(read, Violation):
        raise build_refused([read])
    form = read_form(read, structure)
    if form.violations:
        raise build_refused(form.violations[:FAULTS_SHOWN])
    try:
        return form, SheetRequest.model_validate(form.given).to_domain()
    except ValidationError as error:
        raise build_refused(
            [
                form.locate(
                    build_form_violation(
                        [str(part) for part in each["loc"]], each["type"], each.get("ctx", {})
                    )
                )
                for each in error.errors()[:FAULTS_SHOWN]
            ]
        ) from None


def _locate(outcome: Outcome, form: Form) -> Outcome:
    """Say where in the workbook the rules are broken."""
    if isinstance(outcome, Refused):
        return Refused(tuple(map(form.locate, outcome.violations)))
    return outcome
