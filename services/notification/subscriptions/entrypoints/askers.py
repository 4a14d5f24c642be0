"""Who asks for a change of a subscription, as parameters of routes."""

from dataclasses import replace
from typing import Annotated

from fastapi import Depends

from services.notification.subscriptions.application.book import Asker
from shared.rights.catalogue import find_application_of_role
from shared.rights.model import Level
from shared.runtime.web.caller import Caller, Who
from shared.runtime.web.idempotency import IdempotencyKey


def read_unkeyed_asker(who: Who, actor: Caller) -> Asker:
    """Read who asks for what changes nothing more when it is repeated."""
    application = find_application_of_role(actor.role)
    return Asker(who.user or "", actor, who.email, who.may(application, Level.MODIFICATION))


def read_asker(who: Who, actor: Caller, idempotency_key: IdempotencyKey = None) -> Asker:
    """Read who asks for what may be repeated under a key."""
    return replace(read_unkeyed_asker(who, actor), key=idempotency_key)


KeyedAsker = Annotated[Asker, Depends(read_asker)]
UnkeyedAsker = Annotated[Asker, Depends(read_unkeyed_asker)]
