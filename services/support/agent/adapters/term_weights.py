"""TF-IDF weights of the terms of one text, as scikit-learn learns them, at a tenth of its cost."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer


class TermWeights:
    """TF-IDF of texts given as words: learnt on many at once, then computed of one at a time.

    `transform` of scikit-learn takes a millisecond for a text of ten words: it checks and converts
    matrices that hold one row.
    """

    def __init__(self, vectorizer: TfidfVectorizer) -> None:
        """Take a vectorizer with sublinear counts, which has learnt nothing yet."""
        self._vectorizer = vectorizer
        self._list_terms = vectorizer.build_analyzer()

    def fit(self, texts: Sequence[Sequence[str]]) -> csr_matrix:
        """Learn the terms of texts and how rare each is. Returns a row of weights per text."""
        rows = self._vectorizer.fit_transform(texts)
        self._ranks: dict[str, int] = self._vectorizer.vocabulary_
        self._idf: NDArray[np.float64] = self._vectorizer.idf_
        return rows

    def weigh(self, words: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Weigh the terms of a text: the columns of those that were learnt, and their weights."""
        known = map(self._ranks.get, self._list_terms(words))
        counts = Counter(rank for rank in known if rank is not None)
        ranks = np.fromiter(counts, np.int64, len(counts))
        weights = (1 + np.log(np.fromiter(counts.values(), np.float64, len(counts)))) * self._idf[
            ranks
        ]
        return ranks, weights / (np.linalg.norm(weights) or 1.0)
