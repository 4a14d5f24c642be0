"""Validation of chat requests, messages and transfers."""

from datetime import datetime, timedelta

from services.support.chat.domain import rules as chat_rules
from services.support.chat.domain.chat import (
    Chat,
    ChatLimits,
    ChatRequest,
    ChatTransfer,
    Line,
    Message,
    Queue,
)
from services.support.desks.domain import rules
from services.support.desks.domain.catalogue import Catalogue
from services.support.desks.domain.parties import Recipient, judge_recipient
from services.support.desks.domain.texts import judge_line, judge_text
from shared.circuit.parties import Directory
from shared.vocabulary.rules import Violation
from shared.vocabulary.tickets import Side

MESSAGE_LIMIT = 2000


KEY_LIMIT = 64


_SHOWN = 40
_MINUTE = timedelta(minutes=1)


def judge_request(
    wish: ChatRequest, catalogue: Catalogue, directory: Directory
) -> tuple[Violation, ...]:
    """Name every rule that somebody's wish breaks."""
    found: list[Violation] = []
    chosen = catalogue.by_code.get(wish.sub_category or "")
    if wish.sub_category and chosen is None:
        shown = wish.sub_category[:_SHOWN]
        found.append(rules.SUB_CATEGORY_UNKNOWN.broken("sub_category", value=shown))
    elif chosen is not None and chosen.desk.is_of_a_structure and not wish.recipient:
        found.append(rules.RECIPIENT_MISSING.broken("recipient"))
    if wish.recipient:
        found += judge_recipient(Recipient(wish.recipient), directory, "recipient")
    return (*found, *(_judge_text(wish.text, wish.key) if wish.text else ()))


def judge_message(
    chat: Chat, said: Message, bounds: ChatLimits, now: datetime
) -> tuple[Violation, ...]:
    """Name every rule that a message breaks."""
    if found := _judge_desk(chat, said.desk):
        return found
    if chat.messages >= bounds.messages:
        return (chat_rules.CHAT_FULL.broken("text", limit=bounds.messages),)
    recent = [at for at in chat.lately if now - at < _MINUTE]
    if said.by is Side.DEMANDEUR and len(recent) >= bounds.a_minute:
        return (chat_rules.TOO_FAST.broken("text", limit=bounds.a_minute),)
    return tuple(_judge_text(said.text, said.key))


def judge_transfer(
    chat: Chat, handing: ChatTransfer, directory: Directory
) -> tuple[Violation, ...]:
    """Name every rule that stands between a chat and another desk."""
    if found := _judge_desk(chat, handing.desk):
        return found
    if handing.to == chat.queue:
        return (chat_rules.ALREADY_THERE.broken("desk"),)
    structure = handing.to.structure
    if structure:
        found = tuple(judge_recipient(Recipient(structure), directory))
    elif handing.to.desk.is_of_a_structure:
        found = (rules.RECIPIENT_MISSING.broken("recipient.structure"),)
    reason = judge_text("reason", "Le motif", handing.reason, is_required=True, limit=MESSAGE_LIMIT)
    return (*found, *reason)


def _judge_desk(chat: Chat, desk: Queue | None) -> tuple[Violation, ...]:
    """Tell whether somebody may do something to a chat; None is who asks."""
    if not chat.is_open:
        return (chat_rules.ENDED.broken("session"),)
    if desk is not None and desk != chat.queue:
        return (chat_rules.HANDED_OVER.broken("session"),)
    if desk is not None and chat.is_waiting:
        return (chat_rules.NOT_TAKEN.broken("session"),)
    return ()


def _judge_text(text: str, key: str | None) -> list[Violation]:
    return [
        *judge_text("text", "Le message", text, is_required=True, limit=MESSAGE_LIMIT),
        *judge_line("key", "La clé", key or "", KEY_LIMIT),
    ]


def judge_repeat(line: Line, said: Message) -> tuple[Violation, ...]:
    """Refuse a key that stands for another message."""
    if (line.by, line.text) == (said.by, said.text):
        return ()
    return (chat_rules.KEY_TAKEN.broken("key"),)
