"""HTTP routes of a submitted ticket for its issuer, with or without an account."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Path, Query, Response, UploadFile

from services.support.access.entrypoints.requests import Id, Text
from services.support.tickets.application.access import TicketAccess
from services.support.tickets.application.actions import Actions
from services.support.tickets.domain.tickets import Action, Ticket
from services.support.tickets.entrypoints.answers import TicketAnswer
from services.support.tickets.entrypoints.outcomes import (
    download_attachment,
    require_done,
)
from services.support.tickets.entrypoints.requests import RatingRequest, TextRequest
from shared.application.uploads import FileStore
from shared.contracts.texts import TypedText
from shared.runtime.web.caller import MaybeWho
from shared.runtime.web.etags import format_etag
from shared.runtime.web.idempotency import IdempotencyKey
from shared.runtime.web.uploads import wrap_uploads
from shared.vocabulary.tickets import Side, TicketAct

Sha = Annotated[str, TypedText(64), Path()]
FileName = Annotated[
    Annotated[str, TypedText(255)] | None,
    Query(description="Quand plusieurs ont le même contenu."),
]
MaybeFiles = Annotated[list[UploadFile] | None, File(description="Pièces jointes")]


@dataclass(frozen=True, slots=True)
class _Key:
    """Idempotency key as it was sent, and its owner."""

    owner: str
    text: str | None
    user: str | None
    """Id of the principal who sent it; None without an account."""


def name_ticket_owner(ticket_id: Id) -> str:
    """Name the owner of the idempotency keys of who has no account: the ticket."""
    return f"ticket|{ticket_id}"


def add_follow_up_routes(
    router: APIRouter,
    thing: str,
    actions: Actions,
    vault: FileStore,
    find_readable: Callable[..., Awaitable[Ticket]],
    find_writable: Callable[..., Awaitable[Ticket]] | None = None,
    name_key_owner: Callable[..., str] = name_ticket_owner,
) -> None:
    """Add the routes under the path of one ticket.

    Args:
        thing: the end of the names of these routes, which are their operation ids in OpenAPI.
        find_readable: the dependency that finds a ticket which the caller may see.
        find_writable: the dependency that finds a ticket which the caller may act on; by default
            `find_readable`.
        name_key_owner: the dependency that names the owner of idempotency keys; by default the
            ticket.
    """
    find_writable = find_writable or find_readable

    async def act(
        ticket: Ticket, action: Action, key: _Key, response: Response, files: MaybeFiles = None
    ) -> TicketAnswer:
        # Access was checked by the dependency, and a ticket does not change its issuer.
        access = TicketAccess(ticket.id, lambda _: True, key_owner=key.owner, user=key.user)
        outcome = await actions.apply(access, action, wrap_uploads(files), key.text)
        return TicketAnswer.of(require_done(outcome, response).ticket, Side.DEMANDEUR)

    def read_key(
        by: Annotated[str, Depends(name_key_owner)],
        who: MaybeWho,
        idempotency_key: IdempotencyKey = None,
    ) -> _Key:
        return _Key(by, idempotency_key, who.user if who else None)

    sent_key = Annotated[_Key, Depends(read_key)]

    def build_action(
        ticket: Ticket, act: TicketAct, text: str, rating: int | None = None
    ) -> Action:
        name = ticket.issuer.name
        return Action(act, Side.DEMANDEUR, name, text=text, satisfaction=rating)

    @router.get("/{ticket_id}", name=f"read_{thing}", summary="Lire un ticket et son journal.")
    async def read(
        ticket: Annotated[Ticket, Depends(find_readable)], response: Response
    ) -> TicketAnswer:
        response.headers["ETag"] = format_etag(ticket.version)
        return TicketAnswer.of(ticket, Side.DEMANDEUR)

    @router.get(
        "/{ticket_id}/attachments/{sha256}",
        name=f"download_attachment_of_{thing}",
        summary="Télécharger une pièce jointe.",
        response_class=Response,
    )
    async def download(
        ticket: Annotated[Ticket, Depends(find_readable)], sha256: Sha, name: FileName = None
    ) -> Response:
        return await download_attachment(vault, ticket, sha256, name)

    @router.post(
        "/{ticket_id}/messages",
        name=f"write_on_{thing}",
        status_code=201,
        summary="Écrire au bureau.",
    )
    async def write(
        *,
        ticket: Annotated[Ticket, Depends(find_writable)],
        text: Annotated[Text, Form()],
        attachments: MaybeFiles = None,
        key: sent_key,
        response: Response,
    ) -> TicketAnswer:
        said = build_action(ticket, TicketAct.ECRIRE, text)
        return await act(ticket, said, key, response, attachments)

    @router.post(
        "/{ticket_id}/reopening",
        name=f"reopen_{thing}",
        summary="Rouvrir un ticket résolu, et dire pourquoi.",
    )
    async def reopen(
        ticket: Annotated[Ticket, Depends(find_writable)],
        body: TextRequest,
        key: sent_key,
        response: Response,
    ) -> TicketAnswer:
        return await act(ticket, build_action(ticket, TicketAct.ROUVRIR, body.text), key, response)

    @router.put(
        "/{ticket_id}/satisfaction",
        name=f"rate_{thing}",
        summary="Évaluer la réponse, ce qui clôt le ticket.",
    )
    async def rate(
        ticket: Annotated[Ticket, Depends(find_writable)],
        body: RatingRequest,
        key: sent_key,
        response: Response,
    ) -> TicketAnswer:
        rated = build_action(ticket, TicketAct.EVALUER, body.comment, body.satisfaction)
        return await act(ticket, rated, key, response)
