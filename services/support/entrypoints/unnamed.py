"""HTTP: tickets without an account. An e-mail address instead of a structure; a token follows."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Header, Request, Response

from services.support.application.ports import Limits, Tickets, Vault
from services.support.application.tickets import Acting, Asking, hashed
from services.support.domain import rules
from services.support.domain.parties import Issuer, Recipient
from services.support.domain.texts import tidy
from services.support.domain.tickets import Doing, Ticket
from services.support.entrypoints.bodies import (
    Line,
    OpenTicketAnswer,
    RatingBody,
    Text,
    TextBody,
    TicketAnswer,
    content_of,
)
from services.support.entrypoints.outcomes import done, handed
from services.support.entrypoints.tickets import Id, IdempotencyKey, MaybeFiles, Sha
from shared.runtime.problems import Problem, not_found
from shared.runtime.uploads import Uploaded
from shared.vocabulary.tickets import Side, TicketAct

_RETRY_AFTER_S = "3600"
_Line = Annotated[Line | None, Form()]


def create_open_router(
    tickets: Tickets, vault: Vault, asking: Asking, acting: Acting, limits: Limits
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

    followed_ticket = Annotated[Ticket, Depends(followed)]
    _add_submission(router, asking, limits)
    _add_following(router, acting, vault, followed_ticket)
    return router


def _add_submission(router: APIRouter, asking: Asking, limits: Limits) -> None:
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
        content = content_of(
            sub_category=sub_category,
            title=title,
            description=description,
            recipient=Recipient(recipient.strip(), (recipient_service or "").strip() or None)
            if recipient
            else None,
            dossier=dossier,
            piece=piece,
        )
        await _count(limits, request, email.strip())
        uploads = [Uploaded(each) for each in attachments or []]
        issuer = Issuer(email=email.strip())
        result = done(await asking.submit_open(issuer, content, uploads, idempotency_key))
        if result.is_replay:
            response.headers["Idempotency-Replayed"] = "true"
        response.headers["Location"] = f"/open/tickets/{result.ticket.id}"
        return OpenTicketAnswer.with_token(result.ticket, result.token)


def _add_following(router: APIRouter, acting: Acting, vault: Vault, followed: object) -> None:
    @router.get("/{ticket_id}", summary="Lire son ticket.")
    async def read(ticket: followed) -> TicketAnswer:  # type: ignore[valid-type]
        return TicketAnswer.of(ticket, Side.DEMANDEUR)

    @router.get("/{ticket_id}/attachments/{sha256}", summary="Télécharger une pièce jointe.")
    async def file(ticket: followed, sha256: Sha) -> Response:  # type: ignore[valid-type]
        return await handed(vault, ticket, sha256)

    async def act(ticket: Ticket, doing: Doing, files: MaybeFiles = None) -> TicketAnswer:
        uploads = [Uploaded(each) for each in files or []]
        outcome = await acting.act(ticket.id, lambda _: True, doing, uploads)
        return TicketAnswer.of(done(outcome).ticket, Side.DEMANDEUR)

    def doing(ticket: Ticket, act: TicketAct, text: str, rating: int | None = None) -> Doing:
        name = ticket.issuer.name
        return Doing(act, Side.DEMANDEUR, name, text=tidy(text), satisfaction=rating)

    @router.post("/{ticket_id}/messages", status_code=201, summary="Écrire au bureau.")
    async def write(
        ticket: followed,  # type: ignore[valid-type]
        text: Annotated[Text, Form()],
        attachments: MaybeFiles = None,
    ) -> TicketAnswer:
        return await act(ticket, doing(ticket, TicketAct.ECRIRE, text), attachments)

    @router.post("/{ticket_id}/reopening", summary="Rouvrir un ticket résolu.")
    async def reopen(ticket: followed, body: TextBody) -> TicketAnswer:  # type: ignore[valid-type]
        return await act(ticket, doing(ticket, TicketAct.ROUVRIR, body.text))

    @router.put("/{ticket_id}/satisfaction", summary="Évaluer la réponse.")
    async def rate(ticket: followed, body: RatingBody) -> TicketAnswer:  # type: ignore[valid-type]
        rated = doing(ticket, TicketAct.EVALUER, body.comment, body.satisfaction)
        return await act(ticket, rated)


async def _count(limits: Limits, request: Request, email: str) -> None:
    address = request.client.host if request.client else ""
    if what := await limits.exceeded(email, address):
        violation = rules.TOO_MANY_REQUESTS.broken("requête", what=what)
        raise Problem(
            429,
            violation.code,
            violation.message,
            [violation],
            headers={"Retry-After": _RETRY_AFTER_S},
        )
