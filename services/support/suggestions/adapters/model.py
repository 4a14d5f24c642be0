"""Text classification model of tickets: TF-IDF over words and pieces of words, logistic regression.

Training takes seconds and its result is the same each time.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline
from threadpoolctl import threadpool_limits

from services.support.suggestions.adapters.examples import Example, ExamplesError
from services.support.suggestions.domain.suggestions import Guess, Suggestions
from services.support.suggestions.domain.ticket_text import build_text
from shared.vocabulary.texts import fold
from shared.vocabulary.tickets import Desk

_SHOWN = 3
_LEAST_SHOWN = 0.08
"""Minimum probability of a guess that is shown."""
_CLEAR, _CERTAIN = 0.67, 0.9
"""Minimum probabilities of a desk: to suggest it, and to contradict what is of the other desk.

A short text needs the second for both: polite words alone come to over 0.8 ("merci de me
répondre"). Set by cross-validation of the examples, where 20 of 1000 suggested desks are wrong.
"""
_SHORT = 6
"""A text of fewer distinct words is short."""
_SURE, _TIMES = 0.5, 15
"""A first guess of probability `_SURE` contradicts what is `_TIMES` times less likely.

Set by cross-validation of the examples, where it contradicts the right sub-category in 10 of
1000 texts; `make eval-support` prints that rate, and that of wrong ones found, on tickets held out.
"""
_LEAST_WORDS = 2
"""A single word contradicts nothing: "facture" is in most tickets of some sub-categories."""
_SEED = 20


class TrainedModel:
    """Trained model: logistic regression over words and pieces of words, so typos are tolerated."""

    def __init__(self, pipeline: Pipeline, desks: Mapping[str, Desk]) -> None:
        """Take a fitted pipeline, and the desk of each sub-category of the catalogue.

        Raises ExamplesError for a trained sub-category that has no desk.
        """
        self.pipeline = pipeline
        self.desks = desks
        self.classes: list[str] = pipeline.classes_.tolist()
        if unknown := {*self.classes} - desks.keys():
            raise ExamplesError(f"no such sub-category: {', '.join(sorted(unknown))}")
        self._of_desk = {
            desk: np.array([desks[each] is desk for each in self.classes]) for desk in Desk
        }
        untaught = {desks[code] for code in desks.keys() - set(self.classes)}
        are_taught = all(those.any() for those in self._of_desk.values())
        # A desk is suggested only when all sub-categories without examples are its own.
        self._suggestable = [desk for desk in Desk if are_taught and untaught <= {desk}]

    def suggest(self, title: str, description: str) -> Suggestions:
        """Suggest sub-categories for a text. It takes a few milliseconds.

        A desk is suggested when the text is clearly for it, and every sub-category of the other
        desk was trained.
        """
        odds = self._compute_odds(title, description)
        best = np.argsort(odds)[::-1][:_SHOWN]
        words = len({*re.findall(r"\w+", fold(build_text(title, description)))})
        least = _CLEAR if words >= _SHORT else _CERTAIN
        of_desk = {desk: float(odds[self._of_desk[desk]].sum()) for desk in self._suggestable}
        desk = next((desk for desk, share in of_desk.items() if share >= least), None)
        against = _mark_contradicted(odds, words)
        if desk is not None and of_desk[desk] >= _CERTAIN:
            against |= ~self._of_desk[desk]
        return Suggestions(
            tuple(
                Guess(self.classes[rank], round(float(odds[rank]), 3))
                for rank in best
                if odds[rank] >= _LEAST_SHOWN
            ),
            desk,
            frozenset(self.classes[rank] for rank in np.flatnonzero(against)),
        )

    def estimate_odds(self, title: str, description: str) -> Mapping[str, float]:
        """Estimate the probability of each trained sub-category; their sum is 1."""
        found = self._compute_odds(title, description).tolist()
        return dict(zip(self.classes, found, strict=True))

    def _compute_odds(self, title: str, description: str) -> NDArray[np.float64]:
        (odds,) = self.pipeline.predict_proba([build_text(title, description)])
        return np.asarray(odds)


def _mark_contradicted(odds: NDArray[np.float64], words: int) -> NDArray[np.bool_]:
    """Mark the sub-categories that a text of so many distinct words clearly contradicts."""
    is_clear = odds.max() >= _SURE and words >= _LEAST_WORDS
    return odds * _TIMES <= odds.max() if is_clear else np.zeros_like(odds, bool)


def select_examples(desks: Mapping[str, Desk], examples: Sequence[Example]) -> list[Example]:
    """Select the examples whose sub-category is in the catalogue."""
    return [each for each in examples if each.sub_category in desks]


def train_model(examples: Sequence[Example], desks: Mapping[str, Desk]) -> TrainedModel:
    """Train the model on examples whose sub-categories have these desks.

    Raises ExamplesError for a sub-category without a desk, for fewer than two sub-categories, and
    for texts that have no word in common.
    """
    if not can_train(examples):
        raise ExamplesError("examples of two sub-categories are needed at least")
    texts = [each.text for each in examples]
    pipeline = build_pipeline()
    # Several threads on matrices this small wait for one another: 7.1 s of CPU instead of 3.2.
    with threadpool_limits(limits=1):
        try:
            pipeline.fit(texts, [each.sub_category for each in examples])
        except ValueError as error:
            raise ExamplesError(f"the texts of the examples: {error}") from error
    return TrainedModel(pipeline, desks)


def can_train(examples: Sequence[Example]) -> bool:
    """Tell whether there are at least two sub-categories to learn."""
    return len({each.sub_category for each in examples}) > 1


def build_pipeline() -> Pipeline:
    """Build an untrained pipeline: a union `features` of vectorizers, then a `model`."""
    words = TfidfVectorizer(
        strip_accents="unicode",
        ngram_range=(1, 2),
        # What is in one ticket only is left out, here and below.
        min_df=2,
        sublinear_tf=True,
        token_pattern=r"\w+",  # noqa: S106 - a pattern of words
    )
    pieces = TfidfVectorizer(
        strip_accents="unicode",
        analyzer="char_wb",
        ngram_range=(2, 5),
        min_df=2,
        sublinear_tf=True,
    )
    return Pipeline(
        [
            ("features", FeatureUnion([("words", words), ("pieces", pieces)])),
            ("model", LogisticRegression(C=20, max_iter=300, tol=5e-4, random_state=_SEED)),
        ]
    )
