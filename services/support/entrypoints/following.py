"""HTTP: what who asks does to a ticket that was submitted, with or without an account."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Path, Response, UploadFile

from services.support.application.acting import Acting
from services.support.application.outcomes import Claim
from services.support.application.ports import Vault
from services.support.domain.tickets import Doing, Ticket
from services.support.entrypoints.bodies import RatingBody, Text, TextBody, TicketAnswer
from services.support.entrypoints.outcomes import done, handed
from shared.runtime.etags import etag
from shared.runtime.uploads import uploaded
from shared.vocabulary.texts import plain
from shared.vocabulary.tickets import Side, TicketAct

Id = Annotated[str, Path(max_length=100)]
Sha = Annotated[str, Path(max_length=64)]
MaybeFiles = Annotated[list[UploadFile] | None, File(description="Pièces jointes")]


def add_following(
    router: APIRouter, acting: Acting, vault: Vault, followed: Callable[..., Awaitable[Ticket]]
) -> None:
    """Add the routes under a ticket's own path; `followed` finds it for the one who may see it."""

    async def act(ticket: Ticket, doing: Doing, files: MaybeFiles = None) -> TicketAnswer:
        # Whoever could see it a moment ago may: a ticket does not change its issuer.
        claim = Claim(ticket.id, lambda _: True)
        after = done(await acting.act(claim, doing, uploaded(files))).ticket
        return TicketAnswer.of(after, Side.DEMANDEUR)

    def doing(ticket: Ticket, act: TicketAct, text: str, rating: int | None = None) -> Doing:
        name = ticket.issuer.name
        return Doing(act, Side.DEMANDEUR, name, text=plain(text), satisfaction=rating)

    @router.get("/{ticket_id}", summary="Lire un ticket et son journal.")
    async def read(
        ticket: Annotated[Ticket, Depends(followed)], response: Response
    ) -> TicketAnswer:
        response.headers["ETag"] = etag(ticket.version)
        return TicketAnswer.of(ticket, Side.DEMANDEUR)

    @router.get("/{ticket_id}/attachments/{sha256}", summary="Télécharger une pièce jointe.")
    async def file(ticket: Annotated[Ticket, Depends(followed)], sha256: Sha) -> Response:
        return await handed(vault, ticket, sha256)

    @router.post("/{ticket_id}/messages", status_code=201, summary="Écrire au bureau.")
    async def write(
        ticket: Annotated[Ticket, Depends(followed)],
        text: Annotated[Text, Form()],
        attachments: MaybeFiles = None,
    ) -> TicketAnswer:
        return await act(ticket, doing(ticket, TicketAct.ECRIRE, text), attachments)

    @router.post("/{ticket_id}/reopening", summary="Rouvrir un ticket résolu, et dire pourquoi.")
    async def reopen(ticket: Annotated[Ticket, Depends(followed)], body: TextBody) -> TicketAnswer:
        return await act(ticket, doing(ticket, TicketAct.ROUVRIR, body.text))

    @router.put("/{ticket_id}/satisfaction", summary="Évaluer la réponse, ce qui clôt le ticket.")
    async def rate(ticket: Annotated[Ticket, Depends(followed)], body: RatingBody) -> TicketAnswer:
        rated = doing(ticket, TicketAct.EVALUER, body.comment, body.satisfaction)
        return await act(ticket, rated)
