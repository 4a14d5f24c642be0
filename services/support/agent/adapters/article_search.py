"""Search of the passage that answers a question, learnt from the questions of the articles.

Two linear classifiers over words, pieces of words and notions tell the passage and its article;
the words that question and passage share count too. Questions about something else are a class of
their own. Learning takes two seconds of CPU, and its result is the same each time.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from services.support.agent.adapters.term_weights import TermWeights
from services.support.agent.adapters.text_analysis import TextAnalyzer
from services.support.agent.adapters.vocabulary import Vocabulary
from services.support.agent.domain.articles import Article, Passage
from services.support.agent.domain.search_hits import SearchHit

_OFF_TOPIC = ""
"""Class of the questions about something else, beside the codes of passages and articles."""
_OFF_TOPIC_WEIGHT = 2.0
"""Weight of a question about something else in learning: there are more of them in the world."""
_TEXT_WEIGHT = 0.5
"""Weight of a sentence of a passage in learning, relative to a question that it answers."""
_ARTICLE_WEIGHT = 0.5
"""Weight of the article's score, relative to the passage's own."""
_SHARED_WEIGHT = 1.0
"""Weight of the words that a question shares with a passage, from none, 0, to all, 1."""
_PENALTY = 0.5
_SEED = 20
_KEPT = 3
_SENTENCE_END = re.compile(r"(?<=[.;:])\s+")


class ArticleSearch:
    """Search of passages: ranks them for a question."""

    def __init__(
        self,
        articles: Mapping[str, Article],
        analyzer: TextAnalyzer,
        platform_texts: Iterable[str],
        off_topic: Iterable[str],
        foreign_words: Collection[str],
        notions: Mapping[str, Collection[str]],
    ) -> None:
        """Learn the questions and texts of the articles, in memory, at each start.

        The words of `platform_texts`, texts about the platform, are not foreign even when no
        article holds them. `off_topic` are questions about something else. The words of
        `foreign_words` are always foreign. `notions` are those of each word: an amount, a delay.
        Words are given folded.
        """
        self._analyzer = analyzer
        self._notions = {analyzer.stem(word): of for word, of in notions.items()}
        self._passages = {
            passage.code: (article, passage)
            for article in articles.values()
            for passage in article.passages
        }
        texts = {code: _join_texts(*each) for code, each in self._passages.items()}
        self._vocabulary = Vocabulary(analyzer, [*texts.values()], platform_texts, foreign_words)
        features = [
            TermWeights(TfidfVectorizer(analyzer=self._list_stems, sublinear_tf=True)),
            TermWeights(TfidfVectorizer(analyzer=self._list_notions, sublinear_tf=True)),
            TermWeights(
                TfidfVectorizer(
                    preprocessor=" ".join, analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True
                )
            ),
        ]
        learnt = [
            *((each, _OFF_TOPIC, _OFF_TOPIC_WEIGHT) for each in off_topic),
            *self._list_learnt(),
        ]
        words = [analyzer.list_words(text) for text, _, _ in learnt]
        fitted = [each.fit(words) for each in features]
        known = hstack(fitted, format="csr")
        codes = [code for _, code, _ in learnt]
        weights = [weight for _, _, weight in learnt]
        of_passage = _train(known, codes, weights)
        of_article = _train(known, [*map(_find_article, codes)], weights)
        self._codes: list[str] = of_passage.classes_.tolist()
        ranks = {code: rank for rank, code in enumerate(of_article.classes_)}
        articles_of = [ranks[_find_article(code)] for code in self._codes]
        # A score is linear in the features: both classifiers are added up once, here.
        coefficients = of_passage.coef_ + _ARTICLE_WEIGHT * of_article.coef_[articles_of]
        self._intercepts = (
            of_passage.intercept_ + _ARTICLE_WEIGHT * of_article.intercept_[articles_of]
        )
        ends = np.cumsum([each.shape[1] for each in fitted])[:-1]
        parts = np.split(coefficients.T, ends)
        self._features = [(each, part.copy()) for each, part in zip(features, parts, strict=True)]
        self._shared = TermWeights(
            TfidfVectorizer(analyzer=self._list_content_stems, sublinear_tf=True)
        )
        texts_of = [analyzer.list_words(texts.get(code, "")) for code in self._codes]
        self._texts = self._shared.fit(texts_of).T.toarray()

    def search(self, question: str) -> Sequence[SearchHit]:
        """Find the articles closest to a question, best first, each with its best passage."""
        words = self._vocabulary.list_words(question)
        if all(map(self._vocabulary.is_foreign, words)):
            return ()
        foreign = round(self._vocabulary.measure_foreign(words), 3)
        scores = self._score(words)
        order = np.argsort(-scores, kind="stable")
        is_off_topic = self._codes[order[0]] == _OFF_TOPIC
        ranking = [(self._codes[rank], float(scores[rank])) for rank in order]
        ranking = [each for each in ranking if each[0] != _OFF_TOPIC]
        (_, best), (_, second), *_ = ranking
        hits: dict[str, SearchHit] = {}
        for code, score in ranking:
            article, passage = self._passages[code]
            if article.code in hits:
                continue
            lead = score - (best if score < best else second)
            hits[article.code] = SearchHit(
                article, passage, round(score, 2), round(lead, 2), foreign, is_off_topic
            )
            if len(hits) == _KEPT:
                break
        return [*hits.values()]

    def _score(self, words: Sequence[str]) -> NDArray[np.float64]:
        """Score each class for the words of a question."""
        own = self._intercepts.copy()
        for each, coefficients in self._features:
            ranks, values = each.weigh(words)
            own += values @ coefficients[ranks]
        ranks, values = self._shared.weigh(words)
        return np.asarray(own + _SHARED_WEIGHT * (values @ self._texts[ranks]))

    def _list_learnt(self) -> Iterator[tuple[str, str, float]]:
        """List what each passage teaches: texts, with its code and their weight."""
        for code, (_, passage) in self._passages.items():
            for asked in (passage.heading, *passage.questions):
                yield asked, code, 1.0
            for sentence in _SENTENCE_END.split(passage.text):
                yield sentence, code, _TEXT_WEIGHT

    def _list_stems(self, words: Sequence[str]) -> list[str]:
        """List the stems of words, and each pair of neighbours."""
        stems = [*map(self._analyzer.stem, words)]
        return [*stems, *(" ".join(each) for each in pairwise(stems))]

    def _list_notions(self, words: Sequence[str]) -> list[str]:
        """List the notions that words stand for, and each pair of them."""
        stems = map(self._analyzer.stem, words)
        found = sorted({notion for stem in stems for notion in self._notions.get(stem, ())})
        return [*found, *(" ".join(each) for each in combinations(found, 2))]

    def _list_content_stems(self, words: Sequence[str]) -> list[str]:
        """List the stems of the words that say something of the subject."""
        stop_words = self._analyzer.stop_words
        return [self._analyzer.stem(each) for each in words if each not in stop_words]


def _train(features: object, codes: Sequence[str], weights: Sequence[float]) -> LinearSVC:
    model = LinearSVC(C=_PENALTY, random_state=_SEED)
    return model.fit(features, codes, sample_weight=weights)


def _find_article(code: str) -> str:
    return code.partition("#")[0]


def _join_texts(article: Article, passage: Passage) -> str:
    """Join all that is said of a passage."""
    return "\n".join(
        [
            article.title,
            *article.keywords,
            passage.heading,
            *passage.questions,
            passage.text,
        ]
    )
