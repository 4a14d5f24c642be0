"""Bodies of the HTTP answers of tickets: a ticket, lists, queues."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Self

from pydantic import Field

from services.support.tickets.application.desk_queues import TimedTicket
from services.support.tickets.domain.tickets import JournalEntry, Ticket
from services.support.tickets.domain.validation import list_allowed_acts
from shared.answers.answer import Answer
from shared.vocabulary.attachments import StoredFile
from shared.vocabulary.roles import Role
from shared.vocabulary.tickets import Desk, Priority, Side, TicketAct, TicketStatus


class RecipientAnswer(Answer):
    """The structure whose business desk is asked."""

    structure: str
    service: str | None


class IssuerAnswer(Answer):
    """The issuer of a ticket."""

    structure: str | None
    role: Role | None
    service: str | None
    email: str | None


class FileAnswer(Answer):
    """An attachment, by reference."""

    sha256: str
    size_bytes: int
    name: str
    media_type: str

    @classmethod
    def show_all(cls, files: tuple[StoredFile, ...]) -> tuple[Self, ...]:
        """Show attachments."""
        return tuple(cls.model_validate(each) for each in files)


class JournalEntryAnswer(Answer):
    """One line of the journal."""

    at: datetime
    act: TicketAct
    by: Side
    who: str
    status: TicketStatus
    text: str | None
    attachments: tuple[FileAnswer, ...]
    assignee: str | None
    priority: Priority | None
    satisfaction: int | None
    desk: Desk | None
    recipient: RecipientAnswer | None


class TicketLineAnswer(Answer):
    """A ticket in a list."""

    ticket_id: str
    number: str | None
    status: TicketStatus
    desk: Desk | None
    priority: Priority
    sub_category: str | None
    title: str
    dossier: str | None
    piece: str | None
    assignee: str | None
    submitted_at: datetime | None
    changed_at: datetime

    @classmethod
    def show_line(cls, ticket: Ticket) -> Self:
        """Show a ticket in a list."""
        return cls.model_validate(_list_line_fields(ticket))


class TicketAnswer(TicketLineAnswer):
    """A ticket with its journal."""

    version: int
    category: str | None
    issuer: IssuerAnswer
    recipient: RecipientAnswer | None
    description: str
    attachments: tuple[FileAnswer, ...]
    suggested: str | None = Field(description="La sous-catégorie que le texte évoque le plus.")
    contradicts: bool = Field(
        description="Le texte évoque clairement autre chose que la sous-catégorie choisie."
    )
    satisfaction: int | None
    journal: tuple[JournalEntryAnswer, ...]
    acts: tuple[TicketAct, ...] = Field(description="Ce que vous pouvez faire maintenant.")

    @classmethod
    def of(cls, ticket: Ticket, side: Side) -> Self:
        """Show a ticket to one side."""
        return cls.model_validate(_list_ticket_fields(ticket, side))


class OpenTicketAnswer(TicketAnswer):
    """A ticket without an account, with the token that follows it."""

    token: str | None = Field(
        default=None,
        description="À garder, et à redonner dans X-Ticket-Token ; il n'est pas redit.",
    )

    @classmethod
    def with_token(cls, ticket: Ticket, token: str | None) -> Self:
        """Show a ticket that was just submitted."""
        return cls.model_validate({**_list_ticket_fields(ticket, Side.DEMANDEUR), "token": token})


class ClockAnswer(Answer):
    """Response times of a ticket and their targets, in minutes of opening hours."""

    first_answer: int
    first_answer_target: int
    is_answered: bool
    resolution: int
    resolution_target: int
    is_late: bool

    @classmethod
    def of(cls, timed: TimedTicket) -> Self:
        """Show a clock."""
        found = timed.times
        return cls(
            first_answer=_to_minutes(found.first_answer),
            first_answer_target=_to_minutes(found.target.first_answer),
            is_answered=found.is_answered,
            resolution=_to_minutes(found.resolution),
            resolution_target=_to_minutes(found.target.resolution),
            is_late=found.is_late,
        )


class QueuedTicketAnswer(TicketLineAnswer):
    """A ticket in the queue of a desk."""

    clock: ClockAnswer

    @classmethod
    def show_queued(cls, timed: TimedTicket) -> Self:
        """Show a ticket in a queue."""
        return cls.model_validate(
            {**_list_line_fields(timed.ticket), "clock": ClockAnswer.of(timed)}
        )


class DeskTicketAnswer(TicketAnswer):
    """A ticket as its desk sees it."""

    clock: ClockAnswer

    @classmethod
    def show_at_desk(cls, timed: TimedTicket) -> Self:
        """Show a ticket to its desk."""
        whole = _list_ticket_fields(timed.ticket, Side.BUREAU)
        return cls.model_validate({**whole, "clock": ClockAnswer.of(timed)})


class TicketsAnswer(Answer):
    """A page of tickets."""

    tickets: tuple[TicketLineAnswer, ...]
    next: str | None = Field(description="À redonner dans `after` ; absent sur la dernière page.")


class TicketQueueAnswer(Answer):
    """A page of the queue of a desk."""

    tickets: tuple[QueuedTicketAnswer, ...]
    next: str | None = Field(description="À redonner dans `after` ; absent sur la dernière page.")
    counts: dict[TicketStatus, int]


def _list_line_fields(ticket: Ticket) -> dict[str, object]:
    content = ticket.content
    return {
        "ticket_id": ticket.id,
        "number": ticket.number,
        "status": ticket.status,
        "desk": ticket.desk,
        "priority": ticket.priority,
        "sub_category": content.sub_category,
        "title": content.title,
        "dossier": content.dossier,
        "piece": content.piece,
        "assignee": ticket.assignee,
        "submitted_at": ticket.submitted_at,
        "changed_at": ticket.changed_at,
    }


def _list_ticket_fields(ticket: Ticket, side: Side) -> dict[str, object]:
    content = ticket.content
    return {
        **_list_line_fields(ticket),
        "version": ticket.version,
        "category": ticket.category,
        "issuer": ticket.issuer,
        "recipient": ticket.recipient if ticket.desk else content.recipient,
        "description": content.description,
        "attachments": FileAnswer.show_all(ticket.attachments),
        "suggested": ticket.suggested,
        "contradicts": ticket.contradicts,
        "satisfaction": ticket.satisfaction,
        "journal": tuple(_show_entry(each, side) for each in ticket.journal),
        "acts": list_allowed_acts(ticket, side),
    }


def _show_entry(entry: JournalEntry, side: Side) -> JournalEntryAnswer:
    # The reason of a transfer is for the desks: it is hidden from the issuer.
    is_among_desks = entry.act is TicketAct.TRANSFERER and side is Side.DEMANDEUR
    return JournalEntryAnswer.model_validate(replace(entry, text=None) if is_among_desks else entry)


def _to_minutes(time: timedelta) -> int:
    return int(time.total_seconds() // 60)


class PrefillAnswer(Answer):
    """A prefilled ticket: the body of `POST /support/v1/tickets`."""

    title: str
    description: str
    sub_category: str | None = Field(description="Suggérée ; c'est la vôtre qui compte.")
    piece: str | None
