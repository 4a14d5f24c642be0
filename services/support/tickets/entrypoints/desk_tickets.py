"""HTTP routes of the desks: queue, assignment, answers, transfer, resolution."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Response

from services.support.desks.entrypoints.authentication import Agent
from services.support.desks.entrypoints.bodies import Id, Text
from services.support.tickets.application.access import Claim
from services.support.tickets.application.actions import Acting
from services.support.tickets.application.desk_queues import Desks, has
from services.support.tickets.application.ports import Tickets
from services.support.tickets.domain.tickets import Doing
from services.support.tickets.entrypoints.answers import DeskTicketAnswer, QueueAnswer, QueuedTicket
from services.support.tickets.entrypoints.bodies import (
    AssignmentBody,
    DeskSearchQuery,
    PriorityBody,
    TransferBody,
)
from services.support.tickets.entrypoints.follow_up import FileName, MaybeFiles, Sha
from services.support.tickets.entrypoints.outcomes import done, handed, mark_replay
from shared.application.uploads import Vault
from shared.runtime.web.idempotency import IdempotencyKey
from shared.runtime.web.problems import not_found
from shared.runtime.web.request_validation import DescribedRoute
from shared.runtime.web.uploads import uploaded
from shared.vocabulary.tickets import Side, TicketAct


def claim(agent: Agent, ticket_id: Id) -> Claim:
    """Claim a ticket that one's desk has; all others do not exist for it."""
    return Claim(
        ticket_id,
        lambda ticket: has(ticket, agent.desk, agent.structure),
        by=repr((agent.desk.value, agent.structure, agent.name)),
    )


Held = Annotated[Claim, Depends(claim)]
_SPEAKING = (
    ("messages", 201, TicketAct.REPONDRE, "Répondre."),
    ("questions", 201, TicketAct.DEMANDER, "Demander une précision."),
    ("resolution", 200, TicketAct.RESOUDRE, "Résoudre, et dire comment."),
)
"""What a desk says to who asks: under which path, with which status, by which act."""


def create_desks_router(tickets: Tickets, vault: Vault, desks: Desks, acting: Acting) -> APIRouter:
    """Build the routes of the desks."""
    router = APIRouter(route_class=DescribedRoute, prefix="/desk/tickets", tags=["bureaux"])
    _add_reading(router, tickets, vault, desks)
    for path, status, act, summary in _SPEAKING:
        add = router.post(f"/{{ticket_id}}/{path}", status_code=status, summary=summary)
        add(_speaking(act, desks, acting))
    _add_handling(router, desks, acting)
    return router


def _add_reading(router: APIRouter, tickets: Tickets, vault: Vault, desks: Desks) -> None:
    @router.get("", summary="La file du bureau : le plus urgent, puis le plus ancien.")
    async def queue(agent: Agent, wanted: Annotated[DeskSearchQuery, Query()]) -> QueueAnswer:
        page = await desks.queue(agent.desk, agent.structure, wanted.to_domain())
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

    @router.get(
        "/{ticket_id}/attachments/{sha256}",
        summary="Télécharger une pièce jointe.",
        response_class=Response,
    )
    async def file(held: Held, sha256: Sha, name: FileName = None) -> Response:
        ticket = await tickets.find(held.ticket)
        if ticket is None or not held.owns(ticket):
            raise not_found("Ticket")
        return await handed(vault, ticket, sha256, name)


def _speaking(
    act: TicketAct, desks: Desks, acting: Acting
) -> Callable[..., Awaitable[DeskTicketAnswer]]:
    async def speak(
        *,
        agent: Agent,
        held: Held,
        text: Annotated[Text, Form()],
        attachments: MaybeFiles = None,
        idempotency_key: IdempotencyKey = None,
        response: Response,
    ) -> DeskTicketAnswer:
        doing = Doing(act, Side.BUREAU, agent.name, text=text)
        spoken = done(await acting.act(held, doing, uploaded(attachments), idempotency_key))
        mark_replay(response, spoken)
        return DeskTicketAnswer.at_desk(desks.clocked(spoken.ticket))

    return speak


def _add_handling(router: APIRouter, desks: Desks, acting: Acting) -> None:
    async def shown(held: Claim, doing: Doing) -> DeskTicketAnswer:
        return DeskTicketAnswer.at_desk(desks.clocked(done(await acting.act(held, doing)).ticket))

    @router.put("/{ticket_id}/assignee", summary="Prendre un ticket en charge, ou le confier.")
    async def assign(agent: Agent, held: Held, body: AssignmentBody) -> DeskTicketAnswer:
        doing = Doing(
            TicketAct.PRENDRE_EN_CHARGE,
            Side.BUREAU,
            agent.name,
            assignee=body.assignee or agent.name,
            instead_of=body.instead_of or None,
        )
        return await shown(held, doing)

    @router.put("/{ticket_id}/priority", summary="Changer la priorité.")
    async def prioritise(agent: Agent, held: Held, body: PriorityBody) -> DeskTicketAnswer:
        act = TicketAct.PRIORISER
        return await shown(held, Doing(act, Side.BUREAU, agent.name, priority=body.priority))

    @router.post(
        "/{ticket_id}/transfer",
        status_code=204,
        summary="Transférer à un autre bureau, et dire pourquoi : le ticket n'est plus ici.",
    )
    async def transfer(agent: Agent, held: Held, body: TransferBody) -> None:
        doing = Doing(
            TicketAct.TRANSFERER,
            Side.BUREAU,
            agent.name,
            text=body.reason,
            desk=body.desk,
            recipient=body.to_recipient(),
        )
        done(await acting.act(held, doing))
