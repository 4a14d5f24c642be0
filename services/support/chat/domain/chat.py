"""Chat with the people of a desk: its state, its lines, its limits."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.support.access.domain.parties import Asker
from services.support.desks.domain.hours import OpeningHours
from shared.vocabulary.tickets import Desk, Side


class ChatState(StrEnum):
    """State of a chat."""

    EN_ATTENTE = "EN_ATTENTE"
    EN_COURS = "EN_COURS"
    TERMINE = "TERMINE"


class LineKind(StrEnum):
    """Kind of a line of a transcript."""

    MESSAGE = "message"
    PRISE_EN_CHARGE = "prise_en_charge"
    TRANSFERT = "transfert"
    FERMETURE_PROCHE = "fermeture_proche"
    FIN = "fin"


class Ending(StrEnum):
    """Reason why a chat ended."""

    DEMANDEUR = "demandeur"
    BUREAU = "bureau"
    FERMETURE = "fermeture"
    SILENCE = "silence"
    ABSENCE = "absence"


@dataclass(frozen=True, slots=True)
class ChatLimits:
    """Limits of chats: opening hours, counts, and timeouts."""

    hours: OpeningHours
    waiting: int
    """Limit of chats that wait in one queue."""
    waiting_open: int
    """Limit of waiting chats without an account, which count in `waiting` as well."""
    open_each: int
    """Limit of open chats of one structure, or of one network address."""
    silence: timedelta
    """Timeout of a chat in progress in which nobody writes."""
    absence: timedelta
    """Timeout of a waiting chat whose visitor is not connected."""
    messages: int = 500
    per_minute: int = 20
    """Rate limit of the visitor's messages, per minute."""
    warning: timedelta = timedelta(minutes=10)
    """How long before closing time a warning is written."""


@dataclass(frozen=True, slots=True)
class Queue:
    """Queue of a desk; a business desk is a structure's own."""

    desk: Desk
    structure: str | None = None

    @property
    def name(self) -> str:
        """Unique name of the queue."""
        return f"{self.desk}|{self.structure or ''}"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a transcript."""

    rank: int
    """From 1, without gaps."""
    at: datetime
    by: Side
    kind: LineKind
    text: str
    who: str = ""
    key: str | None = None
    """Idempotency key of its writer: a message sent twice with it is one line."""


@dataclass(frozen=True, slots=True)
class Chat:
    """Chat in its present state; its lines are stored apart."""

    id: str
    queue: Queue
    place: int
    """Rank of arrival in its queue, always increasing."""
    started_at: datetime
    said_at: datetime
    """Last activity: a message, an assignment, or a transfer."""
    state: ChatState = ChatState.EN_ATTENTE
    asker: Asker | None = None
    """None without an account."""
    sub_category: str | None = None
    agent: str | None = None
    handed_at: datetime | None = None
    """When another desk transferred it to this one; None when none did."""
    rank: int = 0
    """Rank of its last line."""
    messages: int = 0
    lately: tuple[datetime, ...] = ()
    """Times of the visitor's latest messages, at most `per_minute` of them."""
    is_warned: bool = False
    ended_at: datetime | None = None
    ending: Ending | None = None

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.state is not ChatState.TERMINE

    @property
    def is_waiting(self) -> bool:
        """Whether no agent has taken it yet."""
        return self.state is ChatState.EN_ATTENTE

    @property
    def waits_since(self) -> datetime:
        """When it came into its queue."""
        return self.handed_at or self.started_at


@dataclass(frozen=True, slots=True)
class ChatUpdate:
    """New version of a chat, and the lines to add to its transcript."""

    chat: Chat
    lines: tuple[Line, ...] = ()
    left_queue: Queue | None = None
    """The queue of the desk that transferred it."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """Request to start a chat."""

    sub_category: str | None = None
    recipient: str | None = None
    text: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """Message that a visitor or an agent writes."""

    by: Side
    text: str
    who: str = ""
    key: str | None = None
    desk: Queue | None = None
    """Queue of the agent's desk; None for the visitor."""


@dataclass(frozen=True, slots=True)
class ChatTransfer:
    """Request of an agent to transfer a chat to another desk."""

    agent: str
    desk: Queue
    """Queue of the agent's desk."""
    to: Queue
    reason: str
