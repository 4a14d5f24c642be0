"""HTTP: tickets without an account. An e-mail address instead of a structure; a token follows."""

from typing import Annotated

from fastapi import APIRouter, Form, Header, Request, Response

from services.support.application.acting import Acting
from services.support.application.ports import Limits, Tickets, Vault
from services.support.application.submitting import Submitting
from services.support.application.tokens import hashed
from services.support.domain import rules
from services.support.domain.parties import Issuer
from services.support.domain.tickets import Ticket
from services.support.entrypoints.bodies import (
    Line,
    OpenTicketAnswer,
    Text,
    content_of,
    recipient_of,
)
from services.support.entrypoints.following import Id, MaybeFiles, add_following
from services.support.entrypoints.outcomes import done, too_many
from services.support.entrypoints.tickets import IdempotencyKey
from shared.runtime.addresses import address_of
from shared.runtime.problems import not_found
from shared.runtime.uploads import uploaded

_Line = Annotated[Line | None, Form()]


def create_open_router(
    tickets: Tickets, vault: Vault, submitting: Submitting, acting: Acting, limits: Limits
) -> APIRouter:
    """Build the routes that ask for no caller."""
    router = APIRouter(prefix="/open/tickets", tags=["sans compte"])

    async def followed(
        ticket_id: Id,
        x_ticket_token: Annotated[str, Header(max_length=200, description="Reçu au dépôt.")] = "",
    ) -> Ticket:
        ticket = await tickets.of_token(ticket_id, hashed(x_ticket_token))
        if ticket is None:
            raise not_found("Ticket")
        return ticket

    _add_submission(router, submitting, limits)
    add_following(router, acting, vault, followed)
    return router


def _add_submission(router: APIRouter, submitting: Submitting, limits: Limits) -> None:
    @router.post("", status_code=201, summary="Déposer un ticket sans compte.")
    async def submit(
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
        issuer = Issuer(email=email.strip())
        if what := await limits.exceeded(email.strip(), address_of(request)):
            raise too_many(rules.TOO_MANY_REQUESTS.broken("requête", what=what))
        content = content_of(
            sub_category=sub_category,
            title=title,
            description=description,
            recipient=recipient_of(recipient, recipient_service),
            dossier=dossier,
            piece=piece,
        )
        outcome = await submitting.submit_open(
            issuer, content, uploaded(attachments), idempotency_key
        )
        result = done(outcome)
        if result.is_replay:
            response.headers["Idempotency-Replayed"] = "true"
        response.headers["Location"] = f"/open/tickets/{result.ticket.id}"
        return OpenTicketAnswer.with_token(result.ticket, result.token)
