"""HTTP: the tickets of a structure."""

from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Header, Path, Query, Response, UploadFile

from services.support.application.ports import Search, Tickets, Vault
from services.support.application.tickets import Acting, Asking, Owns
from services.support.domain.parties import Issuer
from services.support.domain.texts import tidy
from services.support.domain.tickets import Doing, Ticket
from services.support.entrypoints.bodies import (
    DraftBody,
    ListAnswer,
    RatingBody,
    Text,
    TextBody,
    TicketAnswer,
    TicketLine,
)
from services.support.entrypoints.outcomes import done, handed
from shared.runtime.caller import Caller, caller
from shared.runtime.problems import not_found
from shared.runtime.uploads import Uploaded
from shared.vocabulary.tickets import Side, TicketAct, TicketStatus

Who = Annotated[Caller, Depends(caller)]
Id = Annotated[str, Path(max_length=100)]
Sha = Annotated[str, Path(max_length=64)]
Files = Annotated[list[UploadFile], File(description="Pièces jointes")]
MaybeFiles = Annotated[list[UploadFile] | None, File(description="Pièces jointes")]
IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=200)]
Filter = Annotated[str | None, Query(max_length=100)]


def create_tickets_router(
    tickets: Tickets, vault: Vault, asking: Asking, acting: Acting
) -> APIRouter:
    """Build the routes of who asks for a structure."""
    router = APIRouter(prefix="/tickets", tags=["tickets"])
    _add_reading(router, tickets, vault)
    _add_drafts(router, asking)
    _add_following(router, acting)
    return router


def _add_reading(router: APIRouter, tickets: Tickets, vault: Vault) -> None:
    async def own(who: Who, ticket_id: Id) -> Ticket:
        ticket = await tickets.find(ticket_id)
        if ticket is None or not owned(who)(ticket):
            raise not_found("Ticket")
        return ticket

    @router.get("", summary="Chercher parmi les tickets de sa structure, le dernier d'abord.")
    async def search(
        who: Who,
        query: Annotated[str, Query(max_length=200, description="Numéro ou mots.")] = "",
        status: TicketStatus | None = None,
        sub_category: Filter = None,
        dossier: Filter = None,
        piece: Filter = None,
        after: Annotated[str, Query(max_length=100)] = "",
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> ListAnswer:
        wanted = Search(
            query=query,
            status=status,
            sub_category=sub_category,
            dossier=dossier,
            piece=piece,
            after=after,
            limit=limit,
        )
        page = await tickets.of_structure(who.structure, wanted)
        lines = tuple(TicketLine.line(each) for each in page.tickets)
        return ListAnswer(tickets=lines, next=page.next)

    @router.get("/{ticket_id}", summary="Lire un ticket et son journal.")
    async def read(ticket: Annotated[Ticket, Depends(own)]) -> TicketAnswer:
        return TicketAnswer.of(ticket, Side.DEMANDEUR)

    @router.get("/{ticket_id}/attachments/{sha256}", summary="Télécharger une pièce jointe.")
    async def file(ticket: Annotated[Ticket, Depends(own)], sha256: Sha) -> Response:
        return await handed(vault, ticket, sha256)


def _add_drafts(router: APIRouter, asking: Asking) -> None:
    @router.post("", status_code=201, summary="Commencer un brouillon.")
    async def begin(who: Who, body: DraftBody, response: Response) -> TicketAnswer:
        begun = done(await asking.begin(_issuer(who, body), body.to_domain())).ticket
        response.headers["Location"] = f"/tickets/{begun.id}"
        return TicketAnswer.of(begun, Side.DEMANDEUR)

    @router.put("/{ticket_id}", summary="Enregistrer un brouillon.")
    async def save(who: Who, ticket_id: Id, body: DraftBody) -> TicketAnswer:
        outcome = await asking.save(ticket_id, owned(who), _issuer(who, body), body.to_domain())
        return TicketAnswer.of(done(outcome).ticket, Side.DEMANDEUR)

    @router.delete("/{ticket_id}", status_code=204, summary="Abandonner un brouillon.")
    async def discard(who: Who, ticket_id: Id) -> None:
        done(await asking.discard(ticket_id, owned(who)))

    @router.post("/{ticket_id}/attachments", status_code=201, summary="Joindre à un brouillon.")
    async def attach(who: Who, ticket_id: Id, attachments: Files) -> TicketAnswer:
        uploads = [Uploaded(each) for each in attachments]
        outcome = await asking.attach(ticket_id, owned(who), uploads)
        return TicketAnswer.of(done(outcome).ticket, Side.DEMANDEUR)

    @router.delete("/{ticket_id}/attachments/{sha256}", summary="Retirer une pièce jointe.")
    async def detach(who: Who, ticket_id: Id, sha256: Sha) -> TicketAnswer:
        outcome = await asking.detach(ticket_id, owned(who), sha256)
        return TicketAnswer.of(done(outcome).ticket, Side.DEMANDEUR)

    @router.post("/{ticket_id}/submission", summary="Déposer un brouillon : il a un numéro.")
    async def submit(
        who: Who, ticket_id: Id, response: Response, idempotency_key: IdempotencyKey = None
    ) -> TicketAnswer:
        outcome = await asking.submit(ticket_id, owned(who), who.structure, idempotency_key)
        result = done(outcome)
        if result.is_replay:
            response.headers["Idempotency-Replayed"] = "true"
        return TicketAnswer.of(result.ticket, Side.DEMANDEUR)


def _add_following(router: APIRouter, acting: Acting) -> None:
    @router.post("/{ticket_id}/messages", status_code=201, summary="Écrire au bureau.")
    async def write(
        who: Who, ticket_id: Id, text: Annotated[Text, Form()], attachments: MaybeFiles = None
    ) -> TicketAnswer:
        doing = _doing(who, TicketAct.ECRIRE, text)
        uploads = [Uploaded(each) for each in attachments or []]
        outcome = await acting.act(ticket_id, owned(who), doing, uploads)
        return TicketAnswer.of(done(outcome).ticket, Side.DEMANDEUR)

    @router.post("/{ticket_id}/reopening", summary="Rouvrir un ticket résolu, et dire pourquoi.")
    async def reopen(who: Who, ticket_id: Id, body: TextBody) -> TicketAnswer:
        doing = _doing(who, TicketAct.ROUVRIR, body.text)
        outcome = await acting.act(ticket_id, owned(who), doing)
        return TicketAnswer.of(done(outcome).ticket, Side.DEMANDEUR)

    @router.put("/{ticket_id}/satisfaction", summary="Évaluer la réponse, ce qui clôt le ticket.")
    async def rate(who: Who, ticket_id: Id, body: RatingBody) -> TicketAnswer:
        doing = Doing(
            TicketAct.EVALUER,
            Side.DEMANDEUR,
            who.structure,
            text=tidy(body.comment),
            satisfaction=body.satisfaction,
        )
        outcome = await acting.act(ticket_id, owned(who), doing)
        return TicketAnswer.of(done(outcome).ticket, Side.DEMANDEUR)


def owned(who: Caller) -> Owns:
    """Tell the tickets of a caller's structure; all others do not exist for it."""
    return lambda ticket: ticket.issuer.structure == who.structure


def _issuer(who: Caller, body: DraftBody) -> Issuer:
    return Issuer(who.structure, who.role, (body.service or "").strip() or None)


def _doing(who: Caller, act: TicketAct, text: str) -> Doing:
    return Doing(act, Side.DEMANDEUR, who.structure, text=tidy(text))
