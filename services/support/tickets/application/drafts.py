"""Use cases of drafts, which only their issuer sees until they are submitted."""

from collections.abc import Awaitable, Callable, Collection, Sequence

from services.support.access.application.directory import find_directory
from services.support.access.domain.parties import Issuer, judge_issuer
from services.support.tickets.application.access import Allowed, TicketAccess, check_access
from services.support.tickets.application.idempotency import answer_repeat, find_with_key
from services.support.tickets.application.outcomes import Done, Outcome, Refused
from services.support.tickets.application.ports import TicketChange, TicketPorts
from services.support.tickets.domain import rules as ticket_rules
from services.support.tickets.domain.changes import create_draft, replace_attachments, update_draft
from services.support.tickets.domain.tickets import Content, Ticket
from services.support.tickets.domain.validation import judge_attachments, judge_draft
from shared.application.idempotency import Key, UsedKey, build_key, serialize_request
from shared.application.uploads import Upload, read_heads, store_uploads
from shared.vocabulary.attachments import StoredFile
from shared.vocabulary.dates import find_paris_day
from shared.vocabulary.rules import Violation
from shared.vocabulary.tickets import Side, TicketAct

Edit = Callable[[TicketChange, Ticket], Awaitable[Outcome]]


class Drafts:
    """Use cases of drafts: create, save, attach files, discard."""

    def __init__(self, ports: TicketPorts) -> None:
        """Use these ports."""
        self._ports = ports

    async def begin(self, issuer: Issuer, content: Content, owner: str, key: str | None) -> Outcome:
        """Create a draft, once per idempotency key of its owner."""
        sent = serialize_request("begin", issuer, content)
        used_key = await build_key(owner, key, sent, ())
        draft = create_draft(self._ports.new_id(), issuer, content, self._ports.clock())

        async def work(change: TicketChange) -> Outcome:
            if used := await change.find_key_use(used_key):
                return answer_repeat(used, used_key, await change.load(used.subject))
            if found := await self._find_faults(issuer, content):
                return Refused(found)
            await change.insert(draft)
            await change.record_key_use(used_key, draft.id)
            return Done(draft)

        return await self._ports.tickets.change(work)

    async def save(
        self,
        access: TicketAccess,
        issuer: Issuer,
        content: Content,
        given: Collection[str],
        key: str | None,
    ) -> Outcome:
        """Save the fields of a draft that are named in `given`; the others stay as they are."""

        async def edit(change: TicketChange, draft: Ticket) -> Outcome:
            now = self._ports.clock()
            after = update_draft(draft, now, content=content, issuer=issuer, given=given)
            if found := await self._find_faults(after.issuer, after.content):
                return Refused(found)
            return await _save(change, after)

        sent = serialize_request("save", access.ticket, issuer, content, sorted(given))
        used_key = await build_key(access.key_owner, key, sent, ())
        return await self._change(access, TicketAct.ENREGISTRER, edit, used_key)

    async def attach(
        self, access: TicketAccess, uploads: Sequence[Upload], key: str | None
    ) -> Outcome:
        """Attach files to a draft, once per idempotency key."""
        ports = self._ports
        heads = await read_heads(uploads)
        sent = serialize_request("attach", access.ticket)
        used_key = await build_key(access.key_owner, key, sent, uploads)

        def judge(draft: Ticket | None, used: UsedKey | None) -> Allowed | Outcome:
            if used and draft and access.can_see(draft):
                return answer_repeat(used, used_key, draft)
            found = check_access(draft, access, TicketAct.ENREGISTRER, Side.DEMANDEUR)
            if not isinstance(found, Allowed):
                return found
            faults = judge_attachments(heads, found.ticket.attachments)
            return Refused(faults) if faults else found

        # The request is judged before its files are stored, and again inside the transaction.
        first = judge(*await find_with_key(ports.tickets, access.ticket, used_key))
        if not isinstance(first, Allowed):
            return first
        files = await store_uploads(ports.vault, uploads)

        async def work(change: TicketChange) -> Outcome:
            found = judge(await change.load(access.ticket), await change.find_key_use(used_key))
            if not isinstance(found, Allowed):
                return found
            draft = found.ticket
            await change.record_key_use(used_key, draft.id)
            whole = _merge_files(draft.attachments, files)
            return await _save(change, replace_attachments(draft, whole, ports.clock()))

        return await ports.tickets.change(work)

    async def detach(
        self, access: TicketAccess, sha256: str, name: str | None, key: str | None
    ) -> Outcome:
        """Remove an attachment; its name distinguishes it from others with the same bytes."""

        async def edit(change: TicketChange, draft: Ticket) -> Outcome:
            gone = [each for each in draft.attachments if each.is_named(sha256, name)]
            if len(gone) > 1:
                names = ", ".join(each.name for each in gone)
                return Refused(
                    (ticket_rules.ATTACHMENT_AMBIGUOUS.build_violation("name", names=names),)
                )
            left = tuple(each for each in draft.attachments if each not in gone)
            return await _save(change, replace_attachments(draft, left, self._ports.clock()))

        sent = serialize_request("detach", access.ticket, sha256, name)
        used_key = await build_key(access.key_owner, key, sent, ())
        return await self._change(access, TicketAct.ENREGISTRER, edit, used_key)

    async def discard(self, access: TicketAccess) -> Outcome:
        """Delete a draft, which nobody else has seen."""

        async def edit(change: TicketChange, draft: Ticket) -> Outcome:
            await change.remove(draft.id)
            return Done(draft)

        return await self._change(access, TicketAct.ABANDONNER, edit)

    async def _find_faults(self, issuer: Issuer, content: Content) -> tuple[Violation, ...]:
        directory = await find_directory(self._ports.structures, issuer, content.recipient)
        return (
            *judge_issuer(issuer, directory),
            *judge_draft(
                content, self._ports.catalogue, directory, find_paris_day(self._ports.clock())
            ),
        )

    async def _change(
        self, access: TicketAccess, act: TicketAct, edit: Edit, key: Key | None = None
    ) -> Outcome:
        async def work(change: TicketChange) -> Outcome:
            draft, used = await change.load(access.ticket), await change.find_key_use(key)
            if used and draft and access.can_see(draft):
                return answer_repeat(used, key, draft)
            found = check_access(draft, access, act, Side.DEMANDEUR)
            if not isinstance(found, Allowed):
                return found
            outcome = await edit(change, found.ticket)
            if isinstance(outcome, Done):
                await change.record_key_use(key, found.ticket.id)
            return outcome

        return await self._ports.tickets.change(work)


async def _save(change: TicketChange, draft: Ticket) -> Outcome:
    await change.save(draft)
    return Done(draft)


def _merge_files(
    present: Sequence[StoredFile], added: Sequence[StoredFile]
) -> tuple[StoredFile, ...]:
    """Merge attachments; the same bytes under the same name are one."""
    return tuple(dict.fromkeys((*present, *added)))
