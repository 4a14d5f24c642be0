"""VAT numbers: a French one is FR, a key of two characters, then the SIREN."""

import re

_BLANKS = re.compile(r"[\s.\-]")
_FRENCH = re.compile(r"FR([0-9A-HJ-NP-Z]{2})(\d{9})", re.ASCII)
_MONACO = "000"
"""Beginning of the nine digits of a number of Monaco, which hold no SIREN."""


def compact_vat_number(text: str) -> str:
    """Normalise a VAT number as registers keep it: capitals, without blanks, points or dashes."""
    return _BLANKS.sub("", text).upper()


def has_french_form(number: str) -> bool:
    """Tell whether a compact VAT number has the form of a French one, whatever its key.

    A published sample has a correct SIREN after a wrong key, so a wrong key is not refused.
    """
    return _FRENCH.fullmatch(number) is not None


def is_french_vat_number(number: str) -> bool:
    """Tell whether a compact number is a French VAT number; a key is checked when it is digits.

    A key with a letter follows another rule, for which no official source was found.
    """
    parts = _FRENCH.fullmatch(number)
    if parts is None:
        return False
    key, siren = parts.groups()
    return not key.isdigit() or int(key) == (12 + 3 * (int(siren) % 97)) % 97


def extract_siren(number: str) -> str | None:
    """Extract the SIREN of a French VAT number; None for other numbers, and those of Monaco."""
    parts = _FRENCH.fullmatch(number)
    return None if parts is None or parts[2].startswith(_MONACO) else parts[2]
