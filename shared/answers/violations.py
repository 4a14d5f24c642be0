"""HTTP answer about broken rules."""

from typing import Self

from shared.answers.answer import Answer
from shared.vocabulary.rules import Violation


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
