"""Billing cadres, and their short and long codes on the portal."""

import re

Cadre = str
"""Billing cadre such as `A4`. No enum: the circuit table lists the cadres that exist."""

_CADRE = re.compile(r"(A\d{1,2})(_[A-Z_]+)?", re.ASCII)


def parse_cadre(text: str) -> Cadre | None:
    """Parse a cadre: `A4`, or its long code `A4_PROJET_DECOMPTE_MENSUEL_FOURNISSEUR`; else None.

    The words after the cadre are not checked: the file of a supplier may be older or newer than the
    table, and the cadre alone decides.
    """
    match = _CADRE.fullmatch(text)
    return match[1] if match else None
