"""Full-text search of the articles in memory: weighted fields, spelling correction, coverage."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import tantivy
from rapidfuzz import process
from rapidfuzz.distance import OSA

from services.support.agent.adapters.text_analysis import TextAnalyzer
from services.support.agent.domain.articles import (
    Article,
    Passage,
)
from services.support.agent.domain.search_hits import SearchHit

_WEIGHTS = {"title": 3.0, "questions": 2.0, "keywords": 2.5, "headings": 1.5, "body": 1.0}
_NEAREST = 2.0
"""Weight of the closest question, relative to the score of the whole article."""
_PASSAGE_WEIGHTS = {"heading": 2.0, "text": 1.0}
_HEAP_BYTES = 15_000_000
_KEPT = 3
_CORRECTED_WEIGHT = 0.8
"""Weight of a corrected word, relative to a word typed without an error."""
_ALLOWED_ERRORS = ((10, 2), (4, 1))
"""Spelling correction: minimum length of a word, and the typing errors then allowed."""


@dataclass(frozen=True, slots=True)
class _Term:
    stem: str
    weight: float
    """Less than 1 for a corrected word, 0 for a word that no article holds."""
    is_foreign: bool = False
    """Whether the word is in `foreign_words`, or in no text about the platform."""


class ArticleSearch:
    """Full-text search: finds the passages that answer a question."""

    def __init__(
        self,
        articles: Mapping[str, Article],
        analyzer: TextAnalyzer,
        platform_texts: Iterable[str] = (),
        foreign_words: Collection[str] = (),
    ) -> None:
        """Build the index in memory, at each start.

        The words of `platform_texts`, texts about the platform, are neither typing errors nor
        foreign, even when no article holds them. The words of `foreign_words` are always foreign;
        they are given folded.
        """
        self._articles = articles
        self._analyzer = analyzer
        self._platform_stems = {
            stem for text in platform_texts for stem in analyzer.list_stems(text)
        }
        self._foreign_words = foreign_words
        texts = {code: [*_list_texts(article)] for code, article in articles.items()}
        words = [
            word for parts in texts.values() for part in parts for word in analyzer.list_words(part)
        ]
        self._stems = {word: analyzer.stem(word) for word in words}
        self._frequency = Counter(words)
        self._articles_by_stem: dict[str, set[str]] = {}
        for code, parts in texts.items():
            for part in parts:
                for stem in analyzer.list_stems(part):
                    self._articles_by_stem.setdefault(stem, set()).add(code)
        self._index = _Index(
            _WEIGHTS, [(code, self._list_fields(article)) for code, article in articles.items()]
        )
        self._questions = _Index({"text": 1.0}, self._list_questions())
        self._passages = {code: self._build_passage_index(each) for code, each in articles.items()}

    def search(self, question: str) -> Sequence[SearchHit]:
        """Find the articles closest to a question, best first, each with its best passage."""
        terms = [*self._parse_terms(question)]
        known = [each for each in terms if each.weight > 0]
        if not known:
            return ()
        foreign = self._sum_rarity(each for each in terms if each.is_foreign) / self._sum_rarity(
            terms
        )
        ranked = sorted(
            (
                (score * covered, covered, code)
                for code, score in self._score_articles(known).items()
                if (covered := self._measure_coverage(terms, code))
            ),
            reverse=True,
        )
        return [
            SearchHit(
                article=self._articles[code],
                passage=self._choose_passage(code, known),
                score=round(score, 2),
                covered=round(covered, 3),
                foreign=round(foreign, 3),
            )
            for score, covered, code in ranked[:_KEPT]
        ]

    def _score_articles(self, terms: Sequence[_Term]) -> Mapping[str, float]:
        """Score the articles: as a whole, and by their closest single question."""
        scores = dict(self._index.search(terms, len(self._articles)))
        nearest: dict[str, float] = {}
        for code, score in self._questions.search(terms, self._questions.size):
            # Scores come in descending order: the first one of an article is its best.
            nearest.setdefault(code, score)
        return {code: score + _NEAREST * nearest.get(code, 0) for code, score in scores.items()}

    def _list_questions(self) -> Sequence[tuple[str, Mapping[str, str]]]:
        return [
            (code, {"text": self._prepare_text(asked)})
            for code, article in self._articles.items()
            for asked in (*article.questions, *(each.heading for each in article.passages[1:]))
        ]

    def _measure_coverage(self, terms: Sequence[_Term], code: str) -> float:
        """Measure the share of a question that an article covers; rare words weigh more."""
        held = (each for each in terms if code in self._articles_by_stem.get(each.stem, ()))
        covered = sum(self._measure_rarity(each.stem) * each.weight for each in held)
        return covered / self._sum_rarity(terms)

    def _sum_rarity(self, terms: Iterable[_Term]) -> float:
        return sum(self._measure_rarity(each.stem) for each in terms)

    def _parse_terms(self, question: str) -> Iterator[_Term]:
        for word in dict.fromkeys(self._analyzer.list_words(question)):
            stem = self._analyzer.stem(word)
            if word in self._foreign_words:
                yield _Term(word, 0.0, is_foreign=True)
            elif stem in self._articles_by_stem:
                yield _Term(stem, 1.0)
            elif stem in self._platform_stems or not word.isalpha():
                yield _Term(stem, 0.0)
            elif corrected := self._correct_word(word):
                yield _Term(self._stems[corrected], _CORRECTED_WEIGHT)
            else:
                yield _Term(stem, 0.0, is_foreign=True)

    def _correct_word(self, word: str) -> str | None:
        """Correct the spelling of a word that is close to a word of the articles."""
        allowed = next((errors for length, errors in _ALLOWED_ERRORS if len(word) >= length), 0)
        if not allowed:
            return None
        alike = [each for each in self._stems if each[0] == word[0]]
        close = process.extract(word, alike, scorer=OSA.distance, score_cutoff=allowed, limit=5)
        best = min(close, key=lambda each: (each[1], -self._frequency[each[0]]), default=None)
        return best[0] if best else None

    def _measure_rarity(self, stem: str) -> float:
        holding = len(self._articles_by_stem.get(stem, ()))
        return math.log(1 + (len(self._articles) - holding + 0.5) / (holding + 0.5))

    def _choose_passage(self, code: str, terms: Sequence[_Term]) -> Passage:
        best = self._passages[code].search(terms, 1)
        passages = self._articles[code].passages
        return passages[int(best[0][0])] if best else passages[0]

    def _list_fields(self, article: Article) -> Mapping[str, str]:
        return {
            "title": self._prepare_text(article.title),
            "questions": self._prepare_text("\n".join(article.questions)),
            "keywords": self._prepare_text("\n".join(article.keywords)),
            "headings": self._prepare_text(
                "\n".join(each.heading for each in article.passages[1:])
            ),
            "body": self._prepare_text("\n".join(each.text for each in article.passages)),
        }

    def _build_passage_index(self, article: Article) -> "_Index":
        return _Index(
            _PASSAGE_WEIGHTS,
            [
                # The heading of the introduction is the title, which is close to every question.
                (
                    str(rank),
                    {
                        "heading": self._prepare_text(each.heading) if rank else "",
                        "text": self._prepare_text(each.text),
                    },
                )
                for rank, each in enumerate(article.passages)
            ],
        )

    def _prepare_text(self, text: str) -> str:
        return " ".join(self._analyzer.list_stems(text))


class _Index:
    """Full-text index of documents with weighted fields; the texts are given as stems."""

    def __init__(
        self, weights: Mapping[str, float], documents: Iterable[tuple[str, Mapping[str, str]]]
    ) -> None:
        builder = tantivy.SchemaBuilder()
        builder.add_text_field("name", stored=True, tokenizer_name="raw")
        for field in weights:
            builder.add_text_field(field, tokenizer_name="whitespace", index_option="freq")
        self._weights = weights
        self._schema = builder.build()
        index = tantivy.Index(self._schema)
        writer = index.writer(_HEAP_BYTES, 1)
        for name, fields in documents:
            writer.add_document(tantivy.Document(name=name, **fields))
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        self._searcher = index.searcher()
        self.size = self._searcher.num_docs

    def search(self, terms: Sequence[_Term], limit: int) -> list[tuple[str, float]]:
        """List the closest documents with their scores."""
        parts = [
            (
                tantivy.Occur.Should,
                tantivy.Query.boost_query(
                    tantivy.Query.term_query(self._schema, field, term.stem, "freq"),
                    weight * term.weight,
                ),
            )
            for term in terms
            for field, weight in self._weights.items()
        ]
        hits = self._searcher.search(tantivy.Query.boolean_query(parts), limit).hits
        return [(str(self._searcher.doc(at)["name"][0]), float(score)) for score, at in hits]


def _list_texts(article: Article) -> Iterator[str]:
    yield article.title
    yield from article.questions
    yield from article.keywords
    for passage in article.passages:
        yield passage.heading
        yield passage.text
