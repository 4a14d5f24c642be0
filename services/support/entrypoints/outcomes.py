"""What becomes of a request, as an answer or as a problem."""

from starlette.responses import Response

from services.support.application.ports import Vault
from services.support.application.tickets import Done, Impossible, Missing, Outcome, Refused
from services.support.domain.tickets import Ticket
from shared.runtime.problems import not_found, refused
from shared.runtime.uploads import download


def done(outcome: Outcome) -> Done:
    """Give what was done, or raise the problem that says why not."""
    match outcome:
        case Done():
            return outcome
        case Refused(violations):
            raise refused(violations)
        case Impossible(violation):
            raise refused([violation], 409)
        case Missing():
            raise not_found("Ticket")


async def handed(vault: Vault, ticket: Ticket, sha256: str) -> Response:
    """Hand out a file of a ticket, to be saved."""
    file = next((each for each in ticket.files if each.sha256 == sha256), None)
    content = await vault.get(sha256) if file else None
    if file is None or content is None:
        raise not_found("Fichier")
    return download(file.name, file.media_type, content)
