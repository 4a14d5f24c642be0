"""Suggestions for the text of a ticket: likely sub-categories, desk, contradictions."""

from dataclasses import dataclass

from shared.vocabulary.tickets import Desk

READ_LIMIT = 4000
"""Characters of a text that the model reads."""


@dataclass(frozen=True, slots=True)
class Guess:
    """Guess of the model: a sub-category and its probability."""

    sub_category: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Suggested sub-categories, best first; empty when the model is unsure."""

    guesses: tuple[Guess, ...] = ()
    desk: Desk | None = None
    """The desk that the text is clearly for."""
    excluded: frozenset[str] = frozenset()
    """The sub-categories that the text clearly contradicts."""

    @property
    def best(self) -> str | None:
        """Code of the most likely sub-category; None without a guess."""
        return self.guesses[0].sub_category if self.guesses else None

    def contradicts(self, chosen: str) -> bool:
        """Tell whether the text clearly contradicts the chosen sub-category."""
        return chosen in self.excluded
