"""Use case of the acts on a submitted ticket: write, assign, transfer, settle, rate."""

from collections.abc import Sequence
from dataclasses import replace

from services.support.desks.application.directory import named
from services.support.tickets.application.access import Claim, Ready, ready
from services.support.tickets.application.events import told
from services.support.tickets.application.idempotency import again, looked_up
from services.support.tickets.application.outcomes import Done, Impossible, Outcome, Refused
from services.support.tickets.application.ports import Change, Ports
from services.support.tickets.domain.changes import carried_out
from services.support.tickets.domain.tickets import Doing, Ticket
from services.support.tickets.domain.validation import (
    judge_assignment,
    judge_attachments,
    judge_doing,
)
from shared.application.idempotency import UsedKey, key_of
from shared.application.uploads import Upload, read_heads, store_uploads


class Acting:
    """Does acts of the table, each in one transaction with what is told of it."""

    def __init__(self, ports: Ports) -> None:
        """Use these ports."""
        self._ports = ports

    async def act(
        self, claim: Claim, doing: Doing, uploads: Sequence[Upload] = (), key: str | None = None
    ) -> Outcome:
        """Do an act, with its attachments, once per key."""
        ports = self._ports
        heads = await read_heads(uploads)
        directory = await named(ports.structures, doing.recipient)
        owner = repr((doing.by.value, claim.by, claim.ticket))
        used_key = await key_of(owner, key, repr(doing), uploads)

        def judged(ticket: Ticket | None, used: UsedKey | None) -> Ready | Outcome:
            if used and ticket and claim.owns(ticket):
                return again(used, used_key, ticket)
            found = ready(ticket, claim, doing.act, doing.by)
            if not isinstance(found, Ready):
                return found
            if taken := judge_assignment(found.ticket, doing):
                return Impossible(taken)
            faults = (
                *judge_doing(found.ticket, doing, found.row, directory),
                *judge_attachments(heads, found.ticket.files),
            )
            return Refused(faults) if faults else found

        # Before the files are kept, and again when the ticket cannot change any more.
        first = judged(*await looked_up(ports.tickets, claim.ticket, used_key))
        if not isinstance(first, Ready):
            return first
        whole = replace(doing, attachments=await store_uploads(ports.vault, uploads))

        async def work(change: Change) -> Outcome:
            found = judged(await change.load(claim.ticket), await change.used(used_key))
            if not isinstance(found, Ready):
                return found
            after = carried_out(found.ticket, whole, found.row.target, ports.clock())
            await change.save(after)
            await change.use(used_key, after.id)
            for message in told(found.ticket, after):
                change.publish(message)
            return Done(after)

        return await ports.tickets.change(work)
