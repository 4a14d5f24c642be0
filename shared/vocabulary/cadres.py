"""Billing cadres, and how the portal writes them."""

import re

Cadre = str
"""A billing cadre such as `A4`. Which ones exist is data of the table, so it is no enum."""

_CADRE = re.compile(r"(A\d{1,2})(_[A-Z_]+)?", re.ASCII)


def parse_cadre(text: str) -> Cadre | None:
    """Read `A4`, or the long code `A4_PROJET_DECOMPTE_MENSUEL_FOURNISSEUR`; None if neither.

    The words after the cadre are not compared with a row's: the file of a supplier may be older
    or newer than the table, and the cadre alone decides.
    """
    match = _CADRE.fullmatch(text)
    return match[1] if match else None
