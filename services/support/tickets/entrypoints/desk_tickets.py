"""HTTP routes of the desks: queue, assignment, answers, transfer, resolution."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Response

from services.support.access.entrypoints.authentication import Agent
from services.support.access.entrypoints.requests import Id, Text
from services.support.desks.domain.catalogue import Catalogue
from services.support.tickets.application.access import TicketAccess
from services.support.tickets.application.actions import Actions
from services.support.tickets.application.desk_queues import DeskQueues, is_at_desk
from services.support.tickets.application.ports import Tickets
from services.support.tickets.domain.tickets import Action
from services.support.tickets.entrypoints.answers import (
    DeskTicketAnswer,
    QueuedTicketAnswer,
    TicketQueueAnswer,
)
from services.support.tickets.entrypoints.follow_up import FileName, MaybeFiles, Sha
from services.support.tickets.entrypoints.outcomes import (
    download_attachment,
    require_done,
)
from services.support.tickets.entrypoints.requests import (
    AssignmentRequest,
    DeskSearchQuery,
    PriorityRequest,
    TransferRequest,
)
from shared.application.idempotency import name_agent_owner
from shared.application.uploads import FileStore
from shared.runtime.web.idempotency import IdempotencyKey
from shared.runtime.web.problems import build_not_found, build_refused
from shared.runtime.web.request_validation import DescribedRoute
from shared.runtime.web.uploads import wrap_uploads
from shared.vocabulary.tickets import Side, TicketAct


def build_access(agent: Agent, ticket_id: Id) -> TicketAccess:
    """Build the access of a desk to a ticket; tickets of other desks are not found."""
    return TicketAccess(
        ticket_id,
        lambda ticket: is_at_desk(ticket, agent.desk, agent.structure),
        key_owner=name_agent_owner(agent.desk, agent.structure, agent.id),
        user=agent.id,
    )


DeskAccess = Annotated[TicketAccess, Depends(build_access)]
_REPLIES = (
    ("send_answer", "messages", 201, TicketAct.REPONDRE, "Répondre."),
    ("ask_question", "questions", 201, TicketAct.DEMANDER, "Demander une précision."),
    ("resolve_ticket", "resolution", 200, TicketAct.RESOUDRE, "Résoudre, et dire comment."),
)
"""Routes of the replies of a desk: name, path, HTTP status, act and summary."""


def create_desk_tickets_router(
    tickets: Tickets,
    vault: FileStore,
    catalogue: Catalogue,
    desks: DeskQueues,
    actions: Actions,
) -> APIRouter:
    """Build the routes of the desks."""
    router = APIRouter(route_class=DescribedRoute, prefix="/desk/tickets", tags=["bureaux"])
    _add_read_routes(router, tickets, vault, catalogue, desks)
    for name, path, status, act, summary in _REPLIES:
        add = router.post(f"/{{ticket_id}}/{path}", name=name, status_code=status, summary=summary)
        add(_build_reply_route(act, desks, actions))
    _add_action_routes(router, desks, actions)
    return router


def _add_read_routes(
    router: APIRouter,
    tickets: Tickets,
    vault: FileStore,
    catalogue: Catalogue,
    desks: DeskQueues,
) -> None:
    @router.get("", summary="La file du bureau : le plus urgent, puis le plus ancien.")
    async def list_desk_tickets(
        agent: Agent, wanted: Annotated[DeskSearchQuery, Query()]
    ) -> TicketQueueAnswer:
        if violations := tuple(wanted.judge(catalogue)):
            raise build_refused(violations)
        page = await desks.list_queue(agent.desk, agent.structure, wanted.to_domain())
        return TicketQueueAnswer(
            tickets=tuple(QueuedTicketAnswer.show_queued(each) for each in page.tickets),
            next=page.next,
            counts=dict(page.counts),
        )

    @router.get("/{ticket_id}", summary="Lire un ticket du bureau.")
    async def read_desk_ticket(agent: Agent, ticket_id: Id) -> DeskTicketAnswer:
        found = await desks.find(ticket_id, agent.desk, agent.structure)
        if found is None:
            raise build_not_found("Ticket")
        return DeskTicketAnswer.show_at_desk(found)

    @router.get(
        "/{ticket_id}/attachments/{sha256}",
        summary="Télécharger une pièce jointe.",
        response_class=Response,
    )
    async def download_desk_attachment(
        access: DeskAccess, sha256: Sha, name: FileName = None
    ) -> Response:
        ticket = await tickets.find(access.ticket)
        if ticket is None or not access.can_see(ticket):
            raise build_not_found("Ticket")
        return await download_attachment(vault, ticket, sha256, name)


def _build_reply_route(
    act: TicketAct, desks: DeskQueues, actions: Actions
) -> Callable[..., Awaitable[DeskTicketAnswer]]:
    async def reply(
        *,
        agent: Agent,
        access: DeskAccess,
        text: Annotated[Text, Form()],
        attachments: MaybeFiles = None,
        idempotency_key: IdempotencyKey = None,
        response: Response,
    ) -> DeskTicketAnswer:
        action = Action(act, Side.BUREAU, agent.name, text=text)
        outcome = await actions.apply(access, action, wrap_uploads(attachments), idempotency_key)
        return DeskTicketAnswer.show_at_desk(desks.measure(require_done(outcome, response).ticket))

    return reply


def _add_action_routes(router: APIRouter, desks: DeskQueues, actions: Actions) -> None:
    async def apply_and_show(
        access: TicketAccess, action: Action, key: str | None, response: Response
    ) -> DeskTicketAnswer:
        outcome = await actions.apply(access, action, key=key)
        return DeskTicketAnswer.show_at_desk(desks.measure(require_done(outcome, response).ticket))

    @router.put("/{ticket_id}/assignee", summary="Prendre un ticket en charge, ou le confier.")
    async def assign_ticket(
        agent: Agent,
        access: DeskAccess,
        body: AssignmentRequest,
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> DeskTicketAnswer:
        action = Action(
            TicketAct.PRENDRE_EN_CHARGE,
            Side.BUREAU,
            agent.name,
            assignee=body.assignee or agent.name,
            instead_of=body.instead_of or None,
        )
        return await apply_and_show(access, action, idempotency_key, response)

    @router.put("/{ticket_id}/priority", summary="Changer la priorité.")
    async def prioritise_ticket(
        agent: Agent,
        access: DeskAccess,
        body: PriorityRequest,
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> DeskTicketAnswer:
        action = Action(TicketAct.PRIORISER, Side.BUREAU, agent.name, priority=body.priority)
        return await apply_and_show(access, action, idempotency_key, response)

    @router.post(
        "/{ticket_id}/transfer",
        status_code=204,
        summary="Transférer à un autre bureau, et dire pourquoi : le ticket n'est plus ici.",
    )
    async def transfer_ticket(
        agent: Agent,
        access: DeskAccess,
        body: TransferRequest,
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> None:
        action = Action(
            TicketAct.TRANSFERER,
            Side.BUREAU,
            agent.name,
            text=body.reason,
            desk=body.desk,
            recipient=body.to_recipient(),
        )
        require_done(await actions.apply(access, action, key=idempotency_key), response)
