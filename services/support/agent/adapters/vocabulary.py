"""Vocabulary of the platform: spelling correction, elisions, and words foreign to it."""

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

from rapidfuzz import process
from rapidfuzz.distance import OSA

from services.support.agent.adapters.text_analysis import TextAnalyzer

_ALLOWED_ERRORS = ((10, 2), (4, 1))
"""Spelling correction: minimum length of a word, and the typing errors then allowed."""
_ORDINARY = re.compile(r".{3,}(er|ez|ir|ais|ait|aient|ons|ent|ant)")
"""Endings of verbs and adverbs: people use more of them than the articles hold."""
_ORDINARY_WEIGHT = 0.4
"""Weight of an unknown word with such an ending, relative to one without."""
_ELIDED = re.compile(r"(qu|[cdjlmnst])(?=[aeiouyh])")
"""Beginning of a word typed without its apostrophe: "cest", "jai", "lentreprise"."""


class Vocabulary:
    """Words that the articles and the texts about the platform hold, and how rare each is."""

    def __init__(
        self,
        analyzer: TextAnalyzer,
        passages: Sequence[str],
        platform_texts: Iterable[str],
        foreign_words: Collection[str],
    ) -> None:
        """Learn the words of the passages, and of other texts about the platform.

        The words of `foreign_words` are always foreign; they are given folded.
        """
        self._analyzer = analyzer
        self._foreign_words = foreign_words
        self._frequency: Counter[str] = Counter()
        self._holding: Counter[str] = Counter()
        self._passages = len(passages)
        for passage in passages:
            words = analyzer.list_words(passage)
            self._frequency.update(words)
            self._holding.update({analyzer.stem(each) for each in words})
        self._known = {*self._holding} | {
            analyzer.stem(word) for text in platform_texts for word in analyzer.list_words(text)
        }

    def list_words(self, question: str) -> list[str]:
        """List the words of a question, elisions split and typing errors corrected."""
        return [*self._correct_words(self._analyzer.list_words(question))]

    def measure_foreign(self, words: Iterable[str]) -> float:
        """Measure the share of foreign words, from 0 to 1; rare words weigh more.

        Stop words say nothing of the subject and are not counted.
        """
        content = {each for each in words if each not in self._analyzer.stop_words}
        whole = sum(map(self._measure_rarity, content))
        foreign = sum(
            self._measure_rarity(each) * self._weigh_foreign(each)
            for each in content
            if self.is_foreign(each)
        )
        return foreign / whole if whole else 0.0

    def is_foreign(self, word: str) -> bool:
        """Tell whether no text about the platform holds a word."""
        if word in self._foreign_words:
            return True
        return word.isalpha() and self._analyzer.stem(word) not in self._known

    def _weigh_foreign(self, word: str) -> float:
        is_ordinary = word not in self._foreign_words and _ORDINARY.fullmatch(word)
        return _ORDINARY_WEIGHT if is_ordinary else 1.0

    def _correct_words(self, words: Iterable[str]) -> Iterator[str]:
        for word in words:
            if not self.is_foreign(word) or word in self._foreign_words:
                yield word
            elif (elided := _ELIDED.match(word)) and not self.is_foreign(word[elided.end() :]):
                yield from (elided[0], word[elided.end() :])
            else:
                yield self._correct_spelling(word) or word

    def _correct_spelling(self, word: str) -> str | None:
        """Correct the spelling of a word that is close to a word of the articles."""
        allowed = next((errors for length, errors in _ALLOWED_ERRORS if len(word) >= length), 0)
        if not allowed:
            return None
        alike = [each for each in self._frequency if each[0] == word[0]]
        close = process.extract(word, alike, scorer=OSA.distance, score_cutoff=allowed, limit=5)
        best = min(close, key=lambda each: (each[1], -self._frequency[each[0]]), default=None)
        return best[0] if best else None

    def _measure_rarity(self, word: str) -> float:
        holding = self._holding[self._analyzer.stem(word)]
        return math.log(1 + (self._passages - holding + 0.5) / (holding + 0.5))
