"""Use case of the acts on a submitted ticket: write, assign, transfer, settle, rate."""

from collections.abc import Sequence
from dataclasses import replace

from services.support.access.application.directory import find_directory
from services.support.tickets.application.access import Allowed, TicketAccess, check_access
from services.support.tickets.application.idempotency import answer_repeat, find_with_key
from services.support.tickets.application.messages import build_messages
from services.support.tickets.application.outcomes import Conflict, Done, Outcome, Refused
from services.support.tickets.application.ports import TicketChange, TicketPorts
from services.support.tickets.domain.changes import apply_action
from services.support.tickets.domain.tickets import Action, Ticket
from services.support.tickets.domain.validation import (
    judge_action,
    judge_assignment,
    judge_attachments,
)
from shared.application.idempotency import UsedKey, build_key, serialize_request
from shared.application.uploads import Upload, read_heads, store_uploads
from shared.vocabulary.dates import find_paris_day


class Actions:
    """Use case of the acts on a ticket, each in one transaction with its events."""

    def __init__(self, ports: TicketPorts) -> None:
        """Use these ports."""
        self._ports = ports

    async def apply(
        self,
        access: TicketAccess,
        action: Action,
        uploads: Sequence[Upload] = (),
        key: str | None = None,
    ) -> Outcome:
        """Apply an action with its attachments, once per idempotency key."""
        ports = self._ports
        heads = await read_heads(uploads)
        directory = await find_directory(ports.structures, action.recipient)
        sent = serialize_request(access.ticket, action)
        used_key = await build_key(access.key_owner, key, sent, uploads)
        action = replace(action, user=access.user)

        def judge(ticket: Ticket | None, used: UsedKey | None) -> Allowed | Outcome:
            # A transfer takes the ticket from its own author, whose answer shows nothing of it.
            is_own_transfer = action.desk and used and used.is_of(used_key)
            if used and ticket and (access.can_see(ticket) or is_own_transfer):
                return answer_repeat(used, used_key, ticket)
            found = check_access(ticket, access, action.act, action.by)
            if not isinstance(found, Allowed):
                return found
            if taken := judge_assignment(found.ticket, action):
                return Conflict(taken)
            faults = (
                *judge_action(
                    found.ticket, action, found.row, directory, find_paris_day(ports.clock())
                ),
                *judge_attachments(heads, found.ticket.files),
            )
            return Refused(faults) if faults else found

        # The request is judged before its files are stored, and again inside the transaction.
        first = judge(*await find_with_key(ports.tickets, access.ticket, used_key))
        if not isinstance(first, Allowed):
            return first
        whole = replace(action, attachments=await store_uploads(ports.vault, uploads))

        async def work(change: TicketChange) -> Outcome:
            found = judge(await change.load(access.ticket), await change.find_key_use(used_key))
            if not isinstance(found, Allowed):
                return found
            after = apply_action(found.ticket, whole, found.row.target, ports.clock())
            await change.save(after)
            await change.record_key_use(used_key, after.id)
            for message in build_messages(found.ticket, after):
                change.publish(message)
            return Done(after)

        return await ports.tickets.change(work)
