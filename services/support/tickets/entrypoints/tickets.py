"""HTTP routes of the tickets of a structure: search, drafts, submission."""

from typing import Annotated

from fastapi import APIRouter, Depends, File, Query, Response, UploadFile

from services.support.access.domain.parties import Issuer
from services.support.access.entrypoints.requests import Id
from services.support.desks.domain.catalogue import Catalogue
from services.support.tickets.application.access import TicketAccess
from services.support.tickets.application.actions import Actions
from services.support.tickets.application.drafts import Drafts
from services.support.tickets.application.outcomes import Outcome
from services.support.tickets.application.ports import Tickets
from services.support.tickets.application.submissions import Submissions
from services.support.tickets.domain.tickets import Ticket
from services.support.tickets.entrypoints.answers import (
    TicketAnswer,
    TicketLineAnswer,
    TicketsAnswer,
)
from services.support.tickets.entrypoints.follow_up import FileName, Sha, add_follow_up_routes
from services.support.tickets.entrypoints.outcomes import require_done
from services.support.tickets.entrypoints.requests import DraftRequest, SearchQuery
from shared.application.idempotency import name_owner
from shared.application.uploads import FileStore
from shared.contracts.public_paths import build_public_path
from shared.runtime.web.caller import Caller, Who
from shared.runtime.web.etags import Matching, format_etag
from shared.runtime.web.idempotency import IdempotencyKey
from shared.runtime.web.problems import build_not_found, build_refused
from shared.runtime.web.request_validation import DescribedRoute
from shared.runtime.web.uploads import wrap_uploads
from shared.vocabulary.tickets import Side

Files = Annotated[list[UploadFile], File(description="Pièces jointes")]


def name_key_owner(who: Caller) -> str:
    """Name the owner of a request's idempotency keys: a structure in one of its roles."""
    return name_owner(who)


def build_access(
    who: Caller,
    requester: Who,
    by: Annotated[str, Depends(name_key_owner)],
    ticket_id: Id,
    matching: Matching,
) -> TicketAccess:
    """Build the access of a structure to its own tickets; the ticket of another one answers 404."""
    return TicketAccess(
        ticket_id,
        lambda ticket: ticket.issuer.structure == who.structure,
        matching,
        key_owner=by,
        user=requester.user,
    )


OwnAccess = Annotated[TicketAccess, Depends(build_access)]


def create_tickets_router(
    tickets: Tickets,
    vault: FileStore,
    catalogue: Catalogue,
    drafts: Drafts,
    submissions: Submissions,
    actions: Actions,
) -> APIRouter:
    """Build the routes of the tickets of a structure."""
    router = APIRouter(route_class=DescribedRoute, prefix="/tickets", tags=["tickets"])

    async def find_own_ticket(access: OwnAccess) -> Ticket:
        ticket = await tickets.find(access.ticket)
        if ticket is None or not access.can_see(ticket):
            raise build_not_found("Ticket")
        return ticket

    @router.get("", summary="Chercher parmi les tickets de sa structure, le dernier d'abord.")
    async def search_tickets(who: Caller, wanted: Annotated[SearchQuery, Query()]) -> TicketsAnswer:
        if violations := tuple(wanted.judge(catalogue)):
            raise build_refused(violations)
        page = await tickets.list_of_structure(who.structure, wanted.to_domain())
        lines = tuple(TicketLineAnswer.show_line(each) for each in page.tickets)
        return TicketsAnswer(tickets=lines, next=page.next)

    _add_draft_routes(router, drafts)
    _add_submission_route(router, submissions)
    add_follow_up_routes(
        router, "ticket", actions, vault, find_own_ticket, name_key_owner=name_key_owner
    )
    return router


def _add_draft_routes(router: APIRouter, drafts: Drafts) -> None:
    @router.post("", status_code=201, summary="Commencer un brouillon.")
    async def start_draft(
        who: Caller,
        body: DraftRequest,
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> TicketAnswer:
        issuer, content = _build_issuer(who, body), body.to_domain()
        outcome = await drafts.begin(issuer, content, name_owner(who), idempotency_key)
        begun = _build_answer(outcome, response)
        response.headers["Location"] = build_public_path("support", "tickets", begun.ticket_id)
        return begun

    @router.put(
        "/{ticket_id}", summary="Enregistrer un brouillon ; un champ absent reste tel quel."
    )
    async def save_draft(
        who: Caller,
        access: OwnAccess,
        body: DraftRequest,
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> TicketAnswer:
        issuer, content = _build_issuer(who, body), body.to_domain()
        outcome = await drafts.save(access, issuer, content, body.model_fields_set, idempotency_key)
        return _build_answer(outcome, response)

    @router.delete("/{ticket_id}", status_code=204, summary="Abandonner un brouillon.")
    async def discard_draft(access: OwnAccess, response: Response) -> None:
        require_done(await drafts.discard(access), response)

    @router.post("/{ticket_id}/attachments", status_code=201, summary="Joindre à un brouillon.")
    async def attach_files(
        access: OwnAccess,
        attachments: Files,
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> TicketAnswer:
        outcome = await drafts.attach(access, wrap_uploads(attachments), idempotency_key)
        return _build_answer(outcome, response)

    @router.delete("/{ticket_id}/attachments/{sha256}", summary="Retirer une pièce jointe.")
    async def detach_file(
        access: OwnAccess,
        sha256: Sha,
        response: Response,
        name: FileName = None,
        idempotency_key: IdempotencyKey = None,
    ) -> TicketAnswer:
        return _build_answer(await drafts.detach(access, sha256, name, idempotency_key), response)


def _add_submission_route(router: APIRouter, submissions: Submissions) -> None:
    @router.post("/{ticket_id}/submission", summary="Déposer un brouillon : il a un numéro.")
    async def submit_draft(
        access: OwnAccess, response: Response, idempotency_key: IdempotencyKey = None
    ) -> TicketAnswer:
        return _build_answer(await submissions.submit(access, idempotency_key), response)


def _build_answer(outcome: Outcome, response: Response) -> TicketAnswer:
    result = require_done(outcome, response)
    response.headers["ETag"] = format_etag(result.ticket.version)
    return TicketAnswer.of(result.ticket, Side.DEMANDEUR)


def _build_issuer(who: Caller, body: DraftRequest) -> Issuer:
    return Issuer(who.structure, who.role, body.service or None)
