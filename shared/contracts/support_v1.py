"""Events of `services/support`: tickets for the desk that has them, activation links."""

from typing import ClassVar

from shared.contracts.common_v1 import FileV1, Part, PartyV1
from shared.contracts.envelope import Payload
from shared.contracts.fields import Identifier, Moment, Rating, Version
from shared.vocabulary.roles import Role
from shared.vocabulary.tickets import Desk, Priority, Side, TicketAct, TicketStatus


class IssuerV1(Part):
    """Issuer of a ticket: a structure in a role, or an e-mail address without an account."""

    structure: Identifier | None = None
    role: Role | None = None
    service: Identifier | None = None
    email: str | None = None


class AboutV1(Part):
    """Subject of a ticket, as its issuer gave it."""

    dossier: Identifier | None = None
    piece: Identifier | None = None
    """Number of a piece."""


class _TicketEvent(Payload):
    """Fields of every event about a ticket."""

    ticket: Identifier
    number: Identifier
    """Number of the ticket that people use: T-2026-000123."""
    version: Version
    desk: Desk
    status: TicketStatus
    at: Moment
    user: Identifier | None = None
    """Id of the principal who acted; absent without an account, and from before tokens."""


class _FullTicket(_TicketEvent):
    """Fields of a ticket for the desk that receives it."""

    category: Identifier
    sub_category: Identifier
    """Sub-category that the issuer chose, whatever was suggested."""
    priority: Priority
    issuer: IssuerV1
    recipient: PartyV1 | None = None
    """Structure whose business desk gets the ticket; absent on the technical desk."""
    title: str
    description: str
    """Plain text, without markup."""
    about: AboutV1 | None = None
    attachments: tuple[FileV1, ...] = ()
    suggested: Identifier | None = None
    """The sub-category that the text was closest to."""
    contradicts: bool = False
    """Whether the text clearly contradicts the sub-category."""
    submitted_at: Moment


class TicketSubmitted(_FullTicket):
    """A ticket reaches the desk of its sub-category."""

    event_type: ClassVar[str] = "fr.aiguillage.ticket.depose.v1"


class TicketTransferred(_FullTicket):
    """A ticket reaches a desk from another one."""

    event_type: ClassVar[str] = "fr.aiguillage.ticket.transfere.v1"

    previous_desk: Desk
    previous_recipient: PartyV1 | None = None
    reason: str
    agent: str


class TicketChanged(_TicketEvent):
    """An act on a ticket, for the desk that has it or just had it."""

    event_type: ClassVar[str] = "fr.aiguillage.ticket.change.v1"

    act: TicketAct
    by: Side
    agent: str | None = None
    """Who acted for the desk."""
    text: str | None = None
    """Text written: a message, an answer, the reason of a transfer."""
    attachments: tuple[FileV1, ...] = ()
    assignee: str | None = None
    priority: Priority | None = None
    satisfaction: Rating | None = None
    """From 1 to 5."""
    next_desk: Desk | None = None
    """Desk to which the ticket was transferred."""
    next_recipient: PartyV1 | None = None


class ActivationLinkRequested(Payload):
    """Somebody asks for a new activation link."""

    event_type: ClassVar[str] = "fr.aiguillage.activation.demandee.v1"

    request: Identifier
    email: str
    structure: Identifier | None = None
    ticket: Identifier | None = None
    requested_at: Moment
