"""HTTP answer about broken rules, and what is said of a refusal that may only be early."""

from collections.abc import Collection
from typing import Self

from shared.answers.answer import Answer
from shared.vocabulary.rules import Violation

RETRY = "Si cela vient de changer, réessayer dans quelques secondes : on ne le sait pas encore ici."
"""Sentence of a refusal that may only be early. Its answer has the header `Retry-After`."""


class ViolationAnswer(Answer):
    """A broken rule."""

    code: str
    field: str
    message: str
    remedy: str

    @classmethod
    def of(cls, violation: Violation) -> Self:
        """Build from a violation."""
        return cls.model_validate(violation)


def is_retriable(violations: Collection[Violation]) -> bool:
    """Tell whether a refusal may only be early: each of its rules can be."""
    return bool(violations) and all(each.can_be_early for each in violations)


def join_messages(violations: Collection[Violation]) -> str:
    """Join the messages of a refusal, and say to retry when it may only be early."""
    messages = [each.message for each in violations]
    return " ".join([*messages, RETRY] if is_retriable(violations) else messages)
