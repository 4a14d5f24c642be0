"""Text analysis for the article search: folding, synonyms, stop words, French stems."""

import re
from collections.abc import Collection, Mapping

import tantivy

_WORD = re.compile(r"[^\W_]+")
_SHORT = 3
"""Length of a word without a stem: those of MOA and MOE would be the same."""


class TextAnalyzer:
    """Splits a text into words and stems, without regard to accents and endings."""

    def __init__(self, stop_words: Collection[str], synonyms: Mapping[str, str]) -> None:
        """Take stop words, and synonyms with the words that each stands for, all folded."""
        self.stop_words = stop_words
        self._synonyms = synonyms
        longest_first = sorted(synonyms, key=len, reverse=True)
        self._forms = re.compile(rf"\b({'|'.join(map(re.escape, longest_first))})\b")
        folding = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        folding = folding.filter(tantivy.Filter.lowercase()).filter(tantivy.Filter.ascii_fold())
        self._folded = folding.build()
        stemming = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.raw())
        self._stemmed = stemming.filter(tantivy.Filter.stemmer("french")).build()

    def list_words(self, text: str) -> list[str]:
        """List all the words of a text, folded, each synonym replaced."""
        # An underscore joins the words of a code.
        folded = " ".join(self._folded.analyze(" ".join(_WORD.findall(text))))
        return self._forms.sub(lambda form: self._synonyms[form[0]], folded).split()

    def stem(self, word: str) -> str:
        """Return the stem of a folded word."""
        if len(word) <= _SHORT:
            return word
        (stem,) = self._stemmed.analyze(word)
        # The stemmer needs the accents of "déposée", which folding removed.
        return str(stem).rstrip("e") or word
