"""File names that are reserved for the e-invoice inside a PDF."""

import re

from shared.vocabulary.texts import clean

_LONGEST = 255
_PREFERRED = "factur-x"
_OTHERS = "zugferd-invoice|xrechnung"
_COPIED = r" ?\(\d{1,3}\)|[ _-]\d{1,3}|(?: -)?[ _-](?:copie|copy)(?: ?\(?\d{1,3}\)?)?"
"""Suffix that systems add to the name of a copy: `factur-x (1)`, `factur-x-1`, `factur-x -
Copie`."""
_INVOICE = re.compile(rf"(?:(?P<preferred>{_PREFERRED})|{_OTHERS})(?:{_COPIED})?\.xml")


def is_reserved(name: str) -> bool:
    """Tell whether a file's name is reserved for an invoice.

    Base names are compared: what follows the last `/`, `\\` or `:`, in NFC and without case.
    Blanks, invisible signs and NUL around it do not count, nor does the mark of a copy.
    """
    return _INVOICE.fullmatch(_read_base_name(name)) is not None


def is_preferred(name: str) -> bool:
    """Tell whether a file has the reserved name of Factur-X, `factur-x.xml`, or of a copy of it."""
    found = _INVOICE.fullmatch(_read_base_name(name))
    return found is not None and found["preferred"] is not None


def _read_base_name(name: str) -> str:
    last = re.split(r"[/\\:]", name[-_LONGEST:])[-1]
    return clean(last.replace("\0", " ")).casefold()
