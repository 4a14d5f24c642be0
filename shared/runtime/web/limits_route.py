"""Route of every service by which a caller reads its limits: GET /limits."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from shared.rights.model import Requester
from shared.runtime.web.caller import Who
from shared.runtime.web.caller_counts import Usage
from shared.runtime.web.caller_limits import NAME, CallerLimits, build_limit_headers
from shared.runtime.web.request_validation import DescribedRoute


@dataclass(frozen=True, slots=True)
class Limit:
    """Limit that a caller can read: of requests in a window, or of what it holds at once."""

    name: str
    counted: str
    """What is counted, in French."""
    limit: int
    used: int
    window_s: int | None = None
    resets_at: datetime | None = None

    @property
    def remaining(self) -> int:
        """What the caller may still use."""
        return max(0, self.limit - self.used)


ListLimits = Callable[[Requester], Awaitable[Sequence[Limit]]]
"""Lists limits of a service that apply to a caller."""


class LimitAnswer(BaseModel):
    """A limit that applies to the caller."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    name: str = Field(description="Nom de la limite, stable.")
    counted: str = Field(description="Ce qui est compté, en français.")
    window_s: int | None = Field(
        description="Durée de la fenêtre, en secondes ; absente pour ce qui est ouvert à la fois."
    )
    limit: int
    used: int
    remaining: int
    resets_at: datetime | None = Field(description="Fin de la fenêtre, où le compte repart à 0.")


class LimitsAnswer(BaseModel):
    """The limits that apply to the caller in this service."""

    model_config = ConfigDict(frozen=True)

    limits: list[LimitAnswer]

    @classmethod
    def of(cls, limits: Sequence[Limit]) -> Self:
        """Show limits."""
        return cls(limits=[LimitAnswer.model_validate(each) for each in limits])


def create_limits_router(requests: CallerLimits, others: Sequence[ListLimits]) -> APIRouter:
    """Build the route, which shows the limit of requests, then the others."""
    router = APIRouter(route_class=DescribedRoute, tags=["limites"])

    @router.get("/limits", summary="Les limites de l'appelant, et ce qu'il en a utilisé.")
    async def read_limits(who: Who, response: Response) -> LimitsAnswer:
        shown: list[Limit] = []
        if usage := await requests.read(who):
            response.headers.update(build_limit_headers(usage))
            shown.append(_show_requests(usage))
        for list_limits in others:
            shown += await list_limits(who)
        return LimitsAnswer.of(shown)

    return router


def _show_requests(usage: Usage) -> Limit:
    return Limit(
        name=NAME,
        counted="Demandes de l'appelant à ce service, celle-ci comprise",
        limit=usage.limit,
        used=usage.used,
        window_s=usage.window_s,
        resets_at=datetime.fromtimestamp(usage.ends_at, UTC),
    )
