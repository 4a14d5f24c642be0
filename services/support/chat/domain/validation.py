"""Validation of chat requests, messages and transfers."""

from datetime import datetime, timedelta

from services.support.access.domain import rules
from services.support.access.domain.parties import judge_recipient_structure
from services.support.access.domain.texts import judge_line, judge_text
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
from services.support.desks.domain.catalogue import Catalogue
from services.support.desks.domain.rules import SUB_CATEGORY_UNKNOWN
from shared.circuit.parties import Directory
from shared.vocabulary.rules import Violation
from shared.vocabulary.tickets import Side

MESSAGE_LIMIT = 2000


KEY_LIMIT = 64


_SHOWN = 40
_MINUTE = timedelta(minutes=1)


def judge_request(
    request: ChatRequest, catalogue: Catalogue, directory: Directory
) -> tuple[Violation, ...]:
    """List the rules that a request to start a chat breaks."""
    found: list[Violation] = []
    chosen = catalogue.by_code.get(request.sub_category or "")
    if request.sub_category and chosen is None:
        shown = request.sub_category[:_SHOWN]
        found.append(SUB_CATEGORY_UNKNOWN.build_violation("sub_category", value=shown))
    elif chosen is not None and chosen.desk.is_of_a_structure and not request.recipient:
        found.append(rules.RECIPIENT_MISSING.build_violation("recipient"))
    if request.recipient:
        found += judge_recipient_structure(request.recipient, directory, "recipient")
    return (*found, *(_judge_text(request.text, request.key) if request.text else ()))


def judge_message(
    chat: Chat, message: Message, limits: ChatLimits, now: datetime
) -> tuple[Violation, ...]:
    """List the rules that a message breaks."""
    if found := _judge_desk(chat, message.desk):
        return found
    if chat.messages >= limits.messages:
        return (chat_rules.CHAT_FULL.build_violation("text", limit=limits.messages),)
    recent = [at for at in chat.lately if now - at < _MINUTE]
    if message.by is Side.DEMANDEUR and len(recent) >= limits.per_minute:
        return (chat_rules.TOO_FAST.build_violation("text", limit=limits.per_minute),)
    return tuple(_judge_text(message.text, message.key))


def judge_transfer(
    chat: Chat, transfer: ChatTransfer, directory: Directory
) -> tuple[Violation, ...]:
    """List the rules that a transfer breaks."""
    if found := _judge_desk(chat, transfer.desk):
        return found
    if transfer.to == chat.queue:
        return (chat_rules.ALREADY_THERE.build_violation("desk"),)
    structure = transfer.to.structure
    if structure:
        found = tuple(judge_recipient_structure(structure, directory))
    elif transfer.to.desk.is_of_a_structure:
        found = (rules.RECIPIENT_MISSING.build_violation("recipient.structure"),)
    reason = judge_text(
        "reason", "Le motif", transfer.reason, is_required=True, limit=MESSAGE_LIMIT
    )
    return (*found, *reason)


def _judge_desk(chat: Chat, desk: Queue | None) -> tuple[Violation, ...]:
    """Return the rule that refuses an act on a chat; `desk` is None for the visitor."""
    if not chat.is_open:
        return (chat_rules.ENDED.build_violation("chat_id"),)
    if desk is not None and desk != chat.queue:
        return (chat_rules.HANDED_OVER.build_violation("chat_id"),)
    if desk is not None and chat.is_waiting:
        return (chat_rules.NOT_TAKEN.build_violation("chat_id"),)
    return ()


def _judge_text(text: str, key: str | None) -> list[Violation]:
    return [
        *judge_text("text", "Le message", text, is_required=True, limit=MESSAGE_LIMIT),
        *judge_line("key", "La clé", key or "", KEY_LIMIT),
    ]


def judge_repeat(line: Line, message: Message) -> tuple[Violation, ...]:
    """Refuse a key that was already used for another message."""
    if (line.by, line.text) == (message.by, message.text):
        return ()
    return (chat_rules.KEY_TAKEN.build_violation("key"),)
