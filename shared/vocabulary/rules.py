"""Business rules and their violations: a permanent code, a French sentence, a remedy."""

from dataclasses import dataclass


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
    """Whether a refusal may only be early: the rule judges by what another service publishes, and
    this service may not know yet what has just been accepted there."""

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
