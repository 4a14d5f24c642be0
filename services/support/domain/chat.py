"""A chat with the people of a desk: it waits for its turn, is talked through, and ends."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from services.support.domain import chat_rules, hours, rules
from services.support.domain.catalogue import Catalogue
from services.support.domain.conversation import Asker, Prefill, as_description, as_title
from services.support.domain.french import french_opening
from services.support.domain.parties import Recipient, judge_recipient
from services.support.domain.texts import judge_line, judge_text
from shared.circuit.parties import Directory
from shared.vocabulary.rules import Violation
from shared.vocabulary.tickets import Desk, Side

MESSAGE_LIMIT = 2000
KEY_LIMIT = 64
_SHOWN = 40
_MINUTE = timedelta(minutes=1)


class ChatState(StrEnum):
    """Where a chat stands."""

    EN_ATTENTE = "EN_ATTENTE"
    EN_COURS = "EN_COURS"
    TERMINE = "TERMINE"


class LineKind(StrEnum):
    """What a line of a chat is."""

    MESSAGE = "message"
    PRISE_EN_CHARGE = "prise_en_charge"
    FERMETURE_PROCHE = "fermeture_proche"
    FIN = "fin"


class Ending(StrEnum):
    """Why a chat ended."""

    DEMANDEUR = "demandeur"
    BUREAU = "bureau"
    FERMETURE = "fermeture"
    SILENCE = "silence"
    ABSENCE = "absence"


_ENDINGS = {
    Ending.DEMANDEUR: "La personne a mis fin à la conversation.",
    Ending.BUREAU: "{who} a mis fin à la conversation.",
    Ending.FERMETURE: "{closed}",
    Ending.SILENCE: "Personne n'a écrit depuis {silence} minutes : la conversation est terminée.",
    Ending.ABSENCE: "La personne n'est plus là : sa place dans la file est rendue.",
}
_SOON = (
    "Le tchat ferme à {closing}. Ce qui reste peut se faire par un ticket, prérempli avec la "
    "conversation."
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a chat may hold and how long it may rest."""

    waiting: int = 100
    """Chats that wait in one queue."""
    open_each: int = 5
    """Chats that one structure, or one network address, has open."""
    messages: int = 500
    a_minute: int = 20
    """Messages that the one who asks may write in a minute."""
    silence: timedelta = timedelta(minutes=15)
    absence: timedelta = timedelta(minutes=2)
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
    """When somebody last wrote, or took it."""
    state: ChatState = ChatState.EN_ATTENTE
    asker: Asker | None = None
    """None without an account."""
    sub_category: str | None = None
    agent: str | None = None
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


@dataclass(frozen=True, slots=True)
class Step:
    """What a chat becomes, and the lines that say so."""

    chat: Chat
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody comes with."""

    sub_category: str | None = None
    recipient: str | None = None
    text: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody writes."""

    by: Side
    text: str
    who: str = ""
    key: str | None = None


def told_closed(now: datetime) -> str:
    """Say when the chat opens, to whom it is closed."""
    closed = _closed(now)
    return f"{closed.message} Un ticket se dépose à toute heure."


def judge_hour(now: datetime) -> tuple[Violation, ...]:
    """Say when the chat opens, unless it is open."""
    if hours.is_open(now):
        return ()
    return (_closed(now),)


def _closed(now: datetime) -> Violation:
    return chat_rules.CLOSED.broken("requête", opening=french_opening(now))


def judge_wish(wish: Wish, catalogue: Catalogue, directory: Directory) -> tuple[Violation, ...]:
    """Name every rule that somebody's wish breaks."""
    found: list[Violation] = []
    chosen = catalogue.by_code.get(wish.sub_category or "")
    if wish.sub_category and chosen is None:
        shown = wish.sub_category[:_SHOWN]
        found.append(rules.SUB_CATEGORY_UNKNOWN.broken("sub_category", value=shown))
    elif chosen is not None and chosen.desk is Desk.METIER and not wish.recipient:
        found.append(rules.RECIPIENT_MISSING.broken("recipient"))
    if wish.recipient:
        found += judge_recipient(Recipient(wish.recipient), directory, "recipient")
    return (*found, *(_judge_message(wish.text, wish.key) if wish.text else ()))


def queue_of(wish: Wish, catalogue: Catalogue) -> Queue:
    """Choose the queue: the sub-category decides; the technical desk has what has none."""
    chosen = catalogue.by_code.get(wish.sub_category or "")
    if chosen is None or chosen.desk is Desk.TECHNIQUE:
        return Queue(Desk.TECHNIQUE)
    return Queue(chosen.desk, wish.recipient)


def judge_said(chat: Chat, said: Said, bounds: Bounds, now: datetime) -> tuple[Violation, ...]:
    """Name every rule that a message breaks."""
    if not chat.is_open:
        return (chat_rules.ENDED.broken("session"),)
    if said.by is Side.BUREAU and chat.is_waiting:
        return (chat_rules.NOT_TAKEN.broken("session"),)
    if chat.messages >= bounds.messages:
        return (chat_rules.CHAT_FULL.broken("text", limit=bounds.messages),)
    recent = [at for at in chat.lately if now - at < _MINUTE]
    if said.by is Side.DEMANDEUR and len(recent) >= bounds.a_minute:
        return (chat_rules.TOO_FAST.broken("text", limit=bounds.a_minute),)
    return tuple(_judge_message(said.text, said.key))


def _judge_message(text: str, key: str | None) -> list[Violation]:
    return [
        *judge_text("text", "Le message", text, is_required=True, limit=MESSAGE_LIMIT),
        *judge_line("key", "La clé", key or "", KEY_LIMIT),
    ]


def judge_repeat(line: Line, said: Said) -> tuple[Violation, ...]:
    """Refuse a key that stands for another message."""
    if (line.by, line.text) == (said.by, said.text):
        return ()
    return (chat_rules.KEY_TAKEN.broken("key"),)


def said_in(chat: Chat, said: Said, bounds: Bounds, now: datetime) -> Step:
    """Write a message that breaks no rule."""
    lately = chat.lately
    if said.by is Side.DEMANDEUR:
        lately = (*lately, now)[-bounds.a_minute :]
    spoken = replace(chat, said_at=now, messages=chat.messages + 1, lately=lately)
    return _with_line(spoken, now, said.by, LineKind.MESSAGE, said.text, said.who, said.key)


def taken(chat: Chat, agent: str, now: datetime) -> Step:
    """Give a waiting chat to an agent."""
    held = replace(chat, state=ChatState.EN_COURS, agent=agent, said_at=now)
    text = f"{agent} prend la conversation."
    return _with_line(held, now, Side.BUREAU, LineKind.PRISE_EN_CHARGE, text, agent)


def ended(chat: Chat, ending: Ending, bounds: Bounds, now: datetime, who: str = "") -> Step:
    """End a chat."""
    side = {Ending.DEMANDEUR: Side.DEMANDEUR, Ending.BUREAU: Side.BUREAU}
    over = replace(chat, state=ChatState.TERMINE, ended_at=now, ending=ending)
    text = _ENDINGS[ending].format(
        who=who, closed=told_closed(now), silence=bounds.silence // _MINUTE
    )
    by = side.get(ending, Side.PLATEFORME)
    return _with_line(over, now, by, LineKind.FIN, text, who)


def passed(chat: Chat, bounds: Bounds, now: datetime, seen_at: datetime) -> Step | None:
    """Say what the passing of time makes of a chat; `seen_at`: when its issuer was last there."""
    if not chat.is_open:
        return None
    # Not whether it is open now: a chat of yesterday ended yesterday, however late that is noticed.
    if not hours.is_open(now) or now >= hours.closing(chat.started_at):
        return ended(chat, Ending.FERMETURE, bounds, now)
    if chat.is_waiting and now - max(seen_at, chat.started_at) >= bounds.absence:
        return ended(chat, Ending.ABSENCE, bounds, now)
    if not chat.is_waiting and now - chat.said_at >= bounds.silence:
        return ended(chat, Ending.SILENCE, bounds, now)
    closing = hours.closing(now)
    if not chat.is_warned and now >= closing - bounds.warning:
        warned = replace(chat, is_warned=True)
        text = _SOON.format(closing=f"{closing.hour} h {closing.minute:02}")
        return _with_line(warned, now, Side.PLATEFORME, LineKind.FERMETURE_PROCHE, text)
    return None


def _with_line(
    chat: Chat,
    at: datetime,
    by: Side,
    kind: LineKind,
    text: str,
    who: str = "",
    key: str | None = None,
) -> Step:
    rank = chat.rank + 1
    return Step(replace(chat, rank=rank), (Line(rank, at, by, kind, text, who, key),))


def prefilled_by(chat: Chat, lines: Sequence[Line]) -> Prefill:
    """Make a ticket of what was said in a chat."""
    told = [line for line in lines if line.kind is LineKind.MESSAGE]
    own = [line for line in told if line.by is Side.DEMANDEUR]
    return Prefill(
        title=as_title(own[0].text if own else ""),
        description=as_description(
            f"{'Vous' if line.by is Side.DEMANDEUR else line.who} : {line.text}" for line in told
        ),
        sub_category=chat.sub_category,
        piece=None,
    )
