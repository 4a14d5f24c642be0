"""Submission of a ticket, with or without an account: it gets a number and a desk."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.support.access.application.directory import find_directory
from services.support.access.application.ports import RateLimit
from services.support.access.application.rate_limits import AnonymousLimits
from services.support.access.application.tokens import create_token, hash_token
from services.support.access.domain.parties import Issuer, judge_issuer
from services.support.suggestions.domain.suggestions import Suggestions
from services.support.tickets.application.access import Allowed, TicketAccess, check_access
from services.support.tickets.application.idempotency import answer_repeat, find_with_key
from services.support.tickets.application.messages import build_messages
from services.support.tickets.application.outcomes import (
    Done,
    Outcome,
    RateLimited,
    Refused,
    StaleVersion,
)
from services.support.tickets.application.ports import TicketChange, TicketPorts
from services.support.tickets.domain import rules as ticket_rules
from services.support.tickets.domain.changes import create_draft, replace_attachments, submit_draft
from services.support.tickets.domain.tickets import Content, Ticket
from services.support.tickets.domain.validation import judge_attachments, judge_submission
from shared.application.idempotency import Key, UsedKey, build_key, serialize_request
from shared.application.uploads import Upload, read_heads, store_uploads
from shared.vocabulary.dates import PARIS, find_paris_day
from shared.vocabulary.tickets import Side, TicketAct


@dataclass(frozen=True, slots=True)
class _Preparation:
    """Number and suggestions of a submission, prepared outside its transaction."""

    number: str
    suggestions: Suggestions


class Submissions:
    """Use cases of submission, idempotent by key."""

    def __init__(self, ports: TicketPorts, limits: AnonymousLimits, keyed_limit: RateLimit) -> None:
        """Take the ports, and the rate limits of those without an account.

        `keyed_limit` limits requests with a key, by network address; it counts repeats and refused
        requests too.
        """
        self._ports = ports
        self._limits = limits
        self._keyed_limit = keyed_limit

    async def submit(self, access: TicketAccess, key: str | None) -> Outcome:
        """Submit a draft."""
        ports = self._ports
        used_key = Key(access.key_owner, key, access.ticket) if key else None
        seen, served = await find_with_key(ports.tickets, access.ticket, used_key)
        content = seen.content if seen else Content()
        directory = await find_directory(ports.structures, content.recipient)

        def judge(ticket: Ticket | None, used: UsedKey | None) -> Allowed | Outcome:
            if used and ticket and access.can_see(ticket):
                return answer_repeat(used, used_key, ticket)
            found = check_access(ticket, access, TicketAct.DEPOSER, Side.DEMANDEUR)
            if not isinstance(found, Allowed):
                return found
            if found.ticket.content != content:
                return StaleVersion(ticket_rules.STALE.build_violation("requête"))
            today = find_paris_day(ports.clock())
            faults = judge_submission(content, ports.catalogue, directory, today)
            return Refused(faults) if faults else found

        first = judge(seen, served)
        if not isinstance(first, Allowed):
            return first
        prepared = await self._prepare(content)

        async def work(change: TicketChange) -> Outcome:
            found = judge(await change.load(access.ticket), await change.find_key_use(used_key))
            if not isinstance(found, Allowed):
                return found
            after = self._hand_over(change, found.ticket, prepared, access.user)
            await change.save(after)
            await change.record_key_use(used_key, after.id)
            return Done(after)

        return await ports.tickets.change(work)

    async def submit_open(
        self,
        issuer: Issuer,
        content: Content,
        uploads: Sequence[Upload],
        key: str | None,
        address: str,
    ) -> Outcome:
        """Submit a ticket without an account, in one request. The answer holds its token.

        A refused request, or one repeated with its key, does not count in `limits`. A request with
        a key costs a digest of all its bytes, so a wider limit counts it.
        """
        ports = self._ports
        if key and await self._keyed_limit.count_request(address):
            most = f"adresse réseau, {self._keyed_limit.an_hour} avec une clé au plus"
            return RateLimited(ticket_rules.TOO_MANY_REQUESTS.build_violation("requête", what=most))
        used_key = await build_key(
            f"email:{issuer.email}", key, serialize_request(issuer, content), uploads
        )
        token, at = create_token(), ports.clock()

        async def find_repeat(change: TicketChange) -> Outcome | None:
            used = await change.find_key_use(used_key)
            if used is None:
                return None
            found = answer_repeat(used, used_key, await change.load(used.subject))
            if not isinstance(found, Done):
                return found
            # The first token is not stored, and the answer that held it may be lost: add another
            # one.
            await change.add_token(used.subject, hash_token(token))
            return replace(found, token=token)

        if used_key and (outcome := await ports.tickets.change(find_repeat)):
            return outcome
        # The directory may have changed since the first request, whose repeat is not judged again.
        directory = await find_directory(ports.structures, content.recipient)
        faults = (
            *judge_issuer(issuer, directory),
            *judge_submission(content, ports.catalogue, directory, find_paris_day(ports.clock())),
            *judge_attachments(await read_heads(uploads)),
        )
        if faults:
            return Refused(faults)
        if what := await self._limits.find_exceeded(issuer.email or "", address):
            return RateLimited(ticket_rules.TOO_MANY_REQUESTS.build_violation("requête", what=what))
        prepared = await self._prepare(content)
        files = await store_uploads(ports.vault, uploads)
        draft = replace_attachments(create_draft(ports.new_id(), issuer, content, at), files, at)

        async def work(change: TicketChange) -> Outcome:
            if outcome := await find_repeat(change):
                return outcome
            after = self._hand_over(change, draft, prepared)
            await change.insert(after, token_hash=hash_token(token))
            await change.record_key_use(used_key, after.id)
            return Done(after, token=token)

        return await ports.tickets.change(work)

    async def _prepare(self, content: Content) -> _Preparation:
        """Take the number and the suggestions of a submission, outside its transaction."""
        ports = self._ports
        suggestions = await ports.suggester.suggest(content.title, content.description)
        year = ports.clock().astimezone(PARIS).year
        number = f"T-{year}-{await ports.tickets.take_next_number(year):06}"
        return _Preparation(number, suggestions)

    def _hand_over(
        self,
        change: TicketChange,
        draft: Ticket,
        prepared: _Preparation,
        user: str | None = None,
    ) -> Ticket:
        ports = self._ports
        after = submit_draft(
            draft, prepared.number, ports.catalogue, prepared.suggestions, ports.clock(), user
        )
        for message in build_messages(draft, after):
            change.publish(message)
        return after
