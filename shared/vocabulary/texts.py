"""Texts: as a search compares them, and as a person who types one means it."""

import re
import unicodedata

# Unicode's Default_Ignorable_Code_Point, and its annotations: no screen shows them. Left out are
# the variation selectors, which choose the look of the sign before them, and the reordering ones.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u2065"
    "\u206a-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]+"
)
# Category Zs, and the blank of Braille.
_BLANK = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000]")
_LINE_END = re.compile("\r\n|[\r\u0085\u2028\u2029]")
# Two noncharacters end each plane.
_NONCHARACTERS = "".join(
    chr(plane | last) for plane in range(0, 0x110000, 0x10000) for last in (0xFFFE, 0xFFFF)
)
_UNSHOWABLE = re.compile(
    f"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\uf8ff\ufdd0-\ufdef"
    f"\U000f0000-\U0010ffff{_NONCHARACTERS}]"
)


def folded(text: str) -> str:
    """Reduce a text to what a search compares: no case, no accent."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in decomposed if not unicodedata.combining(each))


def plain(text: str) -> str:
    """Give a typed text as its writer sees it, whatever a keyboard or a paste put into it.

    Every blank becomes a space and every line end a `\\n`; what has no shape at all is dropped, and
    so are blanks around. Signs that mislead stay, for `is_showable` to refuse.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    return _INVISIBLE.sub("", _BLANK.sub(" ", _LINE_END.sub("\n", text))).strip()


def is_showable(text: str, *, lines: bool = False) -> bool:
    """Tell whether any screen can show a plain text as it is; `lines` allows several, and tabs.

    Controls, signs that reorder what follows, surrogates, private use and noncharacters are not:
    some are not even allowed in an XML document, which a spreadsheet is.
    """
    return not _UNSHOWABLE.search(text) and (lines or not ("\n" in text or "\t" in text))


def showable(text: str) -> str:
    """Give a text to be shown whatever it holds: `�` for each sign that no screen can show."""
    return _UNSHOWABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def says_something(text: str) -> bool:
    """Tell whether a text holds a letter or a digit that is seen."""
    return any(sign.isalnum() for sign in plain(text))
