"""Suggester on a trained model: trained or loaded at start, run off the event loop."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from services.support.suggestions.adapters.examples import read_examples
from services.support.suggestions.adapters.model import (
    TrainedModel,
    can_train,
    select_examples,
    train_model,
)
from services.support.suggestions.domain.suggestions import Suggestions
from shared.vocabulary.tickets import Desk

_READ_TIMEOUT_S = 2.0
"""How long a text waits to be read: a suggestion holds no ticket up, however many are asked."""


class ModelSuggester:
    """Suggests nothing until it has learnt, which `prepare` has done before the service is ready.

    An operator's own catalogue may lack sub-categories of the examples: these teach nothing then.
    """

    def __init__(
        self, examples: Path, desks: Mapping[str, Desk], trained: TrainedModel | None = None
    ) -> None:
        """Learn from the examples of a folder, unless a model that was trained is given."""
        self._examples = examples
        self._desks = desks
        self._trained = trained
        # One at a time: several would take the processor from the event loop by turns.
        self._beside = ThreadPoolExecutor(1, "suggestions")

    async def prepare(self) -> None:
        """Train, off the event loop."""
        if self._trained is None:
            self._trained = await asyncio.to_thread(self._train)

    async def suggest(self, title: str, description: str) -> Suggestions:
        """Read a text beside the event loop, one at a time; suggest nothing when many wait."""
        if self._trained is None:
            return Suggestions()
        loop = asyncio.get_running_loop()
        reading = loop.run_in_executor(self._beside, self._trained.suggest, title, description)
        try:
            # What is given up before its turn leaves the queue.
            return await asyncio.wait_for(reading, _READ_TIMEOUT_S)
        except TimeoutError:
            return Suggestions()

    def _train(self) -> TrainedModel | None:
        known = select_examples(self._desks, read_examples(self._examples))
        return train_model(known, self._desks) if can_train(known) else None
