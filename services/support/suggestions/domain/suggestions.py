"""Suggestions for the text of a ticket: likely sub-categories, desk, contradictions."""

from dataclasses import dataclass

from shared.vocabulary.tickets import Desk

READ_LIMIT = 4000
"""Characters of a text that are read: what it is about is said in so many, or never."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A sub-category, and how sure it is, from 0 to 1."""

    sub_category: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Suggestions:
    """The sub-categories that a text is closest to, best first; none when unsure."""

    guesses: tuple[Guess, ...] = ()
    desk: Desk | None = None
    """The desk that the text is for, where it says so clearly."""
    excluded: frozenset[str] = frozenset()
    """The sub-categories that the text is clearly not about."""

    @property
    def best(self) -> str | None:
        """The sub-category to suggest."""
        return self.guesses[0].sub_category if self.guesses else None

    def contradicts(self, chosen: str) -> bool:
        """Tell whether the text is clearly about something else than the chosen sub-category."""
        return chosen in self.excluded
