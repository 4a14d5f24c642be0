"""Events published on the topics of the desks after each act on a ticket."""

from collections.abc import Iterator

from services.support.desks.domain.parties import Issuer, Recipient
from services.support.tickets.domain.tickets import Entry, Ticket
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


def told(before: Ticket, after: Ticket) -> Iterator[Outgoing]:
    """Tell the last act on a ticket: to the desk that has it, and to the one that just had it."""
    act = after.journal[-1].act
    if act is TicketAct.DEPOSER:
        yield _outgoing(after, _desk(after), _submitted(after))
        return
    yield _outgoing(after, _desk(before), _changed(before, after))
    if act is TicketAct.TRANSFERER:
        yield _outgoing(after, _desk(after), _transferred(before, after))


def _desk(ticket: Ticket) -> Desk:
    if ticket.desk is None:
        raise ValueError(f"ticket {ticket.id} has no desk: nothing is told of a draft")
    return ticket.desk


def _outgoing(
    ticket: Ticket, desk: Desk, payload: TicketSubmitted | TicketTransferred | TicketChanged
) -> Outgoing:
    return Outgoing(
        topic=TICKET[desk],
        key=ticket.id,
        subject=ticket.id,
        payload=payload,
        correlation_id=ticket.id,
    )


def _submitted(ticket: Ticket) -> TicketSubmitted:
    return TicketSubmitted.model_validate(_whole(ticket))


def _transferred(before: Ticket, after: Ticket) -> TicketTransferred:
    entry = after.journal[-1]
    return TicketTransferred.model_validate(
        {
            **_whole(after),
            "previous_desk": before.desk,
            "previous_recipient": _party(before.recipient),
            "reason": entry.text,
            "agent": entry.who,
        }
    )


def _whole(ticket: Ticket) -> dict[str, object]:
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
        "issuer": _issuer(ticket.issuer),
        "recipient": _party(ticket.recipient),
        "title": content.title,
        "description": content.description,
        "about": about if about != AboutV1() else None,
        "attachments": _files(ticket.files),
        "suggested": ticket.suggested,
        "contradicts": ticket.contradicts,
        "submitted_at": ticket.submitted_at,
    }


def _changed(before: Ticket, after: Ticket) -> TicketChanged:
    entry: Entry = after.journal[-1]
    return TicketChanged(
        ticket=after.id,
        number=after.number or "",
        version=after.version,
        desk=_desk(before),
        status=after.status,
        at=entry.at,
        act=entry.act,
        by=entry.by,
        agent=entry.who if entry.by is Side.BUREAU else None,
        text=entry.text,
        attachments=_files(entry.attachments),
        assignee=entry.assignee,
        priority=entry.priority,
        satisfaction=entry.satisfaction,
        next_desk=entry.desk,
        next_recipient=_party(entry.recipient),
    )


def _issuer(issuer: Issuer) -> IssuerV1:
    return IssuerV1(
        structure=issuer.structure,
        role=issuer.role,
        service=issuer.service or None,
        email=issuer.email,
    )


def _party(recipient: Recipient | None) -> PartyV1 | None:
    if recipient is None:
        return None
    return PartyV1(structure=recipient.structure, service=recipient.service or None)


def _files(files: tuple[StoredFile, ...]) -> tuple[FileV1, ...]:
    return tuple(
        FileV1(
            sha256=file.sha256,
            size_bytes=file.size_bytes,
            name=file.name,
            media_type=file.media_type,
        )
        for file in files
    )
