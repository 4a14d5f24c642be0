"""Texts, as a search compares them."""

import unicodedata


def folded(text: str) -> str:
    """Reduce a text to what a search compares: no case, no accent."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in decomposed if not unicodedata.combining(each))


_UNSEEN = dict.fromkeys(map(ord, "\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"))
"""What keyboards, phones and copies leave in a text, and no reader sees. Not what reorders a text
(U+202A to U+202E, U+2066 to U+2069), nor tags: these hide something."""


def plain(text: str) -> str:
    """Give a text whose spaces are all the common one, without the signs that nobody sees.

    French typography puts U+00A0 and U+202F before « ? », and macOS into the names of captures.
    """
    seen = text.translate(_UNSEEN)
    return "".join(" " if unicodedata.category(each) == "Zs" else each for each in seen)
