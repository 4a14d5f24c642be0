"""HTTP routes of the invitations of a structure, and of its audit trail."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from services.organisation.accounts.application.invitations import Invitations
from services.organisation.accounts.application.ports import Accounts
from services.organisation.accounts.domain.links import LinkStatus
from services.organisation.accounts.entrypoints.answers import (
    InvitationAnswer,
    InvitationsAnswer,
)
from services.organisation.accounts.entrypoints.outcomes import require_done, require_own
from services.organisation.accounts.entrypoints.requests import (
    Id,
    InvitationRequest,
    PageQuery,
    StructureId,
)
from shared.runtime.web.caller import Who
from shared.runtime.web.idempotency import IdempotencyKey
from shared.runtime.web.request_validation import DescribedRoute

InvitationId = Annotated[Id, Path(alias="invitation_id")]


class InvitationsQuery(PageQuery):
    """Page of the invitations of a structure."""

    status: LinkStatus | None = None


def create_invitations_router(accounts: Accounts, invitations: Invitations) -> APIRouter:
    """Build the routes of the invitations of a structure."""
    router = APIRouter(
        route_class=DescribedRoute,
        prefix="/structures/{structure_id}/invitations",
        tags=["rattachements"],
    )

    @router.post("", status_code=201, summary="Inviter une personne par son adresse.")
    async def invite_person(
        who: Who,
        structure: StructureId,
        body: InvitationRequest,
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> InvitationAnswer:
        require_own(who, structure)
        outcome = await invitations.invite(
            who, structure, body.email, body.to_approval(), idempotency_key
        )
        return InvitationAnswer.of(require_done(outcome, response))

    @router.get("", summary="Lister les invitations d'une structure, la plus ancienne d'abord.")
    async def list_invitations(
        who: Who, structure: StructureId, wanted: Annotated[InvitationsQuery, Query()]
    ) -> InvitationsAnswer:
        require_own(who, structure)
        found = await accounts.list_invitations(structure, wanted.status, wanted.to_search())
        page = found[: wanted.limit]
        is_last = len(found) <= wanted.limit
        return InvitationsAnswer(
            invitations=[InvitationAnswer.of(each) for each in page],
            next=None if is_last else page[-1].id,
        )

    @router.delete("/{invitation_id}", summary="Retirer une invitation : son lien ne sert plus.")
    async def withdraw_invitation(
        who: Who, structure: StructureId, invitation: InvitationId, response: Response
    ) -> InvitationAnswer:
        require_own(who, structure)
        outcome = await invitations.withdraw(who, structure, invitation)
        return InvitationAnswer.of(require_done(outcome, response))

    return router
