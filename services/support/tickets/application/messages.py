"""Messages that support publishes on the topics of the desks after each act on a ticket."""

from collections.abc import Iterator

from services.support.access.domain.parties import Issuer, Recipient
from services.support.tickets.domain.tickets import JournalEntry, Ticket
from shared.contracts.common_v1 import FileV1, PartyV1
from shared.contracts.outgoing import Outgoing
from shared.contracts.support_v1 import (
    AboutV1,
    IssuerV1,
    TicketChanged,
    TicketSubmitted,
    TicketTransferred,
)
from shared.contracts.topics import TICKET
from shared.vocabulary.attachments import StoredFile
from shared.vocabulary.tickets import Desk, Side, TicketAct


def build_messages(before: Ticket, after: Ticket) -> Iterator[Outgoing]:
    """Build the messages of the last act.

    One is for the desk that had the ticket; after a transfer, one more is for the new desk.
    """
    act = after.journal[-1].act
    if act is TicketAct.DEPOSER:
        yield _build_message(after, _require_desk(after), _build_submitted(after))
        return
    yield _build_message(after, _require_desk(before), _build_changed(before, after))
    if act is TicketAct.TRANSFERER:
        yield _build_message(after, _require_desk(after), _build_transferred(before, after))


def _require_desk(ticket: Ticket) -> Desk:
    if ticket.desk is None:
        raise ValueError(f"ticket {ticket.id} has no desk: no message is about a draft")
    return ticket.desk


def _build_message(
    ticket: Ticket, desk: Desk, payload: TicketSubmitted | TicketTransferred | TicketChanged
) -> Outgoing:
    return Outgoing(
        topic=TICKET[desk],
        key=ticket.id,
        subject=ticket.id,
        payload=payload,
        correlation_id=ticket.id,
    )


def _build_submitted(ticket: Ticket) -> TicketSubmitted:
    return TicketSubmitted.model_validate(_describe_ticket(ticket))


def _build_transferred(before: Ticket, after: Ticket) -> TicketTransferred:
    entry = after.journal[-1]
    return TicketTransferred.model_validate(
        {
            **_describe_ticket(after),
            "previous_desk": before.desk,
            "previous_recipient": _build_party(before.recipient),
            "reason": entry.text,
            "agent": entry.who,
        }
    )


def _describe_ticket(ticket: Ticket) -> dict[str, object]:
    content = ticket.content
    about = AboutV1(dossier=content.dossier or None, piece=content.piece or None)
    return {
        "ticket": ticket.id,
        "number": ticket.number,
        "version": ticket.version,
        "desk": ticket.desk,
        "status": ticket.status,
        "at": ticket.changed_at,
        "category": ticket.category,
        "sub_category": content.sub_category,
        "priority": ticket.priority,
        "issuer": _build_issuer(ticket.issuer),
        "recipient": _build_party(ticket.recipient),
        "title": content.title,
        "description": content.description,
        "about": about if about != AboutV1() else None,
        "attachments": _build_files(ticket.files),
        "suggested": ticket.suggested,
        "contradicts": ticket.contradicts,
        "submitted_at": ticket.submitted_at,
        "user": ticket.journal[-1].user,
    }


def _build_changed(before: Ticket, after: Ticket) -> TicketChanged:
    entry: JournalEntry = after.journal[-1]
    return TicketChanged(
        ticket=after.id,
        number=after.number or "",
        version=after.version,
        desk=_require_desk(before),
        status=after.status,
        at=entry.at,
        act=entry.act,
        by=entry.by,
        agent=entry.who if entry.by is Side.BUREAU else None,
        text=entry.text,
        attachments=_build_files(entry.attachments),
        assignee=entry.assignee,
        priority=entry.priority,
        satisfaction=entry.satisfaction,
        next_desk=entry.desk,
        next_recipient=_build_party(entry.recipient),
        user=entry.user,
    )


def _build_issuer(issuer: Issuer) -> IssuerV1:
    return IssuerV1(
        structure=issuer.structure,
        role=issuer.role,
        service=issuer.service or None,
        email=issuer.email,
    )


def _build_party(recipient: Recipient | None) -> PartyV1 | None:
    if recipient is None:
        return None
    return PartyV1(structure=recipient.structure, service=recipient.service or None)


def _build_files(files: tuple[StoredFile, ...]) -> tuple[FileV1, ...]:
    return tuple(
        FileV1(
            sha256=file.sha256,
            size_bytes=file.size_bytes,
            name=file.name,
            media_type=file.media_type,
        )
        for file in files
    )
