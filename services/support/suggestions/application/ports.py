"""Port of the model that suggests sub-categories for a text."""

from typing import Protocol

from services.support.suggestions.domain.suggestions import Suggestions


class Suggester(Protocol):
    """Says what a text is about."""

    async def suggest(self, title: str, description: str) -> Suggestions:
        """Give the sub-categories that a text is closest to, and those that it is not about.

        One text is read at a time, beside the event loop; none are given when too many wait.
        """
