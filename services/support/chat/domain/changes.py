"""Changes of a chat: messages, assignment, transfer, end, and the time limits."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from services.support.chat.domain.chat import (
    Chat,
    ChatLimits,
    ChatRequest,
    ChatState,
    ChatTransfer,
    ChatUpdate,
    Ending,
    Line,
    LineKind,
    Message,
    Queue,
)
from services.support.desks.domain.catalogue import Catalogue
from services.support.desks.domain.french_dates import format_time
from services.support.desks.domain.opening import describe_closing
from services.support.tickets.domain.prefill import Prefill, cut_title, join_description
from shared.vocabulary.tickets import DESK_LABELS, Desk, Side

_MINUTE = timedelta(minutes=1)
_ENDINGS = {
    Ending.DEMANDEUR: "La personne a mis fin à la conversation.",
    Ending.BUREAU: "{who} a mis fin à la conversation.",
    Ending.FERMETURE: "{closed}",
    Ending.SILENCE: "Personne n'a écrit depuis {silence} minutes : la conversation est terminée.",
    Ending.ABSENCE: "La personne n'est plus là : sa place dans la file est rendue.",
}
_CLOSING_WARNING = (
    "Le tchat ferme à {closing}. Ce qui reste peut se faire par un ticket, prérempli avec la "
    "conversation."
)


def choose_queue(request: ChatRequest, catalogue: Catalogue) -> Queue:
    """Choose the queue by the sub-category; without one it is the technical desk's."""
    chosen = catalogue.by_code.get(request.sub_category or "")
    if chosen is None:
        return Queue(Desk.TECHNIQUE)
    return Queue(chosen.desk, request.recipient if chosen.desk.is_of_a_structure else None)


def add_message(chat: Chat, message: Message, limits: ChatLimits, now: datetime) -> ChatUpdate:
    """Add a message that was judged valid."""
    recent = chat.lately
    if message.by is Side.DEMANDEUR:
        recent = (*recent, now)[-limits.per_minute :]
    written = replace(chat, said_at=now, messages=chat.messages + 1, lately=recent)
    return _add_line(
        written, now, message.by, LineKind.MESSAGE, message.text, message.who, message.key
    )


def assign_agent(chat: Chat, agent: str, now: datetime) -> ChatUpdate:
    """Assign a waiting chat to an agent."""
    held = replace(chat, state=ChatState.EN_COURS, agent=agent, said_at=now)
    text = f"{agent} prend la conversation."
    return _add_line(held, now, Side.BUREAU, LineKind.PRISE_EN_CHARGE, text, agent)


def transfer_chat(chat: Chat, transfer: ChatTransfer, place: int, now: datetime) -> ChatUpdate:
    """Transfer a chat to the queue of another desk, where it waits for its turn."""
    waiting = replace(
        chat,
        queue=transfer.to,
        place=place,
        state=ChatState.EN_ATTENTE,
        agent=None,
        handed_at=now,
        said_at=now,
    )
    structure = transfer.to.structure
    label = DESK_LABELS[transfer.to.desk]
    where = f"{label} de {structure}" if structure else label
    text = f"{transfer.agent} passe la conversation au {where} : {transfer.reason}"
    update = _add_line(waiting, now, Side.BUREAU, LineKind.TRANSFERT, text, transfer.agent)
    return replace(update, left_queue=transfer.desk)


def end_chat(
    chat: Chat, ending: Ending, limits: ChatLimits, now: datetime, who: str = ""
) -> ChatUpdate:
    """End a chat."""
    side = {Ending.DEMANDEUR: Side.DEMANDEUR, Ending.BUREAU: Side.BUREAU}
    over = replace(chat, state=ChatState.TERMINE, ended_at=now, ending=ending)
    text = _ENDINGS[ending].format(
        who=who, closed=describe_closing(limits.hours, now), silence=limits.silence // _MINUTE
    )
    by = side.get(ending, Side.PLATEFORME)
    return _add_line(over, now, by, LineKind.FIN, text, who)


def apply_time_limits(
    chat: Chat, limits: ChatLimits, now: datetime, seen_at: datetime
) -> ChatUpdate | None:
    """Apply the time limits to a chat: end it, warn of closing, or None for nothing.

    `seen_at` is when its visitor was last connected.
    """
    hours = limits.hours
    if not chat.is_open:
        return None
    # A chat ends at the closing time of the day of its start: one of yesterday is over although
    # the desks are open again.
    if not hours.is_open(now) or now >= hours.find_closing(chat.started_at):
        return end_chat(chat, Ending.FERMETURE, limits, now)
    if chat.is_waiting and now - max(seen_at, chat.waits_since) >= limits.absence:
        return end_chat(chat, Ending.ABSENCE, limits, now)
    if not chat.is_waiting and now - chat.said_at >= limits.silence:
        return end_chat(chat, Ending.SILENCE, limits, now)
    closing = hours.find_closing(now)
    if not chat.is_warned and now >= closing - limits.warning:
        warned = replace(chat, is_warned=True)
        text = _CLOSING_WARNING.format(closing=format_time(hours.closes))
        return _add_line(warned, now, Side.PLATEFORME, LineKind.FERMETURE_PROCHE, text)
    return None


def _add_line(
    chat: Chat,
    at: datetime,
    by: Side,
    kind: LineKind,
    text: str,
    who: str = "",
    key: str | None = None,
) -> ChatUpdate:
    rank = chat.rank + 1
    return ChatUpdate(replace(chat, rank=rank), (Line(rank, at, by, kind, text, who, key),))


def prefill_ticket(chat: Chat, lines: Sequence[Line]) -> Prefill:
    """Prefill a ticket from the messages of a chat."""
    messages = [line for line in lines if line.kind is LineKind.MESSAGE]
    own = [line for line in messages if line.by is Side.DEMANDEUR]
    return Prefill(
        title=cut_title(own[0].text if own else ""),
        description=join_description(
            f"{'Vous' if line.by is Side.DEMANDEUR else line.who} : {line.text}"
            for line in messages
        ),
        sub_category=chat.sub_category,
        piece=None,
    )
