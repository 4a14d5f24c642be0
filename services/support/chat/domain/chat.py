"""Chat with the people of a desk: its state, its lines, its limits."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.support.desks.domain.hours import OpeningHours
from services.support.desks.domain.parties import Asker
from shared.vocabulary.tickets import Desk, Side


class ChatState(StrEnum):
    """Where a chat stands."""

    EN_ATTENTE = "EN_ATTENTE"
    EN_COURS = "EN_COURS"
    TERMINE = "TERMINE"


class LineKind(StrEnum):
    """What a line of a chat is."""

    MESSAGE = "message"
    PRISE_EN_CHARGE = "prise_en_charge"
    TRANSFERT = "transfert"
    FERMETURE_PROCHE = "fermeture_proche"
    FIN = "fin"


class Ending(StrEnum):
    """Why a chat ended."""

    DEMANDEUR = "demandeur"
    BUREAU = "bureau"
    FERMETURE = "fermeture"
    SILENCE = "silence"
    ABSENCE = "absence"


@dataclass(frozen=True, slots=True)
class ChatLimits:
    """When there are chats, what one may hold and how long it may rest."""

    hours: OpeningHours
    waiting: int
    """Chats that wait in one queue."""
    waiting_open: int
    """Of these, those without an account: anybody may begin one."""
    open_each: int
    """Chats that one structure, or one network address, has open."""
    silence: timedelta
    """A chat in which nobody writes for that long is ended."""
    absence: timedelta
    """Who waits and has been gone for that long loses the place."""
    messages: int = 500
    per_minute: int = 20
    """Messages that the one who asks may write in a minute."""
    warning: timedelta = timedelta(minutes=10)
    """How long before closing it is told."""


@dataclass(frozen=True, slots=True)
class Queue:
    """Whom a chat waits for: a desk, and the structure whose business desk it is."""

    desk: Desk
    structure: str | None = None

    @property
    def name(self) -> str:
        """What distinguishes it."""
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
    """Chosen by who wrote it: the same message sent twice is one line."""


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat as it now is; its lines are kept apart."""

    id: str
    queue: Queue
    place: int
    """Rank of arrival in its queue, ever growing."""
    started_at: datetime
    said_at: datetime
    """When somebody last wrote, took it, or handed it over."""
    state: ChatState = ChatState.EN_ATTENTE
    asker: Asker | None = None
    """None without an account."""
    sub_category: str | None = None
    agent: str | None = None
    handed_at: datetime | None = None
    """When another desk gave it to this one."""
    rank: int = 0
    """Of its last line."""
    messages: int = 0
    lately: tuple[datetime, ...] = ()
    """When the one who asks wrote last, as often as a minute allows."""
    is_warned: bool = False
    ended_at: datetime | None = None
    ending: Ending | None = None

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self.state is not ChatState.TERMINE

    @property
    def is_waiting(self) -> bool:
        """Whether nobody has taken it yet."""
        return self.state is ChatState.EN_ATTENTE

    @property
    def waits_since(self) -> datetime:
        """When it came to its queue."""
        return self.handed_at or self.started_at


@dataclass(frozen=True, slots=True)
class ChatUpdate:
    """What a chat becomes, and the lines that say so."""

    chat: Chat
    lines: tuple[Line, ...] = ()
    left_queue: Queue | None = None
    """The queue of the desk that it is no longer with."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What somebody comes with."""

    sub_category: str | None = None
    recipient: str | None = None
    text: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody writes."""

    by: Side
    text: str
    who: str = ""
    key: str | None = None
    desk: Queue | None = None
    """Of whose desk the writer is; None for who asks."""


@dataclass(frozen=True, slots=True)
class ChatTransfer:
    """What an agent wants of a chat that another desk can answer better."""

    agent: str
    desk: Queue
    """The agent's own."""
    to: Queue
    reason: str
