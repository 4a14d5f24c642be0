"""HTTP route of the audit trail of a structure."""

from collections.abc import Sequence
from typing import Annotated, Protocol

from fastapi import APIRouter, Query

from services.organisation.accounts.entrypoints.answers import AuditAnswer, AuditEntryAnswer
from services.organisation.accounts.entrypoints.outcomes import require_own
from services.organisation.accounts.entrypoints.requests import StructureId
from services.organisation.audit.domain.entries import RecordedEntry
from shared.runtime.web.caller import Who
from shared.runtime.web.request_validation import DescribedRoute

_PAGE_LIMIT = 200
_RANK_MAX = 10**8 - 1


class Trail(Protocol):
    """Audit trail, read by entity."""

    async def list(self, entity: str, after: int, limit: int) -> Sequence[RecordedEntry]:
        """List the entries of an entity, oldest first, from the one after rank `after`."""


def create_audit_router(trail: Trail) -> APIRouter:
    """Build the route of the audit trail."""
    router = APIRouter(route_class=DescribedRoute, tags=["structures"])

    @router.get(
        "/structures/{structure_id}/audit",
        summary="Lire la piste d'audit d'une structure, la plus ancienne entrée d'abord.",
    )
    async def read_audit(
        who: Who,
        structure: StructureId,
        after: Annotated[int, Query(ge=0, lt=_RANK_MAX)] = 0,
        limit: Annotated[int, Query(ge=1, le=_PAGE_LIMIT)] = 50,
    ) -> AuditAnswer:
        require_own(who, structure)
        found = await trail.list(structure, after, limit + 1)
        page = found[:limit]
        return AuditAnswer(
            entries=[AuditEntryAnswer.of(each) for each in page],
            next=page[-1].rank if len(found) > limit else None,
        )

    return router
