"""Idempotency of acts on tickets: the answer to a request that is sent again with its key."""

from services.support.tickets.application.outcomes import Done, NotFound, Refused
from services.support.tickets.application.ports import Tickets
from services.support.tickets.domain import rules as ticket_rules
from services.support.tickets.domain.tickets import Ticket
from shared.application.idempotency import Key, UsedKey


async def find_with_key(
    tickets: Tickets, ticket: str, key: Key | None
) -> tuple[Ticket | None, UsedKey | None]:
    """Read a ticket and the use of an idempotency key, consistently."""
    found, used = await tickets.find(ticket), await tickets.find_key_use(key)
    # Both are written together: a ticket that is read after the use of the key shows its effect.
    return (await tickets.find(ticket) if used else found), used


def answer_repeat(
    used: UsedKey, key: Key | None, ticket: Ticket | None
) -> Done | Refused | NotFound:
    """Answer a repeated request with its result, or refuse a key sent with other contents.

    `ticket` is None when the result is gone: a draft that was discarded since.
    """
    if not used.is_of(key):
        return Refused((ticket_rules.KEY_REUSED.build_violation("Idempotency-Key"),))
    return Done(ticket, is_replay=True) if ticket else NotFound()
