"""Port of the model that suggests sub-categories for a text."""

from typing import Protocol

from services.support.suggestions.domain.suggestions import Suggestions


class Suggester(Protocol):
    """Port of the model that suggests sub-categories."""

    async def suggest(self, title: str, description: str) -> Suggestions:
        """Suggest the sub-categories closest to a text, and name those it contradicts.

        One text is read at a time, off the event loop; nothing is suggested after a timeout.
        """
