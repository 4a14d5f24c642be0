"""HTTP: what the desks do."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Response

from services.support.application.desks import Clocked, Desks, has
from services.support.application.ports import Search, Tickets, Vault
from services.support.application.tickets import Acting, Owns
from services.support.domain.texts import tidy
from services.support.domain.tickets import Doing, Ticket
from services.support.entrypoints.bodies import (
    AssignmentBody,
    DeskTicketAnswer,
    PriorityBody,
    QueueAnswer,
    QueuedTicket,
    Text,
    TransferBody,
)
from services.support.entrypoints.outcomes import done, handed
from services.support.entrypoints.tickets import Filter, Id, MaybeFiles, Sha
from shared.runtime.caller import DeskAgent, desk_agent
from shared.runtime.problems import not_found
from shared.runtime.uploads import Uploaded
from shared.vocabulary.tickets import Desk, Priority, Side, TicketAct, TicketStatus

Agent = Annotated[DeskAgent, Depends(desk_agent)]


def create_desks_router(tickets: Tickets, vault: Vault, desks: Desks, acting: Acting) -> APIRouter:
    """Build the routes of the desks."""
    router = APIRouter(prefix="/desk/tickets", tags=["bureaux"])
    _add_reading(router, tickets, vault, desks)
    _add_speaking(router, desks, acting)
    _add_handling(router, desks, acting)
    return router


def _add_reading(router: APIRouter, tickets: Tickets, vault: Vault, desks: Desks) -> None:
    @router.get("", summary="La file du bureau : le plus urgent, puis le plus ancien.")
    async def queue(
        *,
        agent: Agent,
        query: Annotated[str, Query(max_length=200, description="Numéro ou mots.")] = "",
        status: TicketStatus | None = None,
        priority: Priority | None = None,
        sub_category: Filter = None,
        assignee: Filter = None,
        dossier: Filter = None,
        piece: Filter = None,
        after: Annotated[str, Query(max_length=200)] = "",
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> QueueAnswer:
        wanted = Search(
            query=query,
            status=status,
            sub_category=sub_category,
            dossier=dossier,
            piece=piece,
            assignee=assignee,
            priority=priority,
            after=after,
            limit=limit,
        )
        page = await desks.queue(agent.desk, agent.structure, wanted)
        return QueueAnswer(
            tickets=tuple(QueuedTicket.queued(each) for each in page.tickets),
            next=page.next,
            counts=dict(page.counts),
        )

    @router.get("/{ticket_id}", summary="Lire un ticket du bureau.")
    async def read(agent: Agent, ticket_id: Id) -> DeskTicketAnswer:
        found = await desks.find(ticket_id, agent.desk, agent.structure)
        if found is None:
            raise not_found("Ticket")
        return DeskTicketAnswer.at_desk(found)

    @router.get("/{ticket_id}/attachments/{sha256}", summary="Télécharger une pièce jointe.")
    async def file(agent: Agent, ticket_id: Id, sha256: Sha) -> Response:
        ticket = await tickets.find(ticket_id)
        if ticket is None or not _held(agent)(ticket):
            raise not_found("Ticket")
        return await handed(vault, ticket, sha256)


def _add_speaking(router: APIRouter, desks: Desks, acting: Acting) -> None:
    async def say(
        agent: DeskAgent, ticket_id: str, act: TicketAct, text: str, files: MaybeFiles
    ) -> DeskTicketAnswer:
        doing = Doing(act, Side.BUREAU, agent.name, text=tidy(text))
        uploads = [Uploaded(each) for each in files or []]
        return _shown(desks, done(await acting.act(ticket_id, _held(agent), doing, uploads)).ticket)

    @router.post("/{ticket_id}/messages", status_code=201, summary="Répondre.")
    async def answer(
        agent: Agent, ticket_id: Id, text: Annotated[Text, Form()], attachments: MaybeFiles = None
    ) -> DeskTicketAnswer:
        return await say(agent, ticket_id, TicketAct.REPONDRE, text, attachments)

    @router.post("/{ticket_id}/questions", status_code=201, summary="Demander une précision.")
    async def ask(
        agent: Agent, ticket_id: Id, text: Annotated[Text, Form()], attachments: MaybeFiles = None
    ) -> DeskTicketAnswer:
        return await say(agent, ticket_id, TicketAct.DEMANDER, text, attachments)

    @router.post("/{ticket_id}/resolution", summary="Résoudre, et dire comment.")
    async def resolve(
        agent: Agent, ticket_id: Id, text: Annotated[Text, Form()], attachments: MaybeFiles = None
    ) -> DeskTicketAnswer:
        return await say(agent, ticket_id, TicketAct.RESOUDRE, text, attachments)


def _add_handling(router: APIRouter, desks: Desks, acting: Acting) -> None:
    async def act(agent: DeskAgent, ticket_id: str, doing: Doing) -> Ticket:
        return done(await acting.act(ticket_id, _held(agent), doing)).ticket

    @router.put("/{ticket_id}/assignee", summary="Prendre un ticket en charge, ou le confier.")
    async def assign(agent: Agent, ticket_id: Id, body: AssignmentBody) -> DeskTicketAnswer:
        assignee = (body.assignee or "").strip() or agent.name
        doing = Doing(TicketAct.PRENDRE_EN_CHARGE, Side.BUREAU, agent.name, assignee=assignee)
        return _shown(desks, await act(agent, ticket_id, doing))

    @router.put("/{ticket_id}/priority", summary="Changer la priorité.")
    async def prioritise(agent: Agent, ticket_id: Id, body: PriorityBody) -> DeskTicketAnswer:
        doing = Doing(TicketAct.PRIORISER, Side.BUREAU, agent.name, priority=body.priority)
        return _shown(desks, await act(agent, ticket_id, doing))

    @router.post(
        "/{ticket_id}/transfer",
        status_code=204,
        summary="Transférer à un autre bureau, et dire pourquoi : le ticket n'est plus ici.",
    )
    async def transfer(agent: Agent, ticket_id: Id, body: TransferBody) -> None:
        is_business = body.desk is Desk.METIER and body.recipient
        doing = Doing(
            TicketAct.TRANSFERER,
            Side.BUREAU,
            agent.name,
            text=tidy(body.reason),
            desk=body.desk,
            recipient=body.recipient.to_domain() if is_business and body.recipient else None,
        )
        await act(agent, ticket_id, doing)


def _held(agent: DeskAgent) -> Owns:
    return lambda ticket: has(ticket, agent.desk, agent.structure)


def _shown(desks: Desks, ticket: Ticket) -> DeskTicketAnswer:
    clocked: Clocked | None = desks.clocked(ticket)
    if clocked is None:
        raise not_found("Ticket")
    return DeskTicketAnswer.at_desk(clocked)
