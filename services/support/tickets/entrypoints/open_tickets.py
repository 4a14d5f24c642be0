"""HTTP routes of tickets without an account, followed by a token instead of a structure."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Header, Request, Response

from services.support.access.application.ports import RateLimit
from services.support.access.application.tokens import hash_token
from services.support.access.domain.parties import Issuer
from services.support.access.entrypoints.rate_limits import build_too_many_requests
from services.support.access.entrypoints.requests import Id, Line, Text, Token
from services.support.tickets.application.actions import Actions
from services.support.tickets.application.ports import Tickets
from services.support.tickets.application.submissions import Submissions
from services.support.tickets.domain import rules as ticket_rules
from services.support.tickets.domain.tickets import Ticket
from services.support.tickets.entrypoints.answers import OpenTicketAnswer
from services.support.tickets.entrypoints.follow_up import MaybeFiles, add_follow_up_routes
from services.support.tickets.entrypoints.outcomes import require_done
from services.support.tickets.entrypoints.requests import build_content, build_recipient
from shared.application.uploads import FileStore
from shared.contracts.public_paths import build_public_path
from shared.runtime.web.addresses import read_address
from shared.runtime.web.idempotency import IdempotencyKey
from shared.runtime.web.problems import build_not_found
from shared.runtime.web.request_validation import DescribedRoute
from shared.runtime.web.uploads import wrap_uploads

_Line = Annotated[Line | None, Form()]


def create_open_tickets_router(
    tickets: Tickets,
    vault: FileStore,
    submissions: Submissions,
    actions: Actions,
    follow_ups: RateLimit,
) -> APIRouter:
    """Build the routes without an account; `follow_ups` limits the acts on one ticket."""
    router = APIRouter(route_class=DescribedRoute, prefix="/open/tickets", tags=["sans compte"])

    async def find_readable(
        ticket_id: Id,
        x_ticket_token: Annotated[Token, Header(description="Reçu au dépôt.")] = "",
    ) -> Ticket:
        ticket = await tickets.find_by_token(ticket_id, hash_token(x_ticket_token))
        if ticket is None:
            raise build_not_found("Ticket")
        return ticket

    async def find_writable(ticket: Annotated[Ticket, Depends(find_readable)]) -> Ticket:
        if await follow_ups.count_request(ticket.id):
            raise build_too_many_requests(
                ticket_rules.TOO_MANY_MESSAGES.build_violation("requête", limit=follow_ups.an_hour)
            )
        return ticket

    _add_submission_route(router, submissions)
    add_follow_up_routes(router, "open_ticket", actions, vault, find_readable, find_writable)
    return router


def _add_submission_route(router: APIRouter, submissions: Submissions) -> None:
    @router.post("", status_code=201, summary="Déposer un ticket sans compte.")
    async def submit_open_ticket(
        *,
        request: Request,
        response: Response,
        email: Annotated[Line, Form()] = "",
        sub_category: _Line = None,
        title: Annotated[Line, Form()] = "",
        description: Annotated[Text, Form()] = "",
        recipient: Annotated[Line | None, Form(description="Structure du bureau métier.")] = None,
        recipient_service: _Line = None,
        dossier: _Line = None,
        piece: _Line = None,
        attachments: MaybeFiles = None,
        idempotency_key: IdempotencyKey = None,
    ) -> OpenTicketAnswer:
        issuer = Issuer(email=email)
        content = build_content(
            sub_category=sub_category,
            title=title,
            description=description,
            recipient=build_recipient(recipient, recipient_service),
            dossier=dossier,
            piece=piece,
        )
        outcome = await submissions.submit_open(
            issuer, content, wrap_uploads(attachments), idempotency_key, read_address(request)
        )
        result = require_done(outcome, response)
        response.headers["Location"] = build_public_path(
            "support", "open", "tickets", result.ticket.id
        )
        return OpenTicketAnswer.with_token(result.ticket, result.token)
