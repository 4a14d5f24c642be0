"""VAT numbers: a French one is FR, a key of two signs, then the SIREN."""

import re

_BLANKS = re.compile(r"[\s.\-]")
_FRENCH = re.compile(r"FR([0-9A-HJ-NP-Z]{2})(\d{9})", re.ASCII)
_MONACO = "000"


def compact_vat_number(text: str) -> str:
    """Write a VAT number as registers keep it: capitals, no blank, point or dash."""
    return _BLANKS.sub("", text).upper()


def has_french_form(number: str) -> bool:
    """Tell whether a compact VAT number has the form of a French one, whatever its key.

    A published sample gives a right SIREN after a wrong key: the key alone refuses nobody.
    """
    return _FRENCH.fullmatch(number) is not None


def is_french_vat_number(number: str) -> bool:
    """Tell whether a compact number has the form of a French one, and its key when it is digits.

    A key with a letter is computed otherwise, by a rule that no official source was found for.
    """
    parts = _FRENCH.fullmatch(number)
    if parts is None:
        return False
    key, siren = parts.groups()
    return not key.isdigit() or int(key) == (12 + 3 * (int(siren) % 97)) % 97


def extract_siren(number: str) -> str | None:
    """Give the SIREN that a French VAT number holds; those of Monaco, 000…, hold none."""
    parts = _FRENCH.fullmatch(number)
    return None if parts is None or parts[2].startswith(_MONACO) else parts[2]
