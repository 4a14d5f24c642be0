"""Use cases of who asks: drafts, their submission, and what is said afterwards."""

import hashlib
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.support.application.files import fingerprint, kept, looked_at
from services.support.application.messages import told
from services.support.application.ports import Change, Key, Ports, Upload, Used
from services.support.domain import rules
from services.support.domain.hours import PARIS
from services.support.domain.parties import Issuer, Recipient, judge_issuer
from services.support.domain.tickets import (
    Content,
    Doing,
    StoredFile,
    Ticket,
    attached,
    begun,
    carried_out,
    judge_attachments,
    judge_doing,
    judge_draft,
    judge_submission,
    possible,
    saved,
    submitted,
)
from shared.circuit.parties import Directory
from shared.vocabulary.rules import Violation
from shared.vocabulary.tickets import Side, TicketAct

Owns = Callable[[Ticket], bool]
"""Tells whether somebody may know of a ticket."""


@dataclass(frozen=True, slots=True)
class Done:
    """The ticket as it now is."""

    ticket: Ticket
    is_replay: bool = False
    token: str | None = None
    """What follows it without an account."""


@dataclass(frozen=True, slots=True)
class Refused:
    """What was sent breaks rules."""

    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class Impossible:
    """The state of the ticket does not allow it."""

    violation: Violation


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no such ticket, as far as the caller may know."""


Outcome = Done | Refused | Impossible | Missing


class Acting:
    """Acts on tickets, each in one transaction with what is told of it."""

    def __init__(self, ports: Ports) -> None:
        """Use these ports."""
        self._ports = ports

    async def act(
        self, ticket_id: str, owns: Owns, doing: Doing, uploads: Sequence[Upload] = ()
    ) -> Outcome:
        """Do an act of the table, with its attachments."""
        present = await self._ports.tickets.find(ticket_id)
        if present is None or not owns(present):
            return Missing()
        directory = await named(self._ports, doing.recipient)
        ready = _ready(present, doing, directory)
        files = judge_attachments(await looked_at(uploads), present.files)
        if isinstance(ready, Impossible):
            return ready
        if found := (*ready, *files):
            return Refused(found)
        whole = replace(doing, attachments=await kept(self._ports.vault, uploads))

        async def work(change: Change) -> Outcome:
            ticket = await change.load(ticket_id)
            if ticket is None or not owns(ticket):
                return Missing()
            row = possible(ticket, whole.act, whole.by)
            if isinstance(row, Violation):
                return Impossible(row)
            if violations := judge_doing(ticket, whole, row, directory):
                return Refused(violations)
            after = carried_out(ticket, whole, row.target, self._ports.clock())
            await change.save(after)
            for message in told(ticket, after):
                change.publish(message)
            return Done(after)

        return await self._ports.tickets.change(work)


def _ready(
    ticket: Ticket, doing: Doing, directory: Directory
) -> Impossible | tuple[Violation, ...]:
    row = possible(ticket, doing.act, doing.by)
    if isinstance(row, Violation):
        return Impossible(row)
    return judge_doing(ticket, doing, row, directory)


class Asking:
    """What who asks does: a draft that is theirs alone, then a ticket that its desk has."""

    def __init__(self, ports: Ports) -> None:
        """Use these ports."""
        self._ports = ports

    async def begin(self, issuer: Issuer, content: Content) -> Outcome:
        """Keep a draft."""
        if found := await self._draft_faults(issuer, content):
            return Refused(found)
        draft = begun(self._ports.new_id(), issuer, content, self._ports.clock())

        async def work(change: Change) -> Outcome:
            await change.insert(draft)
            return Done(draft)

        return await self._ports.tickets.change(work)

    async def save(self, ticket_id: str, owns: Owns, issuer: Issuer, content: Content) -> Outcome:
        """Write a draft anew."""
        found = await self._draft_faults(issuer, content)

        async def work(_: Change, draft: Ticket) -> Ticket | Refused:
            if found:
                return Refused(found)
            return saved(draft, self._ports.clock(), content=content, issuer=issuer)

        return await self._on_draft(ticket_id, owns, work)

    async def attach(self, ticket_id: str, owns: Owns, uploads: Sequence[Upload]) -> Outcome:
        """Add files to a draft."""
        present = await self._ports.tickets.find(ticket_id)
        if present is None or not owns(present):
            return Missing()
        row = possible(present, TicketAct.ENREGISTRER, Side.DEMANDEUR)
        if isinstance(row, Violation):
            return Impossible(row)
        heads = await looked_at(uploads)
        if found := judge_attachments(heads, present.attachments):
            return Refused(found)
        files = await kept(self._ports.vault, uploads)

        async def work(_: Change, draft: Ticket) -> Ticket | Refused:
            # Another upload may have come in between.
            if found := judge_attachments(heads, draft.attachments):
                return Refused(found)
            return attached(draft, _united(draft.attachments, files), self._ports.clock())

        return await self._on_draft(ticket_id, owns, work)

    async def detach(self, ticket_id: str, owns: Owns, sha256: str) -> Outcome:
        """Take a file away from a draft."""

        async def work(_: Change, draft: Ticket) -> Ticket:
            left = tuple(each for each in draft.attachments if each.sha256 != sha256)
            return attached(draft, left, self._ports.clock())

        return await self._on_draft(ticket_id, owns, work)

    async def discard(self, ticket_id: str, owns: Owns) -> Outcome:
        """Forget a draft: nobody else has ever seen it."""

        async def work(change: Change) -> Outcome:
            draft = await change.load(ticket_id)
            if draft is None or not owns(draft):
                return Missing()
            row = possible(draft, TicketAct.ABANDONNER, Side.DEMANDEUR)
            if isinstance(row, Violation):
                return Impossible(row)
            await change.remove(ticket_id)
            return Done(draft)

        return await self._ports.tickets.change(work)

    async def submit(self, ticket_id: str, owns: Owns, owner: str, key: str | None) -> Outcome:
        """Give a draft its number and hand it to its desk, once per key."""
        used_key = Key(owner, key, ticket_id) if key else None

        async def work(change: Change) -> Outcome:
            ticket = await change.load(ticket_id)
            if ticket is None or not owns(ticket):
                return Missing()
            if used_key and (used := await change.used(used_key)):
                if used.fingerprint != used_key.fingerprint:
                    return Refused((rules.KEY_REUSED.broken("Idempotency-Key"),))
                return Done(ticket, is_replay=True)
            row = possible(ticket, TicketAct.DEPOSER, Side.DEMANDEUR)
            if isinstance(row, Violation):
                return Impossible(row)
            # In the transaction: the draft may have changed since it was asked for.
            directory = await named(self._ports, ticket.content.recipient)
            if found := judge_submission(ticket.content, self._ports.catalogue, directory):
                return Refused(found)
            after = await self._handed_over(change, ticket)
            await change.save(after)
            if used_key:
                await change.use(used_key, Used(used_key.fingerprint, ticket_id))
            return Done(after)

        return await self._ports.tickets.change(work)

    async def submit_open(
        self, issuer: Issuer, content: Content, uploads: Sequence[Upload], key: str | None
    ) -> Outcome:
        """Submit without an account, in one go. The answer holds what follows the ticket."""
        directory = await named(self._ports, content.recipient)
        found = (
            *judge_issuer(issuer, directory),
            *judge_submission(content, self._ports.catalogue, directory),
            *judge_attachments(await looked_at(uploads)),
        )
        if found:
            return Refused(found)
        used_key = None
        if key:
            sent = await fingerprint(repr((issuer, content)), uploads)
            used_key = Key(f"email:{issuer.email}", key, sent)
        files = await kept(self._ports.vault, uploads)
        ticket_id, token = self._ports.new_id(), secrets.token_urlsafe(32)
        at = self._ports.clock()

        async def work(change: Change) -> Outcome:
            if used_key and (used := await change.used(used_key)):
                known = await change.load(used.ticket)
                if used.fingerprint != used_key.fingerprint or known is None:
                    return Refused((rules.KEY_REUSED.broken("Idempotency-Key"),))
                return Done(known, is_replay=True, token=used.token)
            draft = attached(begun(ticket_id, issuer, content, at), files, at)
            after = await self._handed_over(change, draft)
            await change.insert(after, token_hash=hashed(token))
            if used_key:
                await change.use(used_key, Used(used_key.fingerprint, ticket_id, token))
            return Done(after, token=token)

        return await self._ports.tickets.change(work)

    async def _draft_faults(self, issuer: Issuer, content: Content) -> tuple[Violation, ...]:
        directory = await named(self._ports, issuer, content.recipient)
        return (
            *judge_issuer(issuer, directory),
            *judge_draft(content, self._ports.catalogue, directory),
        )

    async def _handed_over(self, change: Change, draft: Ticket) -> Ticket:
        at: datetime = self._ports.clock()
        year = at.astimezone(PARIS).year
        number = f"T-{year}-{await change.next_number(year):06}"
        content = draft.content
        suggestions = self._ports.suggester.suggest(content.title, content.description)
        after = submitted(draft, number, self._ports.catalogue, suggestions, at)
        for message in told(draft, after):
            change.publish(message)
        return after

    async def _on_draft(
        self,
        ticket_id: str,
        owns: Owns,
        edit: Callable[[Change, Ticket], Awaitable[Ticket | Refused]],
    ) -> Outcome:
        async def work(change: Change) -> Outcome:
            draft = await change.load(ticket_id)
            if draft is None or not owns(draft):
                return Missing()
            row = possible(draft, TicketAct.ENREGISTRER, Side.DEMANDEUR)
            if isinstance(row, Violation):
                return Impossible(row)
            after = await edit(change, draft)
            if isinstance(after, Refused):
                return after
            await change.save(after)
            return Done(after)

        return await self._ports.tickets.change(work)


def _united(present: Sequence[StoredFile], added: Sequence[StoredFile]) -> tuple[StoredFile, ...]:
    """Put files together; the same bytes under the same name are one."""
    return tuple(dict.fromkeys((*present, *added)))


async def named(ports: Ports, *parties: Issuer | Recipient | None) -> Directory:
    """Find the structures of these parties in the directory."""
    structures = {each.structure for each in parties if each and each.structure}
    return await ports.structures.find(structures) if structures else {}


def hashed(token: str) -> str:
    """Give what is kept of a token: who reads the store cannot follow a ticket by it."""
    return hashlib.sha256(token.encode()).hexdigest()
