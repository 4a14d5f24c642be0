"""Business rules and their violations: a permanent code, a French sentence, a remedy."""

from collections.abc import Collection
from dataclasses import dataclass

RETRY = "Si cela vient de changer, réessayer dans quelques secondes : on ne le sait pas encore ici."
"""Sentence of a refusal that may only be early. Its answer has the header `Retry-After`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Business rule with a permanent code, never reused.

    `sentence` and `remedy` are French, read by a person; both are `str.format` templates.
    `source` names the document or article that the rule comes from, or "règle de la plateforme".
    """

    code: str
    sentence: str
    remedy: str
    source: str
    can_be_early: bool = False
    """Whether a refusal may only be early: what it misses is on its way between services.

    The rule judges by what another service publishes, and what was just accepted there may not be
    known here yet; or by this service's own store, until another service has answered what was
    published (`DEP-COMPL-01`).
    """

    def build_violation(self, field: str, **values: object) -> "Violation":
        """Build the violation of this rule on `field` (dotted path in the request)."""
        return Violation(
            code=self.code,
            field=field,
            message=self.sentence.format(**values),
            remedy=self.remedy.format(**values),
            can_be_early=self.can_be_early,
        )


@dataclass(frozen=True, slots=True)
class Violation:
    """Violation of one rule: code, field, French sentence, remedy."""

    code: str
    field: str
    message: str
    remedy: str
    can_be_early: bool = False


def is_retriable(violations: Collection[Violation]) -> bool:
    """Tell whether a refusal may only be early: each of its rules can be."""
    return bool(violations) and all(each.can_be_early for each in violations)


def join_messages(violations: Collection[Violation]) -> str:
    """Join the messages of a refusal, and say to retry when it may only be early."""
    messages = [each.message for each in violations]
    return " ".join([*messages, RETRY] if is_retriable(violations) else messages)
