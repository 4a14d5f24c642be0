"""The small model that reads what a ticket is about: trained on the examples at each start.

Training takes seconds and its result is the same each time: nothing is kept that only an
unpickling could read.
"""

import asyncio
import csv
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline

from services.support.domain.guesses import READ_LIMIT, Guess, Suggestions
from services.support.domain.letters import body_of
from shared.vocabulary.tickets import Desk

_SHOWN = 3
_LEAST_SHOWN = 0.08
"""A guess less sure than that tells nothing."""
_CLEAR = 0.9
"""How sure the desk must be for a text to contradict a choice: few are told so in vain."""
_SEED = 20


class ExamplesError(ValueError):
    """Examples that cannot be learnt from; names the file."""


@dataclass(frozen=True, slots=True)
class Example:
    """A ticket whose sub-category is known."""

    sub_category: str
    title: str
    description: str

    @property
    def text(self) -> str:
        """What the model reads."""
        return text_of(self.title, self.description)


def text_of(title: str, description: str) -> str:
    """Put a title before its description, as the model reads them: the beginning, unsigned."""
    return f"{title}\n{body_of(description[:READ_LIMIT])}"[:READ_LIMIT]


def read_examples(path: Path) -> list[Example]:
    """Read the examples of a file, or of all those of a folder. Raises ExamplesError."""
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    examples: list[Example] = []
    for file in files:
        with file.open(encoding="utf-8", newline="") as lines:
            try:
                examples += [
                    Example(row["sous_categorie"], row["titre"], row["description"])
                    for row in csv.DictReader(lines, delimiter=";", strict=True)
                ]
            except (KeyError, csv.Error) as error:
                raise ExamplesError(f"{file.name}: {error!r}") from error
    if not examples:
        raise ExamplesError(f"{path} holds no example")
    return examples


class TrainedSuggester:
    """Suggests by a linear model over words and pieces of words, which forgives typing."""

    def __init__(self, examples: Sequence[Example], desks: Mapping[str, Desk]) -> None:
        """Train on examples whose sub-categories have these desks.

        Raises ExamplesError for a sub-category that has no desk.
        """
        unknown = {example.sub_category for example in examples} - desks.keys()
        if unknown:
            raise ExamplesError(f"no such sub-category: {', '.join(sorted(unknown))}")
        self._pipeline = _pipeline()
        self._pipeline.fit(
            [example.text for example in examples], [example.sub_category for example in examples]
        )
        self._classes: list[str] = list(self._pipeline.classes_)
        self._desks = {
            desk: np.array([desks[each] is desk for each in self._classes]) for desk in Desk
        }
        untaught = {desks[code] for code in desks.keys() - set(self._classes)}
        are_taught = all(those.any() for those in self._desks.values())
        # What was never taught is of no other desk than its own.
        self._told = [desk for desk in Desk if are_taught and untaught <= {desk}]

    def suggest(self, title: str, description: str) -> Suggestions:
        """Read a text. It takes a few milliseconds.

        A desk is told where the text is clearly for it, and all that the other has was taught.
        """
        odds = self._odds(title, description)
        best = np.argsort(odds)[::-1][:_SHOWN]
        desk = next((desk for desk in self._told if odds[self._desks[desk]].sum() >= _CLEAR), None)
        return Suggestions(
            tuple(
                Guess(self._classes[rank], round(float(odds[rank]), 3))
                for rank in best
                if odds[rank] >= _LEAST_SHOWN
            ),
            desk,
        )

    def desk_of(self, title: str, description: str) -> Desk:
        """Tell the desk that a text is more likely for."""
        odds = self._odds(title, description)
        return max(Desk, key=lambda desk: float(odds[self._desks[desk]].sum()))

    def ranking(self, title: str, description: str) -> list[str]:
        """List all sub-categories, the likeliest first."""
        odds = self._odds(title, description)
        return [self._classes[rank] for rank in np.argsort(odds)[::-1]]

    def _odds(self, title: str, description: str) -> NDArray[np.float64]:
        (odds,) = self._pipeline.predict_proba([text_of(title, description)])
        return np.asarray(odds)


class Learner:
    """Suggests nothing until it has learnt, which `prepare` has done before the service is ready.

    An operator's own catalogue may lack sub-categories of the examples: these teach nothing then.
    """

    def __init__(self, examples: Path, desks: Mapping[str, Desk]) -> None:
        """Learn from the examples of a folder."""
        self._examples = examples
        self._desks = desks
        self._trained: TrainedSuggester | None = None
        # One at a time: several would take the processor from the event loop by turns.
        self._beside = ThreadPoolExecutor(1, "suggestions")

    async def prepare(self) -> None:
        """Train, off the event loop."""
        self._trained = await asyncio.to_thread(self._train)

    def suggest(self, title: str, description: str) -> Suggestions:
        """Read a text."""
        return self._trained.suggest(title, description) if self._trained else Suggestions()

    async def read(self, title: str, description: str) -> Suggestions:
        """Read a text beside the event loop, one at a time."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._beside, self.suggest, title, description)

    def _train(self) -> TrainedSuggester | None:
        known = [each for each in read_examples(self._examples) if each.sub_category in self._desks]
        is_taught = len({each.sub_category for each in known}) > 1
        return TrainedSuggester(known, self._desks) if is_taught else None


def _pipeline() -> Pipeline:
    words = TfidfVectorizer(
        strip_accents="unicode",
        ngram_range=(1, 2),
        sublinear_tf=True,
        token_pattern=r"\w+",  # noqa: S106 - a pattern of words
    )
    pieces = TfidfVectorizer(
        strip_accents="unicode",
        analyzer="char_wb",
        ngram_range=(2, 5),
        # Alone in one ticket a piece of a word teaches nothing.
        min_df=2,
        sublinear_tf=True,
    )
    return Pipeline(
        [
            ("features", FeatureUnion([("words", words), ("pieces", pieces)])),
            ("model", LogisticRegression(C=20, max_iter=300, random_state=_SEED)),
        ]
    )
