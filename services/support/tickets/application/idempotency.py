"""Idempotency keys of tickets: their fingerprint, and the answer to a repeated request."""

import asyncio
import hashlib
from collections.abc import Sequence

from services.support.tickets.application.outcomes import Done, Refused
from services.support.tickets.application.ports import Key, Tickets, Upload, Used
from services.support.tickets.domain import rules as ticket_rules
from services.support.tickets.domain.tickets import Ticket


async def key_of(
    owner: str, key: str | None, said: object, uploads: Sequence[Upload]
) -> Key | None:
    """Tie a key to its owner and to what it is sent with; None where there is none."""
    return Key(owner, key, await _fingerprint(repr(said), uploads)) if key else None


async def _fingerprint(said: str, uploads: Sequence[Upload]) -> str:
    """Identify what was sent, to the byte."""
    digest = hashlib.sha256(said.encode())
    for upload in uploads:
        # Beside the event loop, which others wait for: an attachment may be large.
        content = await asyncio.to_thread(hashlib.sha256, await upload.read())
        digest.update(f"\n{content.hexdigest()} {upload.name}".encode())
    return digest.hexdigest()


async def looked_up(
    tickets: Tickets, ticket: str, key: Key | None
) -> tuple[Ticket | None, Used | None]:
    """Read a ticket and what a key served for, as they are at one moment."""
    found, used = await tickets.find(ticket), await tickets.used(key)
    # What was done with the key since is in the ticket now: the two are written together.
    return (await tickets.find(ticket) if used else found), used


def again(used: Used, key: Key | None, ticket: Ticket | None) -> Done | Refused:
    """Answer what is sent again with its key: by what was done, unless it is something else."""
    if key is None or ticket is None or used.fingerprint != key.fingerprint:
        return Refused((ticket_rules.KEY_REUSED.broken("Idempotency-Key"),))
    return Done(ticket, is_replay=True)
