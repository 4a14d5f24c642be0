"""Text normalisation (NFC, NFKD) in linear time; invisible and unprintable characters."""

import re
import unicodedata
from itertools import chain

# Unicode's Default_Ignorable_Code_Point, and its annotations: no screen shows them. Two groups are
# excluded: variation selectors, which choose the look of the character before, and those that
# reorder text.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u2065"
    "\u206a-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]+"
)
# Category Zs, and the Braille blank.
_BLANK = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000]")
_LINE_END = re.compile("\r\n|[\r\u0085\u2028\u2029]")
# The last two code points of each plane are noncharacters.
_NONCHARACTERS = "".join(
    chr(plane | last) for plane in range(0, 0x110000, 0x10000) for last in (0xFFFE, 0xFFFF)
)
_UNSHOWABLE = re.compile(
    f"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\uf8ff\ufdd0-\ufdef"
    f"\U000f0000-\U0010ffff{_NONCHARACTERS}]"
)


_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_MARKS_LIMIT = 30
"""Limit of combining marks in a row, that of Unicode's Stream-Safe Text Format (UAX 15)."""
_MARKS = [
    point
    for point in range(0x20000)
    # U+0F73, U+0F75 and U+0F81 are not marks, but decompose into marks only.
    if unicodedata.combining(chr(point)) or point in {0x0F73, 0x0F75, 0x0F81}
]
# Marks are written as ranges: `re` is slow on single characters beyond the first plane.
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
"""Characters that are decomposed at a time."""
_QUOTED = 40
"""Length limit of a value quoted in a sentence, in characters."""
FOLDED_LIMIT = 20_000
"""Length limit of a folded text; one character may fold to 18, as U+FDFA does."""


def normalise_nfc(text: str) -> str:
    """Normalise a text to NFC in linear time; a text with too many marks in a row stays as it is.

    The time of `unicodedata` grows with the square of a run of combining marks: 0.7 s for 20,000.
    No script needs 30 on one character, and `is_showable` refuses more.
    """
    if text.isascii() or _STACKED.search(text):
        return text
    return unicodedata.normalize("NFC", text)


def normalise_nfd(text: str) -> str:
    """Normalise a text to NFD, as macOS writes names: the opposite of `normalise_nfc`."""
    return text if text.isascii() or _STACKED.search(text) else unicodedata.normalize("NFD", text)


def fold(text: str, limit: int = FOLDED_LIMIT) -> str:
    """Fold a text for a search: no case, no accent, at most `limit` characters.

    It is decomposed by slices, in linear time whatever its marks. A slice may get the order of the
    marks wrong, which does not matter because they are dropped.
    """
    cased = text[:limit].casefold()
    slices = (
        unicodedata.normalize("NFKD", cased[start : start + _SLICE])
        for start in range(0, len(cased), _SLICE)
    )
    signs = (sign for sign in chain.from_iterable(slices) if not unicodedata.combining(sign))
    return "".join(signs)[:limit]


def clean(text: str) -> str:
    """Clean a typed text: keep what its writer sees, whatever a keyboard or a paste has added.

    It is normalised to NFC (macOS pastes accents apart from their letters). Every blank becomes a
    space and every line end a `\\n`. Invisible characters and outer blanks are dropped. Misleading
    characters stay: `is_showable` refuses them.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    return normalise_nfc(_INVISIBLE.sub("", _BLANK.sub(" ", _LINE_END.sub("\n", text)))).strip()


def is_showable(text: str, *, lines: bool = False) -> bool:
    """Tell whether every character of a text can be shown; `lines` allows line ends and tabs.

    Not shown: controls, characters that reorder text, surrogates, private use, noncharacters and
    too many marks in a row. Some are not allowed in an XML document, such as a spreadsheet.
    """
    if _UNSHOWABLE.search(text) or (not text.isascii() and _STACKED.search(text)):
        return False
    return lines or not ("\n" in text or "\t" in text)


def make_showable(text: str) -> str:
    """Replace each character that cannot be shown by `�`."""
    return _UNSHOWABLE.sub(_REPLACEMENT, _STACKED.sub(rf"\1{_REPLACEMENT}", text))


def make_one_line(text: str) -> str:
    """Put a name on one line: an older release may have accepted line ends in it."""
    return " ".join(make_showable(clean(text)).split())


def quote_line(text: str) -> str:
    """Cut a value that a sentence quotes: a hostile field may hold megabytes."""
    return text if len(text) <= _QUOTED else text[:_QUOTED] + "…"


def has_visible_letter(text: str) -> bool:
    """Tell whether a text holds a visible letter or digit."""
    return any(sign.isalnum() for sign in clean(text))
