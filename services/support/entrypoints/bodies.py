"""What is sent about tickets, and how they are shown."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from services.support.application.desks import Clocked
from services.support.application.ports import Search
from services.support.domain.life import allowed
from services.support.domain.parties import Recipient
from services.support.domain.tickets import Content, Entry, StoredFile, Ticket
from shared.vocabulary.roles import Role
from shared.vocabulary.texts import plain
from shared.vocabulary.tickets import Desk, Priority, Side, TicketAct, TicketStatus

# The rules have their own limits, and say them all at once; these bound what is looked at.
Line = Annotated[str, Field(max_length=2000)]
Text = Annotated[str, Field(max_length=100_000)]


class Body(BaseModel):
    """A part of a request."""

    model_config = ConfigDict(extra="forbid")


class RecipientBody(Body):
    """The structure whose business desk is asked."""

    structure: Line
    service: Line | None = None

    def to_domain(self) -> Recipient | None:
        """Take it off the wire."""
        return recipient_of(self.structure, self.service)


class DraftBody(Body):
    """What an issuer writes; all of it may come later, before it is submitted."""

    sub_category: Line | None = None
    title: Line = ""
    description: Text = Field(default="", description="Du texte : un balisage y reste du texte.")
    recipient: RecipientBody | None = Field(
        default=None, description="Pour le bureau métier : la structure qui traite la facture."
    )
    service: Line | None = Field(default=None, description="Code service de l'auteur.")
    dossier: Line | None = None
    piece: Line | None = Field(default=None, description="Numéro de la pièce concernée.")

    def to_domain(self) -> Content:
        """Take it off the wire."""
        return content_of(
            sub_category=self.sub_category,
            title=self.title,
            description=self.description,
            recipient=self.recipient.to_domain() if self.recipient else None,
            dossier=self.dossier,
            piece=self.piece,
        )


_Filter = Annotated[str | None, Field(max_length=100)]


class SearchQuery(BaseModel):
    """Which tickets to list."""

    query: Annotated[str, Field(max_length=200, description="Numéro ou mots.")] = ""
    status: TicketStatus | None = None
    sub_category: _Filter = None
    dossier: _Filter = None
    piece: _Filter = None
    after: Annotated[str, Field(max_length=200)] = ""
    limit: Annotated[int, Field(ge=1, le=200)] = 50

    def to_domain(self) -> Search:
        """Take it off the wire."""
        return Search(**self.model_dump())


class DeskSearchQuery(SearchQuery):
    """Which tickets of a desk to list."""

    priority: Priority | None = None
    assignee: _Filter = None


class TextBody(Body):
    """Something said."""

    text: Text


class RatingBody(Body):
    """How content the issuer is."""

    satisfaction: int = Field(description="De 1 à 5.")
    comment: Text = ""


class AssignmentBody(Body):
    """Who of the desk takes a ticket."""

    assignee: Line | None = Field(default=None, description="Soi-même, si absent.")
    instead_of: Line | None = Field(
        default=None, description="Qui l'a, pour le reprendre à quelqu'un d'autre."
    )


class PriorityBody(Body):
    """How soon to answer."""

    priority: Priority


class TransferBody(Body):
    """To which desk a ticket goes, and why."""

    desk: Desk
    recipient: RecipientBody | None = None
    reason: Text


class Shown(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(from_attributes=True)


class RecipientAnswer(Shown):
    """The structure whose business desk is asked."""

    structure: str
    service: str | None


class IssuerAnswer(Shown):
    """Who asks."""

    structure: str | None
    role: Role | None
    service: str | None
    email: str | None


class FileAnswer(Shown):
    """An attachment, by reference."""

    sha256: str
    size_bytes: int
    name: str
    media_type: str

    @classmethod
    def all_of(cls, files: tuple[StoredFile, ...]) -> tuple[Self, ...]:
        """Show attachments."""
        return tuple(cls.model_validate(each) for each in files)


class EntryAnswer(Shown):
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


class TicketLine(Shown):
    """A ticket in a list."""

    id: str
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
    def line(cls, ticket: Ticket) -> Self:
        """Show a ticket in a list."""
        return cls.model_validate(_flat(ticket))


class TicketAnswer(TicketLine):
    """A ticket, with all that was said of it."""

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
    journal: tuple[EntryAnswer, ...]
    acts: tuple[TicketAct, ...] = Field(description="Ce que vous pouvez faire maintenant.")

    @classmethod
    def of(cls, ticket: Ticket, side: Side) -> Self:
        """Show a ticket to one side."""
        return cls.model_validate(_whole(ticket, side))


class OpenTicketAnswer(TicketAnswer):
    """A ticket without an account, with what follows it."""

    token: str | None = Field(
        default=None,
        description="À garder, et à redonner dans X-Ticket-Token ; il n'est pas redit.",
    )

    @classmethod
    def with_token(cls, ticket: Ticket, token: str | None) -> Self:
        """Show a ticket that was just submitted."""
        return cls.model_validate({**_whole(ticket, Side.DEMANDEUR), "token": token})


class ClockAnswer(BaseModel):
    """Where a ticket stands against its target, in minutes of opening hours."""

    first_answer: int
    first_answer_target: int
    is_answered: bool
    resolution: int
    resolution_target: int
    is_late: bool

    @classmethod
    def of(cls, clocked: Clocked) -> Self:
        """Show a clock."""
        found = clocked.measured
        return cls(
            first_answer=_minutes(found.first_answer),
            first_answer_target=_minutes(found.target.first_answer),
            is_answered=found.is_answered,
            resolution=_minutes(found.resolution),
            resolution_target=_minutes(found.target.resolution),
            is_late=found.is_late,
        )


class QueuedTicket(TicketLine):
    """A ticket in the queue of a desk."""

    clock: ClockAnswer

    @classmethod
    def queued(cls, clocked: Clocked) -> Self:
        """Show a ticket in a queue."""
        return cls.model_validate({**_flat(clocked.ticket), "clock": ClockAnswer.of(clocked)})


class DeskTicketAnswer(TicketAnswer):
    """A ticket as its desk sees it."""

    clock: ClockAnswer

    @classmethod
    def at_desk(cls, clocked: Clocked) -> Self:
        """Show a ticket to its desk."""
        whole = _whole(clocked.ticket, Side.BUREAU)
        return cls.model_validate({**whole, "clock": ClockAnswer.of(clocked)})


class ListAnswer(BaseModel):
    """A page of tickets."""

    tickets: tuple[TicketLine, ...]
    next: str | None = Field(description="À redonner dans `after` ; absent sur la dernière page.")


class QueueAnswer(BaseModel):
    """A page of the queue of a desk."""

    tickets: tuple[QueuedTicket, ...]
    next: str | None = Field(description="À redonner dans `after` ; absent sur la dernière page.")
    counts: dict[TicketStatus, int]


def recipient_of(structure: str | None, service: str | None) -> Recipient | None:
    """Take a recipient off the wire; without a structure there is none."""
    named = (structure or "").strip()
    return Recipient(named, (service or "").strip() or None) if named else None


def content_of(
    *,
    sub_category: str | None,
    title: str,
    description: str,
    recipient: Recipient | None,
    dossier: str | None,
    piece: str | None,
) -> Content:
    """Take what an issuer writes off the wire."""
    return Content(
        sub_category=plain(sub_category or "") or None,
        title=plain(title),
        description=plain(description),
        recipient=recipient,
        dossier=plain(dossier or "") or None,
        piece=plain(piece or "") or None,
    )


def _flat(ticket: Ticket) -> dict[str, object]:
    content = ticket.content
    return {
        "id": ticket.id,
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


def _whole(ticket: Ticket, side: Side) -> dict[str, object]:
    content = ticket.content
    return {
        **_flat(ticket),
        "version": ticket.version,
        "category": ticket.category,
        "issuer": ticket.issuer,
        "recipient": ticket.recipient if ticket.desk else content.recipient,
        "description": content.description,
        "attachments": FileAnswer.all_of(ticket.attachments),
        "suggested": ticket.suggested,
        "contradicts": ticket.contradicts,
        "satisfaction": ticket.satisfaction,
        "journal": tuple(_entry(each, side) for each in ticket.journal),
        "acts": allowed(side, ticket.status),
    }


def _entry(entry: Entry, side: Side) -> EntryAnswer:
    # Why a desk hands a ticket over is said to the other desk alone.
    is_among_desks = entry.act is TicketAct.TRANSFERER and side is Side.DEMANDEUR
    return EntryAnswer.model_validate(replace(entry, text=None) if is_among_desks else entry)


def _minutes(time: timedelta) -> int:
    return int(time.total_seconds() // 60)
