"""Entitlement of a subscription: may its owner still read what it is sent?"""

import asyncio
import math

from services.notification.subscriptions.domain.subscription import Subscription
from shared.rights.catalogue import find_application_of_role
from shared.rights.decide import may_use
from shared.rights.model import Level
from shared.runtime.messaging.directory import Directory
from shared.runtime.messaging.principals import Principals
from shared.vocabulary.actors import Actor

_RECENT_S, _RECENT_LIMIT = 1.0, 10_000
"""For so long a judgement is used again, in seconds, and of so many at most: fifty subscribers of
one owner are told the same status at the same moment."""


class Entitlement:
    """Judges the owner of a subscription by the rights that are projected."""

    def __init__(self, principals: Principals, directory: Directory) -> None:
        """Use these read models."""
        self._principals = principals
        self._directory = directory
        self._recent: dict[tuple[str, Actor], tuple[float, bool]] = {}
        """What was judged lately: when, by the loop's clock, and how."""

    async def may_read(self, subscription: Subscription) -> bool:
        """Tell whether the owner may read the pieces of the actor, as of a second ago at most."""
        now = asyncio.get_running_loop().time()
        asked = (subscription.owner, subscription.actor)
        judged_at, may = self._recent.get(asked, (-math.inf, False))
        if now - judged_at > _RECENT_S:
            may = await self._judge(*asked)
            if len(self._recent) >= _RECENT_LIMIT:
                self._recent.clear()
            self._recent[asked] = (now, may)
        return may

    async def _judge(self, owner: str, actor: Actor) -> bool:
        return may_use(
            find_application_of_role(actor.role),
            Level.CONSULTATION,
            await self._principals.find_by_id(owner),
            await self._directory.find_known(actor.structure),
            actor.structure,
            actor.service,
        )
