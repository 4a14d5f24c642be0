"""HTTP routes of the tickets of a structure: search, drafts, submission."""

from typing import Annotated

from fastapi import APIRouter, Depends, File, Query, Response, UploadFile

from services.support.desks.domain.parties import Issuer
from services.support.desks.entrypoints.bodies import Id
from services.support.tickets.application.access import Claim
from services.support.tickets.application.actions import Acting
from services.support.tickets.application.drafts import Drafts
from services.support.tickets.application.outcomes import Outcome
from services.support.tickets.application.ports import Tickets
from services.support.tickets.application.submissions import Submitting
from services.support.tickets.domain.tickets import Ticket
from services.support.tickets.entrypoints.answers import ListAnswer, TicketAnswer, TicketLine
from services.support.tickets.entrypoints.bodies import DraftBody, SearchQuery
from services.support.tickets.entrypoints.follow_up import FileName, Sha, add_following
from services.support.tickets.entrypoints.outcomes import done, mark_replay
from shared.application.uploads import Vault
from shared.contracts.public_paths import public_path
from shared.runtime.web.caller import Caller
from shared.runtime.web.etags import Matching, etag
from shared.runtime.web.idempotency import IdempotencyKey
from shared.runtime.web.problems import not_found
from shared.runtime.web.request_validation import DescribedRoute
from shared.runtime.web.uploads import uploaded
from shared.vocabulary.tickets import Side

Files = Annotated[list[UploadFile], File(description="Pièces jointes")]


def keys_of(who: Caller) -> str:
    """Say whose idempotency keys a request has: a structure's, in one of its roles."""
    return f"{who.role}|{who.structure}"


def claim(
    who: Caller, by: Annotated[str, Depends(keys_of)], ticket_id: Id, matching: Matching
) -> Claim:
    """Claim a ticket of one's structure; all others do not exist for it."""
    return Claim(
        ticket_id, lambda ticket: ticket.issuer.structure == who.structure, matching, by=by
    )


Mine = Annotated[Claim, Depends(claim)]


def create_tickets_router(
    tickets: Tickets, vault: Vault, drafts: Drafts, submitting: Submitting, acting: Acting
) -> APIRouter:
    """Build the routes of who asks for a structure."""
    router = APIRouter(route_class=DescribedRoute, prefix="/tickets", tags=["tickets"])

    async def own(mine: Mine) -> Ticket:
        ticket = await tickets.find(mine.ticket)
        if ticket is None or not mine.owns(ticket):
            raise not_found("Ticket")
        return ticket

    @router.get("", summary="Chercher parmi les tickets de sa structure, le dernier d'abord.")
    async def search(who: Caller, wanted: Annotated[SearchQuery, Query()]) -> ListAnswer:
        page = await tickets.of_structure(who.structure, wanted.to_domain())
        lines = tuple(TicketLine.line(each) for each in page.tickets)
        return ListAnswer(tickets=lines, next=page.next)

    _add_drafts(router, drafts)
    _add_submission(router, submitting)
    add_following(router, acting, vault, own, keys_of=keys_of)
    return router


def _add_drafts(router: APIRouter, drafts: Drafts) -> None:
    @router.post("", status_code=201, summary="Commencer un brouillon.")
    async def begin(who: Caller, body: DraftBody, response: Response) -> TicketAnswer:
        begun = _shown(await drafts.begin(_issuer(who, body), body.to_domain()), response)
        response.headers["Location"] = public_path("support", "tickets", begun.id)
        return begun

    @router.put("/{ticket_id}", summary="Enregistrer un brouillon.")
    async def save(who: Caller, mine: Mine, body: DraftBody, response: Response) -> TicketAnswer:
        return _shown(await drafts.save(mine, _issuer(who, body), body.to_domain()), response)

    @router.delete("/{ticket_id}", status_code=204, summary="Abandonner un brouillon.")
    async def discard(mine: Mine) -> None:
        done(await drafts.discard(mine))

    @router.post("/{ticket_id}/attachments", status_code=201, summary="Joindre à un brouillon.")
    async def attach(mine: Mine, attachments: Files, response: Response) -> TicketAnswer:
        return _shown(await drafts.attach(mine, uploaded(attachments)), response)

    @router.delete("/{ticket_id}/attachments/{sha256}", summary="Retirer une pièce jointe.")
    async def detach(
        mine: Mine, sha256: Sha, response: Response, name: FileName = None
    ) -> TicketAnswer:
        return _shown(await drafts.detach(mine, sha256, name), response)


def _add_submission(router: APIRouter, submitting: Submitting) -> None:
    @router.post("/{ticket_id}/submission", summary="Déposer un brouillon : il a un numéro.")
    async def submit(
        mine: Mine, response: Response, idempotency_key: IdempotencyKey = None
    ) -> TicketAnswer:
        return _shown(await submitting.submit(mine, idempotency_key), response)


def _shown(outcome: Outcome, response: Response) -> TicketAnswer:
    result = done(outcome)
    response.headers["ETag"] = etag(result.ticket.version)
    mark_replay(response, result)
    return TicketAnswer.of(result.ticket, Side.DEMANDEUR)


def _issuer(who: Caller, body: DraftBody) -> Issuer:
    return Issuer(who.structure, who.role, body.service or None)
