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
    """Syntax of a deposited file, as recognised."""

    UBL = "UBL"
    CII = "CII"
    FACTUR_X = "FACTUR_X"
    PDF = "PDF"


INVOICE, CREDIT_NOTE = "380", "381"
CREDIT_NOTES = frozenset(
    {"81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "502", "503", "532"}
)
"""Types of credit notes, whose amounts are deducted (UNTDID 1001): the list of EN 16931, BR-CL-01,
for `CreditNoteTypeCode`. Deposit admits fewer of them, but an event may hold any."""


def is_credit_note(type_code: str | None) -> bool:
    """Tell whether a type of document (BT-3) is that of a credit note (avoir)."""
    return type_code in CREDIT_NOTES
