"""Text normalisation (NFC, NFKD) in linear time; invisible and undisplayable characters."""

import re
import unicodedata
from itertools import chain

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


_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_MARKS_LIMIT = 30
"""Combining marks in a row: the limit of Unicode's Stream-Safe Text Format (UAX 15)."""
_MARKS = [
    point
    for point in range(0x20000)
    # U+0F73, U+0F75 and U+0F81 are no marks, and yet decompose into nothing else.
    if unicodedata.combining(chr(point)) or point in {0x0F73, 0x0F75, 0x0F81}
]
# As ranges: a set of signs beyond the first plane is searched one by one.
_MARK = "".join(
    f"{chr(first)}-{chr(last)}"
    for first, last in zip(
        (point for point in _MARKS if point - 1 not in _MARKS),
        (point for point in _MARKS if point + 1 not in _MARKS),
        strict=True,
    )
)
_STACKED = re.compile(f"([{_MARK}]{{{_MARKS_LIMIT}}})[{_MARK}]+")
_SLICE = 64
_QUOTED = 40
"""Signs of a value that a sentence quotes."""
FOLDED_LIMIT = 20_000
"""Signs that a search compares: one sign of a text may fold to 18, as U+FDFA does."""


def normalise_nfc(text: str) -> str:
    """Normalise a text to NFC, in linear time; one that stacks its marks is left as it is.

    `unicodedata` takes the square of a run of combining marks: 0.7 s for 20,000. No script needs
    30 on one sign, and `is_showable` refuses more.
    """
    if text.isascii() or _STACKED.search(text):
        return text
    return unicodedata.normalize("NFC", text)


def normalise_nfd(text: str) -> str:
    """Undo `normalise_nfc`: normalise a text to NFD, as macOS writes names."""
    return text if text.isascii() or _STACKED.search(text) else unicodedata.normalize("NFD", text)


def fold(text: str, limit: int = FOLDED_LIMIT) -> str:
    """Reduce a text to what a search compares: no case, no accent, `limit` signs at most.

    It is decomposed by slices, which takes a linear time whatever its marks are; their order,
    which a slice may get wrong, is of no account once they are dropped.
    """
    cased = text[:limit].casefold()
    slices = (
        unicodedata.normalize("NFKD", cased[start : start + _SLICE])
        for start in range(0, len(cased), _SLICE)
    )
    signs = (sign for sign in chain.from_iterable(slices) if not unicodedata.combining(sign))
    return "".join(signs)[:limit]


def clean(text: str) -> str:
    """Clean a typed text to what its writer sees, whatever a keyboard or a paste put into it.

    It is composed (NFC: macOS pastes accents apart from their letters). Every blank becomes a space
    and every line end a `\\n`; what has no shape at all is dropped, and so are blanks around. Signs
    that mislead stay, for `is_showable` to refuse.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    return normalise_nfc(_INVISIBLE.sub("", _BLANK.sub(" ", _LINE_END.sub("\n", text)))).strip()


def is_showable(text: str, *, lines: bool = False) -> bool:
    """Tell whether any screen can show a plain text as it is; `lines` allows several, and tabs.

    Controls, signs that reorder what follows, surrogates, private use, noncharacters and marks that
    are stacked are not: some are not even allowed in an XML document, which a spreadsheet is.
    """
    if _UNSHOWABLE.search(text) or (not text.isascii() and _STACKED.search(text)):
        return False
    return lines or not ("\n" in text or "\t" in text)


def make_showable(text: str) -> str:
    """Replace each sign that no screen can show by `�`."""
    return _UNSHOWABLE.sub(_REPLACEMENT, _STACKED.sub(rf"\1{_REPLACEMENT}", text))


def make_one_line(text: str) -> str:
    """Put a name on one line, whatever an older release accepted in it."""
    return " ".join(make_showable(clean(text)).split())


def quote_line(text: str) -> str:
    """Quote at most a line of what somebody wrote: a hostile field may hold megabytes."""
    return text if len(text) <= _QUOTED else text[:_QUOTED] + "…"


def has_visible_letter(text: str) -> bool:
    """Tell whether a text holds a letter or a digit that is seen."""
    return any(sign.isalnum() for sign in clean(text))
