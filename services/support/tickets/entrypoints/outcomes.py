"""HTTP answers to the outcomes of tickets: the result, or a problem."""

from starlette.responses import Response

from services.support.access.entrypoints.rate_limits import build_too_many_requests
from services.support.tickets.application.outcomes import (
    Conflict,
    Done,
    NotFound,
    Outcome,
    RateLimited,
    Refused,
    StaleVersion,
)
from services.support.tickets.domain.tickets import Ticket
from shared.application.uploads import FileStore
from shared.runtime.web.idempotency import mark_replay
from shared.runtime.web.problems import build_not_found, build_refused
from shared.runtime.web.uploads import build_download


def require_done(outcome: Outcome, response: Response) -> Done:
    """Return what was done, or raise the problem that says why not.

    Marks `response` when an earlier request with the same idempotency key did it.
    """
    match outcome:
        case Done():
            mark_replay(response, is_replay=outcome.is_replay)
            return outcome
        case Refused(violations):
            raise build_refused(violations)
        case Conflict(violation):
            raise build_refused([violation], 409)
        case StaleVersion(violation):
            raise build_refused([violation], 412)
        case RateLimited(violation):
            raise build_too_many_requests(violation)
        case NotFound():
            raise build_not_found("Ticket")


async def download_attachment(
    vault: FileStore, ticket: Ticket, sha256: str, name: str | None
) -> Response:
    """Build the download of an attachment, under its name or the first of its names."""
    file = next((each for each in ticket.files if each.is_named(sha256, name)), None)
    if file is None:
        raise build_not_found("Fichier")
    return build_download(file.name, file.media_type, await vault.get(sha256))
