"""HTTP results of the use cases of sheets."""

from fastapi import Response, status

from services.organisation.sheets.application.ports import Sheets
from services.organisation.sheets.application.sheets import Done, Missing, Outcome, Refused
from services.organisation.sheets.domain import rules
from services.organisation.sheets.domain.sheets import SheetVersion
from services.organisation.sheets.entrypoints.answers import SheetAnswer
from shared.runtime.web.etags import format_etag
from shared.runtime.web.idempotency import mark_replay
from shared.runtime.web.problems import build_not_found, build_refused

_STATUSES = {
    rules.NUMBER_TAKEN.code: status.HTTP_409_CONFLICT,
    rules.STALE.code: status.HTTP_412_PRECONDITION_FAILED,
}


async def find_sheet(sheets: Sheets, structure: str, sheet_id: str) -> SheetVersion:
    """Find a sheet of a structure. Raises a 404 problem when there is none."""
    found = await sheets.find(sheet_id)
    if found is None or found.moa != structure:
        raise build_not_found("Fiche")
    return found


def show(sheet: SheetVersion, response: Response) -> SheetAnswer:
    """Show a sheet, with its version as an ETag."""
    response.headers["ETag"] = format_etag(sheet.version)
    return SheetAnswer.of(sheet)


def show_done(outcome: Outcome, response: Response) -> SheetAnswer:
    """Show the sheet that was written. Raises the problem of what was not."""
    done = require_done(outcome)
    mark_replay(response, is_replay=done.is_replay)
    return show(done.sheet, response)


def require_done(outcome: Outcome) -> Done:
    match outcome:
        case Done():
            return outcome
        case Refused(violations):
            raise build_refused(violations, _STATUSES.get(violations[0].code, 422))
        case Missing():
            raise build_not_found("Fiche")
