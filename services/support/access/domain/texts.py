"""Limits of typed texts: length, control characters, the form of an e-mail address."""

from collections.abc import Iterator

from services.support.access.domain import rules
from shared.vocabulary.emails import is_email
from shared.vocabulary.rules import Violation
from shared.vocabulary.texts import is_showable

TITLE_LIMIT = 150
TEXT_LIMIT = 10_000
NAME_LIMIT = 100
_SHOWN = 60


def judge_line(field: str, label: str, text: str, limit: int = NAME_LIMIT) -> Iterator[Violation]:
    """List the rules that a text of one line breaks; it may be empty."""
    yield from _judge_length(field, label, text, limit)
    if not is_showable(text):
        yield rules.TEXT_UNREADABLE.build_violation(field, label=label)


def judge_text(
    field: str, label: str, text: str, *, is_required: bool, limit: int = TEXT_LIMIT
) -> Iterator[Violation]:
    """List the rules that a text of several lines breaks."""
    if is_required and not text:
        yield rules.TEXT_MISSING.build_violation(field, label=label)
    yield from _judge_length(field, label, text, limit)
    if not is_showable(text, lines=True):
        yield rules.TEXT_UNREADABLE.build_violation(field, label=label)


def judge_email(field: str, email: str) -> Iterator[Violation]:
    """List the rules that the form of an e-mail address breaks."""
    if not is_email(email):
        yield rules.EMAIL_REFUSED.build_violation(field, value=email[:_SHOWN])


def _judge_length(field: str, label: str, text: str, limit: int) -> Iterator[Violation]:
    if len(text) > limit:
        yield rules.TEXT_TOO_LONG.build_violation(field, label=label, length=len(text), limit=limit)
