"""Texts, as they are kept and as a search compares them."""

import unicodedata

REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Signs that change the order in which what follows is shown."""
# Letters and symbols of Unicode that are drawn as nothing at all.
_EMPTY = frozenset("\u115f\u1160\u3164\uffa0\u2800\ufffc\U0001d159")


def folded(text: str) -> str:
    """Reduce a text to what a search compares: no case, no accent."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in decomposed if not unicodedata.combining(each))


def plain(text: str) -> str:
    """Give a text as it is kept: each kind of space is a space, what nobody sees is left out.

    French typography and the tools that people paste from write both. Control characters stay, and
    so do those that reorder what is shown: rules refuse them.
    """
    return text if text.isascii() else "".join(map(_plain, text))


def is_blank(text: str) -> bool:
    """Tell whether a text shows nothing: no letter, no digit, no sign."""
    return not any(unicodedata.category(sign)[0] in "LNPS" for sign in plain(text))


def _plain(sign: str) -> str:
    if sign in REORDERING:
        return sign
    if sign in _EMPTY:
        return " "
    match unicodedata.category(sign):
        case "Zs":
            return " "
        case "Zl" | "Zp":
            return "\n"
        case "Cf":
            return ""
    return sign
