"""Use cases of drafts, which only their issuer sees until they are submitted."""

from collections.abc import Awaitable, Callable, Collection, Sequence

from services.support.access.application.directory import find_directory
from services.support.access.domain.parties import Issuer, judge_issuer
from services.support.tickets.application.access import Allowed, TicketAccess, check_access
from services.support.tickets.application.outcomes import Done, Outcome, Refused
from services.support.tickets.application.ports import TicketChange, TicketPorts
from services.support.tickets.domain import rules as ticket_rules
from services.support.tickets.domain.changes import create_draft, replace_attachments, update_draft
from services.support.tickets.domain.tickets import Content, Ticket
from services.support.tickets.domain.validation import judge_attachments, judge_draft
from shared.application.uploads import Upload, read_heads, store_uploads
from shared.vocabulary.attachments import StoredFile
from shared.vocabulary.rules import Violation
from shared.vocabulary.tickets import Side, TicketAct

Edit = Callable[[TicketChange, Ticket], Awaitable[Outcome]]


class Drafts:
    """Use cases of drafts: create, save, attach files, discard."""

    def __init__(self, ports: TicketPorts) -> None:
        """Use these ports."""
        self._ports = ports

    async def begin(self, issuer: Issuer, content: Content) -> Outcome:
        """Create a draft."""
        if found := await self._find_faults(issuer, content):
            return Refused(found)
        draft = create_draft(self._ports.new_id(), issuer, content, self._ports.clock())

        async def work(change: TicketChange) -> Outcome:
            await change.insert(draft)
            return Done(draft)

        return await self._ports.tickets.change(work)

    async def save(
        self, access: TicketAccess, issuer: Issuer, content: Content, given: Collection[str]
    ) -> Outcome:
        """Save the fields of a draft that are named in `given`; the others stay as they are."""

        async def edit(change: TicketChange, draft: Ticket) -> Outcome:
            now = self._ports.clock()
            after = update_draft(draft, now, content=content, issuer=issuer, given=given)
            if found := await self._find_faults(after.issuer, after.content):
                return Refused(found)
            return await _save(change, after)

        return await self._change(access, TicketAct.ENREGISTRER, edit)

    async def attach(self, access: TicketAccess, uploads: Sequence[Upload]) -> Outcome:
        """Attach files to a draft."""
        ports = self._ports
        heads = await read_heads(uploads)

        def judge(draft: Ticket | None) -> Allowed | Outcome:
            found = check_access(draft, access, TicketAct.ENREGISTRER, Side.DEMANDEUR)
            if not isinstance(found, Allowed):
                return found
            faults = judge_attachments(heads, found.ticket.attachments)
            return Refused(faults) if faults else found

        # The request is judged before its files are stored, and again inside the transaction.
        first = judge(await ports.tickets.find(access.ticket))
        if not isinstance(first, Allowed):
            return first
        files = await store_uploads(ports.vault, uploads)

        async def work(change: TicketChange) -> Outcome:
            found = judge(await change.load(access.ticket))
            if not isinstance(found, Allowed):
                return found
            draft = found.ticket
            whole = _merge_files(draft.attachments, files)
            return await _save(change, replace_attachments(draft, whole, ports.clock()))

        return await ports.tickets.change(work)

    async def detach(self, access: TicketAccess, sha256: str, name: str | None) -> Outcome:
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

        return await self._change(access, TicketAct.ENREGISTRER, edit)

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
            *judge_draft(content, self._ports.catalogue, directory),
        )

    async def _change(self, access: TicketAccess, act: TicketAct, edit: Edit) -> Outcome:
        async def work(change: TicketChange) -> Outcome:
            found = check_access(await change.load(access.ticket), access, act, Side.DEMANDEUR)
            return await edit(change, found.ticket) if isinstance(found, Allowed) else found

        return await self._ports.tickets.change(work)


async def _save(change: TicketChange, draft: Ticket) -> Outcome:
    await change.save(draft)
    return Done(draft)


def _merge_files(
    present: Sequence[StoredFile], added: Sequence[StoredFile]
) -> tuple[StoredFile, ...]:
    """Merge attachments; the same bytes under the same name are one."""
    return tuple(dict.fromkeys((*present, *added)))
