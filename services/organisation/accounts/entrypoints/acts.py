"""Who asks for a change about the structure of the path, as parameters of routes."""

from typing import Annotated

from fastapi import Depends

from services.organisation.accounts.entrypoints.outcomes import require_own
from services.organisation.accounts.entrypoints.requests import StructureId
from services.organisation.audit.application.acts import Act
from shared.runtime.web.caller import Who
from shared.runtime.web.idempotency import IdempotencyKey


def read_own_structure(structure: StructureId, who: Who) -> str:
    """Return the structure of the path. Raises a 403 problem when the caller acts for another."""
    require_own(who, structure)
    return structure


Own = Annotated[str, Depends(read_own_structure)]


def read_act(structure: Own, who: Who, idempotency_key: IdempotencyKey = None) -> Act:
    """Read who asks for what may be repeated under a key."""
    return Act(who.user or "", structure, idempotency_key)


def read_unkeyed_act(structure: Own, who: Who) -> Act:
    """Read who asks for what changes nothing more when it is repeated."""
    return Act(who.user or "", structure)


KeyedAct = Annotated[Act, Depends(read_act)]
UnkeyedAct = Annotated[Act, Depends(read_unkeyed_act)]
