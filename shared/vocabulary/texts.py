"""Texts, as a search compares them."""

import unicodedata


def folded(text: str) -> str:
    """Reduce a text to what a search compares: no case, no accent."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in decomposed if not unicodedata.combining(each))
