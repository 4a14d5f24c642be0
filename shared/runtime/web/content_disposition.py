"""Content-Disposition header of a part of a form: name of the field, name of the file.

RFC 7578 asks for raw UTF-8. Clients send more: `filename*` (RFC 8187: .NET, requests), encoded
words (RFC 2047: .NET, PowerShell), `%22` for a quote (browsers, curl), Latin (old programs).
"""

import base64
import re
from binascii import Error as Base64Error
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import unquote_to_bytes

from shared.vocabulary.texts import normalise_nfc

_PARAMETER = re.compile(
    r";[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*"
    r'("(?:[^"\\]|\\.)*"|[^";]*)[ \t]*'
)
_ESCAPED = re.compile(r'\\(["\\])')
_WORD = re.compile(r"=\?([^?\s*]+)(?:\*[A-Za-z-]*)?\?([bBqQ])\?([^?]*)\?=")
_WORDS = re.compile(rf"{_WORD.pattern}(?:[ \t]+{_WORD.pattern})*")
_QUOTED_SIGN = re.compile(rb"=([0-9A-Fa-f]{2})")
_PERCENT = re.compile("%(22|0[DdAa])")
_FULL_PATH = re.compile(r"[A-Za-z]:\\|\\\\")
CHARSETS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "iso-8859-15": "iso-8859-15",
    "windows-1252": "cp1252",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
}
"""Charsets that are decoded, with Python's codec. No other codec can be named by a client: some
take time as the square of their input. Latin-1 is read as Windows-1252, which clients mean."""


@dataclass(frozen=True, slots=True)
class Disposition:
    """Name of a part's field, and of its file; a text has no file name."""

    name: str
    filename: str | None


def read_disposition(header: bytes) -> Disposition:
    """Read a Content-Disposition header. Raises ValueError if malformed, or not of a form part."""
    kind, parameters = read_parameters(header.decode("latin-1"))
    if kind != "form-data":
        raise ValueError("no form-data")
    if any("*" in key and key not in {"name*", "filename*"} for key in parameters):
        raise ValueError("a name in several pieces (RFC 2231)")
    name, filename = (
        _decode_parameter(parameters, "name"),
        _decode_parameter(parameters, "filename"),
    )
    if not name:
        raise ValueError("no name")
    if filename and _FULL_PATH.match(filename):
        # Internet Explorer sends the whole path.
        filename = filename.rpartition("\\")[2]
    return Disposition(name, filename)


def read_parameters(header: str) -> tuple[str, dict[str, str]]:
    """Split a header into its value and its parameters, without their quotes.

    Raises ValueError when one is malformed, or given twice.
    """
    value = header.partition(";")[0]
    place, found = len(value), dict[str, str]()
    while header[place:].strip(" \t;"):
        match = _PARAMETER.match(header, place)
        if match is None or match[1].lower() in found:
            raise ValueError("a parameter is malformed, or given twice")
        text = match[2].strip(" \t")
        quoted = text.startswith('"')
        found[match[1].lower()] = _ESCAPED.sub(r"\1", text[1:-1]) if quoted else text
        place = match.end()
    return value.strip(" \t").lower(), found


def _decode_parameter(parameters: dict[str, str], key: str) -> str | None:
    extended, usual = parameters.get(f"{key}*"), parameters.get(key)
    text = None if extended is None else _decode_extended(extended)
    if text is None and usual is not None:
        text = _decode_plain(usual.encode("latin-1"))
    if text is None and extended is not None:
        raise ValueError("a malformed extended name (RFC 8187)")
    return None if text is None else normalise_nfc(text)


def _decode_extended(value: str) -> str | None:
    """Decode `UTF-8'fr'na%C3%AFf.pdf`; None when it is malformed, or not in one of `CHARSETS`."""
    charset, *_, text = (*value.split("'", 2), "", "")[:3]
    codec = CHARSETS.get(charset.lower())
    if codec is None or value.count("'") < 2:  # noqa: PLR2004 - charset, language, text
        return None
    try:
        return unquote_to_bytes(text).decode(codec)
    except UnicodeDecodeError:
        return None


def _decode_plain(raw: bytes) -> str:
    for charset in ("utf-8", "cp1252", "latin-1"):
        try:
            text = raw.decode(charset)
            break
        except UnicodeDecodeError:
            continue
    if _WORD.search(text):
        return _WORDS.sub(_decode_words, text)
    return _PERCENT.sub(lambda match: chr(int(match[1], 16)), text)


def _decode_words(match: re.Match[str]) -> str:
    """Decode adjacent encoded words (RFC 2047); a word that cannot be decoded stays as it is."""
    words = [each.groups() for each in _WORD.finditer(match[0])]
    try:
        # A character may be split between two words.
        return "".join(
            b"".join(_decode_word(encoding, text) for _, encoding, text in run).decode(
                CHARSETS[charset]
            )
            for charset, run in groupby(words, lambda word: word[0].lower())
        )
    except (KeyError, Base64Error, ValueError):
        return match[0]


def _decode_word(encoding: str, text: str) -> bytes:
    if encoding in "bB":
        return base64.b64decode(text, validate=True)
    quoted = text.replace("_", " ").encode()
    return _QUOTED_SIGN.sub(lambda sign: bytes.fromhex(sign[1].decode()), quoted)
