"""What people write: text, never markup; nothing that no screen can show."""

import re
import unicodedata
from collections.abc import Iterator

from services.support.domain import rules
from shared.vocabulary.rules import Violation
from shared.vocabulary.texts import REORDERING, is_blank, plain

TITLE_LIMIT = 150
TEXT_LIMIT = 10_000
NAME_LIMIT = 100
_EMAIL_LIMIT = 254
_EMAIL = re.compile(r"[^@\s<>\"(),;:\\]+@[^@\s<>\"(),;:\\]+\.[^@\s<>\"(),;:\\.]+")
_SHOWN = 60
# Controls, halves of signs, and the line ends that `tidy` writes in one way.
_UNREADABLE = {"Cc", "Cs", "Zl", "Zp"}


def tidy(text: str) -> str:
    """Give a text with one kind of space and of line end, and nothing around it.

    One that shows nothing is empty.
    """
    kept = plain(text).replace("\r\n", "\n").replace("\r", "\n").strip()
    has_control = any(unicodedata.category(sign) == "Cc" for sign in kept)
    return "" if is_blank(kept) and not has_control else kept


def judge_line(field: str, label: str, text: str, limit: int = NAME_LIMIT) -> Iterator[Violation]:
    """Judge a text of one line, which may be empty."""
    yield from _judge_length(field, label, text, limit)
    if any(sign in "\n\t" or _is_unreadable(sign) for sign in text):
        yield rules.TEXT_UNREADABLE.broken(field, label=label)


def judge_text(
    field: str, label: str, text: str, *, is_required: bool, limit: int = TEXT_LIMIT
) -> Iterator[Violation]:
    """Judge a text of several lines."""
    if is_required and not text:
        yield rules.TEXT_MISSING.broken(field, label=label)
    yield from _judge_length(field, label, text, limit)
    if any(_is_unreadable(sign) for sign in text):
        yield rules.TEXT_UNREADABLE.broken(field, label=label)


def judge_email(field: str, email: str) -> Iterator[Violation]:
    """Judge the form of an e-mail address; whether somebody reads it is not known."""
    if len(email) > _EMAIL_LIMIT or not email.isprintable() or not _EMAIL.fullmatch(email):
        yield rules.EMAIL_REFUSED.broken(field, value=email[:_SHOWN])


def _judge_length(field: str, label: str, text: str, limit: int) -> Iterator[Violation]:
    if len(text) > limit:
        yield rules.TEXT_TOO_LONG.broken(field, label=label, length=len(text), limit=limit)


def _is_unreadable(sign: str) -> bool:
    if sign in "\n\t":
        return False
    return sign in REORDERING or unicodedata.category(sign) in _UNREADABLE
