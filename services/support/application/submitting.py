"""Submission: a ticket gets its number, and the desk that its sub-category decides."""

from collections.abc import Sequence
from datetime import datetime

from services.support.application.files import fingerprint, kept, looked_at
from services.support.application.messages import told
from services.support.application.outcomes import (
    Claim,
    Done,
    Missing,
    Outcome,
    Ready,
    Refused,
    ready,
)
from services.support.application.ports import Change, Key, Ports, Upload, Used, named
from services.support.application.tokens import fresh_token, hashed
from services.support.domain import rules
from services.support.domain.handling import (
    attached,
    begun,
    judge_attachments,
    judge_submission,
    submitted,
)
from services.support.domain.hours import PARIS
from services.support.domain.parties import Issuer, judge_issuer
from services.support.domain.tickets import Content, Ticket
from shared.vocabulary.tickets import Side, TicketAct

_KEY_REUSED = Refused((rules.KEY_REUSED.broken("Idempotency-Key"),))


class Submitting:
    """Hands tickets over to their desks, each once per key."""

    def __init__(self, ports: Ports) -> None:
        """Use these ports."""
        self._ports = ports

    async def submit(self, claim: Claim, owner: str, key: str | None) -> Outcome:
        """Submit a draft."""
        ports = self._ports
        used_key = Key(owner, key, claim.ticket) if key else None

        async def work(change: Change) -> Outcome:
            ticket = await change.load(claim.ticket)
            if ticket is None or not claim.owns(ticket):
                return Missing()
            if used_key and (used := await change.used(used_key)):
                if used.fingerprint != used_key.fingerprint:
                    return _KEY_REUSED
                return Done(ticket, is_replay=True)
            found = ready(ticket, claim, TicketAct.DEPOSER, Side.DEMANDEUR)
            if not isinstance(found, Ready):
                return found
            directory = await named(ports.structures, ticket.content.recipient)
            if faults := judge_submission(ticket.content, ports.catalogue, directory):
                return Refused(faults)
            after = await self._handed_over(change, ticket)
            await change.save(after)
            if used_key:
                await change.use(used_key, Used(used_key.fingerprint, ticket.id))
            return Done(after)

        return await ports.tickets.change(work)

    async def submit_open(
        self, issuer: Issuer, content: Content, uploads: Sequence[Upload], key: str | None
    ) -> Outcome:
        """Submit without an account, in one go. The answer holds what follows the ticket."""
        ports = self._ports
        directory = await named(ports.structures, content.recipient)
        faults = (
            *judge_issuer(issuer, directory),
            *judge_submission(content, ports.catalogue, directory),
            *judge_attachments(await looked_at(uploads)),
        )
        if faults:
            return Refused(faults)
        used_key = None
        if key:
            sent = await fingerprint(repr((issuer, content)), uploads)
            used_key = Key(f"email:{issuer.email}", key, sent)
        files = await kept(ports.vault, uploads)
        ticket_id, token, at = ports.new_id(), fresh_token(), ports.clock()

        async def work(change: Change) -> Outcome:
            if used_key and (used := await change.used(used_key)):
                known = await change.load(used.ticket)
                if used.fingerprint != used_key.fingerprint or known is None:
                    return _KEY_REUSED
                return Done(known, is_replay=True, token=used.token)
            draft = attached(begun(ticket_id, issuer, content, at), files, at)
            after = await self._handed_over(change, draft)
            await change.insert(after, token_hash=hashed(token))
            if used_key:
                await change.use(used_key, Used(used_key.fingerprint, ticket_id, token))
            return Done(after, token=token)

        return await ports.tickets.change(work)

    async def _handed_over(self, change: Change, draft: Ticket) -> Ticket:
        ports = self._ports
        at: datetime = ports.clock()
        year = at.astimezone(PARIS).year
        number = f"T-{year}-{await change.next_number(year):06}"
        suggestions = ports.suggester.suggest(draft.content.title, draft.content.description)
        after = submitted(draft, number, ports.catalogue, suggestions, at)
        for message in told(draft, after):
            change.publish(message)
        return after
