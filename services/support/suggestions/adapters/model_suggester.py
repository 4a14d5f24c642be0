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
"""Timeout of a suggestion, in seconds: no ticket waits longer for it."""


class ModelSuggester:
    """Suggester on a trained model; it suggests nothing until `prepare` has trained it.

    An operator's own catalogue may lack sub-categories of the examples: these examples are left
    out.
    """

    def __init__(
        self, examples: Path, desks: Mapping[str, Desk], trained: TrainedModel | None = None
    ) -> None:
        """Take a trained model, or the folder of examples to train one at start."""
        self._examples = examples
        self._desks = desks
        self._trained = trained
        # One thread: several would take the processor from the event loop.
        self._beside = ThreadPoolExecutor(1, "suggestions")

    async def prepare(self) -> None:
        """Train the model, off the event loop."""
        if self._trained is None:
            self._trained = await asyncio.to_thread(self._train)

    async def suggest(self, title: str, description: str) -> Suggestions:
        """Suggest off the event loop, one text at a time; nothing after the timeout."""
        if self._trained is None:
            return Suggestions()
        loop = asyncio.get_running_loop()
        reading = loop.run_in_executor(self._beside, self._trained.suggest, title, description)
        try:
            # A request that times out before its turn leaves the queue.
            return await asyncio.wait_for(reading, _READ_TIMEOUT_S)
        except TimeoutError:
            return Suggestions()

    def _train(self) -> TrainedModel | None:
        known = select_examples(self._desks, read_examples(self._examples))
        return train_model(known, self._desks) if can_train(known) else None
