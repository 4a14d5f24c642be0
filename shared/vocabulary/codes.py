"""Code lists of the invoice fields that travel beside an e-invoice."""

from enum import StrEnum


class TypeTva(StrEnum):
    """`typeTva` of the portal's submission payload."""

    TVA_SUR_DEBIT = "TVA_SUR_DEBIT"
    TVA_SUR_ENCAISSEMENT = "TVA_SUR_ENCAISSEMENT"
    EXONERATION = "EXONERATION"
    SANS_TVA = "SANS_TVA"


class ModePaiement(StrEnum):
    """`modePaiement` of the portal's submission payload."""

    CHEQUE = "CHEQUE"
    PRELEVEMENT = "PRELEVEMENT"
    VIREMENT = "VIREMENT"
    ESPECE = "ESPECE"
    AUTRE = "AUTRE"
    REPORT = "REPORT"


class Syntax(StrEnum):
    """What a deposited file was recognised as."""

    UBL = "UBL"
    CII = "CII"
    FACTUR_X = "FACTUR_X"
    PDF = "PDF"


_CREDIT_NOTE = "381"


def is_credit_note(type_code: str | None) -> bool:
    """Tell whether a type of document (BT-3, UNTDID 1001) is a credit note: an avoir."""
    return type_code == _CREDIT_NOTE
