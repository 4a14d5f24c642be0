"""Ticket: its content, its status, the desk that has it, and its journal."""

from dataclasses import dataclass
from datetime import datetime

from services.support.access.domain.parties import Issuer, Recipient
from shared.vocabulary.attachments import StoredFile
from shared.vocabulary.tickets import Desk, Priority, Side, TicketAct, TicketStatus


@dataclass(frozen=True, slots=True)
class Content:
    """Content of a ticket, as its issuer writes it; a draft may lack any of it."""

    sub_category: str | None = None
    title: str = ""
    description: str = ""
    recipient: Recipient | None = None
    dossier: str | None = None
    piece: str | None = None
    """Number of a piece."""


@dataclass(frozen=True, slots=True)
class Action:
    """Action on a ticket: the act, who does it, and what comes with it."""

    act: TicketAct
    by: Side
    who: str
    text: str | None = None
    attachments: tuple[StoredFile, ...] = ()
    assignee: str | None = None
    instead_of: str | None = None
    """Assignee from whom the ticket is taken over, as the request names it."""
    priority: Priority | None = None
    satisfaction: int | None = None
    desk: Desk | None = None
    """Desk to which the act brings the ticket."""
    recipient: Recipient | None = None
    user: str | None = None
    """Id of the principal who does it; None without an account, and from before tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry(Action):
    """Entry of the journal: an action, when it was done, and the status after it."""

    at: datetime
    status: TicketStatus


@dataclass(frozen=True, slots=True)
class Ticket:
    """Ticket in its present state."""

    id: str
    version: int
    issuer: Issuer
    content: Content
    status: TicketStatus
    created_at: datetime
    changed_at: datetime
    number: str | None = None
    category: str | None = None
    desk: Desk | None = None
    recipient: Recipient | None = None
    """Structure whose business desk has it; None on the technical desk."""
    priority: Priority = Priority.NORMALE
    assignee: str | None = None
    attachments: tuple[StoredFile, ...] = ()
    suggested: str | None = None
    contradicts: bool = False
    submitted_at: datetime | None = None
    satisfaction: int | None = None
    journal: tuple[JournalEntry, ...] = ()

    @property
    def files(self) -> tuple[StoredFile, ...]:
        """All attachments of the ticket and of its journal."""
        return (*self.attachments, *(file for each in self.journal for file in each.attachments))

    @property
    def journal_bytes(self) -> int:
        """Size of the texts of the journal, in UTF-8."""
        return sum(len((each.text or "").encode()) for each in self.journal)


STATUS_LABELS = {
    TicketStatus.BROUILLON: "en brouillon",
    TicketStatus.DEPOSE: "déposé",
    TicketStatus.EN_COURS: "en cours",
    TicketStatus.EN_ATTENTE: "en attente de son auteur",
    TicketStatus.RESOLU: "résolu",
    TicketStatus.ROUVERT: "rouvert",
    TicketStatus.CLOS: "clos",
}
ACT_LABELS = {
    TicketAct.ENREGISTRER: "le modifier",
    TicketAct.ABANDONNER: "l'abandonner",
    TicketAct.DEPOSER: "le déposer",
    TicketAct.ECRIRE: "y écrire",
    TicketAct.ROUVRIR: "le rouvrir",
    TicketAct.EVALUER: "l'évaluer",
    TicketAct.PRENDRE_EN_CHARGE: "le prendre en charge",
    TicketAct.REPONDRE: "y répondre",
    TicketAct.DEMANDER: "demander une précision",
    TicketAct.PRIORISER: "changer sa priorité",
    TicketAct.TRANSFERER: "le transférer",
    TicketAct.RESOUDRE: "le résoudre",
    TicketAct.CLORE: "le clore",
}
