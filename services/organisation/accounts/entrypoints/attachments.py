"""HTTP routes of the users of a structure: attachments, managers, habilitations, requests."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from services.organisation.accounts.application.attachments import AttachedUser, Attachments
from services.organisation.accounts.application.outcomes import Outcome
from services.organisation.accounts.application.ports import Accounts
from services.organisation.accounts.application.requests import Requests
from services.organisation.accounts.domain.accounts import AttachmentStatus
from services.organisation.accounts.domain.requests import RequestStatus
from services.organisation.accounts.entrypoints.answers import (
    AttachedUserAnswer,
    AttachedUsersAnswer,
    HabilitationRequestAnswer,
    HabilitationRequestsAnswer,
)
from services.organisation.accounts.entrypoints.outcomes import require_done, require_own
from services.organisation.accounts.entrypoints.requests import (
    AttachmentDecisionRequest,
    DecisionRequest,
    HabilitationsRequest,
    Id,
    ManagerRequest,
    PageQuery,
    PublicManagementAccountRequest,
    StructureId,
    UserId,
    read_habilitations,
)
from shared.runtime.web.caller import Who
from shared.runtime.web.etags import Matching, format_etag
from shared.runtime.web.idempotency import IdempotencyKey
from shared.runtime.web.request_validation import DescribedRoute

RequestId = Annotated[Id, Path(alias="request_id")]


class AttachmentsQuery(PageQuery):
    """Page of the users of a structure."""

    status: AttachmentStatus | None = None


class RequestsQuery(PageQuery):
    """Page of the requests for habilitations in a structure."""

    status: RequestStatus | None = None


def create_attachments_router(accounts: Accounts, attachments: Attachments) -> APIRouter:
    """Build the routes of attachments."""
    router = APIRouter(
        route_class=DescribedRoute,
        prefix="/structures/{structure_id}/attachments",
        tags=["rattachements"],
    )

    @router.post(
        "",
        status_code=201,
        summary="Demander son rattachement à une structure.",
        description="Qui s'est connecté avec le SIRET d'une structure sans gestionnaire en devient "
        "aussitôt le premier gestionnaire principal.",
    )
    async def ask_attachment(
        who: Who, structure: StructureId, response: Response, idempotency_key: IdempotencyKey = None
    ) -> AttachedUserAnswer:
        return _show(await attachments.ask(who, structure, idempotency_key), response)

    @router.get("", summary="Lister les utilisateurs d'une structure, et qui demande à l'être.")
    async def list_attachments(
        who: Who, structure: StructureId, wanted: Annotated[AttachmentsQuery, Query()]
    ) -> AttachedUsersAnswer:
        require_own(who, structure)
        found = await accounts.list_attached(structure, wanted.status, wanted.to_search())
        page = found[: wanted.limit]
        lines = [
            AttachedUserAnswer.of(each, attachment)
            for each in page
            if (attachment := each.find(structure))
        ]
        is_last = len(found) <= wanted.limit
        return AttachedUsersAnswer(attachments=lines, next=None if is_last else page[-1].id)

    @router.post("/{user_id}/decision", summary="Approuver ou refuser un rattachement.")
    async def decide_attachment(
        who: Who,
        structure: StructureId,
        user: UserId,
        body: AttachmentDecisionRequest,
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> AttachedUserAnswer:
        require_own(who, structure)
        if body.is_approval:
            approval = body.to_approval()
            outcome = await attachments.approve(who, structure, user, approval, idempotency_key)
        else:
            outcome = await attachments.refuse(who, structure, user, body.reason, idempotency_key)
        return _show(outcome, response)

    @router.delete("/{user_id}", summary="Mettre fin au rattachement d'un utilisateur.")
    async def end_attachment(
        who: Who, structure: StructureId, user: UserId, response: Response
    ) -> AttachedUserAnswer:
        require_own(who, structure)
        return _show(await attachments.end(who, structure, user), response)

    @router.put("/{user_id}/manager", summary="Nommer un gestionnaire, ou mettre fin à ce rôle.")
    async def set_manager(
        who: Who, structure: StructureId, user: UserId, body: ManagerRequest, response: Response
    ) -> AttachedUserAnswer:
        require_own(who, structure)
        return _show(await attachments.set_manager(who, structure, user, body.manager), response)

    @router.put(
        "/{user_id}/public-management-account",
        summary="Enregistrer qu'un utilisateur a un compte au PIGP, ou n'en a pas.",
        description="Chaque gestionnaire, principal ou secondaire, en a un avant que la structure "
        "devienne publique ; le mandant le demande à la DGFiP.",
    )
    async def record_public_management_account(
        who: Who,
        structure: StructureId,
        user: UserId,
        body: PublicManagementAccountRequest,
        response: Response,
    ) -> AttachedUserAnswer:
        require_own(who, structure)
        outcome = await attachments.record_public_management_account(
            who, structure, user, is_held=body.held
        )
        return _show(outcome, response)

    @router.put("/{user_id}/habilitations", summary="Remplacer les habilitations d'un utilisateur.")
    async def set_habilitations(
        who: Who,
        structure: StructureId,
        user: UserId,
        matching: Matching,
        body: HabilitationsRequest,
        response: Response,
    ) -> AttachedUserAnswer:
        require_own(who, structure)
        wanted = read_habilitations(body.habilitations)
        outcome = await attachments.set_habilitations(who, structure, user, wanted, matching)
        return _show(outcome, response)

    return router


def create_requests_router(accounts: Accounts, requests: Requests) -> APIRouter:
    """Build the routes of the requests for habilitations in a structure."""
    router = APIRouter(
        route_class=DescribedRoute,
        prefix="/structures/{structure_id}/habilitation-requests",
        tags=["habilitations"],
    )

    @router.get("", summary="Lister les demandes d'habilitations, la plus ancienne d'abord.")
    async def list_requests(
        who: Who, structure: StructureId, wanted: Annotated[RequestsQuery, Query()]
    ) -> HabilitationRequestsAnswer:
        require_own(who, structure)
        found = await accounts.list_requests(structure, wanted.status, wanted.to_search())
        page = found[: wanted.limit]
        people = await accounts.find_emails({each.user for each in page})
        is_last = len(found) <= wanted.limit
        return HabilitationRequestsAnswer(
            requests=[HabilitationRequestAnswer.of(each, people) for each in page],
            next=None if is_last else page[-1].id,
        )

    @router.post("/{request_id}/decision", summary="Approuver ou refuser des habilitations.")
    async def decide_request(
        who: Who,
        structure: StructureId,
        request: RequestId,
        body: DecisionRequest,
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> HabilitationRequestAnswer:
        require_own(who, structure)
        outcome = await requests.decide(
            who,
            structure,
            request,
            body.reason,
            idempotency_key,
            is_approved=body.is_approval,
        )
        decided = require_done(outcome, response)
        return HabilitationRequestAnswer.of(decided, await accounts.find_emails([decided.user]))

    return router


def _show(outcome: Outcome[AttachedUser], response: Response) -> AttachedUserAnswer:
    attached = require_done(outcome, response)
    response.headers["ETag"] = format_etag(attached.attachment.version)
    return AttachedUserAnswer.show(attached)
