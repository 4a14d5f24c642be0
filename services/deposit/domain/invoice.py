"""An invoice as it was read from a deposited file, and the rules of its fields."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from services.deposit.domain.file_party import LABELS as PARTY_LABELS
from services.deposit.domain.file_party import UNNAMED, Party, judge_party
from shared.vocabulary.amounts import Amounts
from shared.vocabulary.codes import Syntax
from shared.vocabulary.dates import FIRST_DAY, LAST_DAY, is_plausible
from shared.vocabulary.rules import Rule, Violation
from shared.vocabulary.texts import quote_line

_AMOUNT_FIELDS = ("ht", "tva", "ttc", "due", "prepaid", "rounding")

LABELS: Mapping[str, str] = {
    "number": "le numéro",
    "issued_on": "la date d'émission",
    "currency": "la devise",
    "ht": "le montant HT",
    "tva": "le montant de TVA",
    "ttc": "le montant TTC",
    "due": "le montant à payer",
    "prepaid": "le montant déjà payé",
    "rounding": "l'arrondi",
    "type_code": "le type de document",
    "cadre": "le cadre de facturation",
    "engagement": "le numéro d'engagement",
    "marche": "le numéro de marché",
    "service_code": "le code service",
    **PARTY_LABELS,
}
"""French label of each field; a field without one is shown by its name."""


@dataclass(frozen=True, slots=True)
class Invoice:
    """Fields of a deposited file. An absent field is None, and rules decide whether it may be.

    `malformed` keeps the text of a date or amount that could not be read, by field;
    `contradictions` keeps the values of a field that the file gives in several versions.
    Both leave the field itself at None.
    """

    syntax: Syntax
    number: str | None = None
    issued_on: date | None = None
    currency: str | None = None
    ht: Decimal | None = None
    tva: Decimal | None = None
    ttc: Decimal | None = None
    due: Decimal | None = None
    prepaid: Decimal | None = None
    """BT-113, the amount already paid; only some files have it."""
    rounding: Decimal | None = None
    """BT-114, the rounding added to the amount due; only some files have it."""
    type_code: str | None = None
    is_credit_note: bool | None = None
    """Whether it is a credit note by the root of a UBL file; None for other files."""
    seller: Party = UNNAMED
    buyer: Party = UNNAMED
    payee: Party = UNNAMED
    tax_representative: Party = UNNAMED
    cadre: str | None = None
    engagement: str | None = None
    marche: str | None = None
    service_code: str | None = None
    profile: str | None = None
    preceding_numbers: tuple[str, ...] = ()
    malformed: Mapping[str, str] = field(default_factory=dict)
    contradictions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def get_amounts(self) -> Amounts | None:
        """Return the four totals; None while one is unknown.

        A file without VAT may leave the VAT total out (BT-110 is optional in EN 16931): then HT
        equals TTC and the VAT is zero.
        """
        tva = self.tva
        if tva is None and "tva" not in self.list_unclear() and self.ht == self.ttc:
            tva = _ZERO
        if self.ht is None or tva is None or self.ttc is None or self.due is None:
            return None
        return Amounts(ht=self.ht, tva=tva, ttc=self.ttc, due=self.due)

    def list_unclear(self) -> frozenset[str]:
        """List the fields that the file has without a usable value."""
        return frozenset(self.malformed) | frozenset(self.contradictions)


MISSING = Rule(
    code="DEP-INV-01",
    sentence="La facture n'indique pas {label}.",
    remedy="Compléter ce champ dans le fichier, ou le saisir si le fichier est un simple PDF.",
    source="EN 16931, BR-02, BR-03, BR-04, BR-05, BR-13, BR-14 et BR-15",
)
DATE_UNREADABLE = Rule(
    code="DEP-INV-02",
    sentence="La date d'émission « {value} » n'est pas une date.",
    remedy="Écrire la date sous la forme AAAA-MM-JJ (UBL) ou AAAAMMJJ au format 102 (CII).",
    source="EN 16931, BT-2",
)
AMOUNT_UNREADABLE = Rule(
    code="DEP-INV-03",
    sentence="{label} « {value} » n'est pas un nombre.",
    remedy="Écrire le montant en chiffres avec un point décimal, par exemple 1234.50.",
    source="EN 16931, type Amount ; FR CTC, BR-FR : 19 chiffres dont 2 décimales",
)
TOO_MANY_DECIMALS = Rule(
    code="DEP-INV-04",
    sentence="{label} « {value} » a plus de deux décimales.",
    remedy="Arrondir le montant au centime.",
    source="EN 16931, BR-DEC-12, BR-DEC-13, BR-DEC-14 et BR-DEC-16 à BR-DEC-18",
)
TOTALS_DISAGREE = Rule(
    code="DEP-INV-05",
    sentence="Le montant TTC ({ttc}) n'est pas la somme du HT ({ht}) et de la TVA ({tva}).",
    remedy="Corriger les totaux : HT + TVA = TTC.",
    source="EN 16931, BR-CO-15",
)
DATE_IN_THE_FUTURE = Rule(
    code="DEP-INV-06",
    sentence="La date d'émission ({value}) est postérieure au jour du dépôt ({today}).",
    remedy="Corriger la date, ou déposer la facture à partir de cette date.",
    source="API du portail, soumettre : dateFacture au plus tard le jour du dépôt",
)
NUMBER_TOO_LONG = Rule(
    code="DEP-INV-07",
    sentence="Le numéro compte {length} caractères, pour {limit} au plus.",
    remedy="Raccourcir le numéro de la facture.",
    source="règle de la plateforme : 20 est rapporté pour le portail sans être confirmé ; réglable",
)
NUMBER_CHARACTERS = Rule(
    code="DEP-INV-08",
    sentence="Le numéro « {value} » contient des caractères qui ne sont pas admis.",
    remedy="N'employer que lettres sans accent, chiffres, espaces et les signes + - _ / . #",
    source="FR CTC, BR-FR-01, élargi à l'espace, au point et au dièse par la plateforme",
)
CURRENCY_UNKNOWN = Rule(
    code="DEP-INV-09",
    sentence="La devise « {value} » n'est pas un code de trois lettres.",
    remedy="Indiquer le code ISO 4217 de la devise, par exemple EUR.",
    source="EN 16931, BR-CL-04",
)
CONTRADICTION = Rule(
    code="DEP-INV-11",
    sentence="Le fichier donne plusieurs valeurs différentes pour {label} : {values}.",
    remedy="Ne laisser dans le fichier qu'une seule valeur pour ce champ.",
    source="règle de la plateforme",
)
DUE_DISAGREES = Rule(
    code="DEP-INV-12",
    sentence="Le montant à payer ({due}) n'est pas le TTC ({ttc}), moins le montant déjà payé "
    "({prepaid}), plus l'arrondi ({rounding}).",
    remedy="Corriger les totaux : TTC - déjà payé + arrondi = à payer.",
    source="EN 16931, BR-CO-16",
)
DUE_TOO_HIGH = Rule(
    code="DEP-INV-13",
    sentence="Le montant à payer ({due}) dépasse le montant TTC ({ttc}).",
    remedy="Corriger le montant à payer : le TTC, moins ce qui est déjà payé ou retenu.",
    source="EN 16931, BR-CO-16, sans rien d'ajouté au TTC : règle de la plateforme",
)
DATE_IMPLAUSIBLE = Rule(
    code="DEP-INV-17",
    sentence="La date d'émission ({value}) n'est pas comprise entre le {first} et le {last}.",
    remedy="Corriger la date : l'année a quatre chiffres.",
    source="FR CTC, BR-FR-03",
)

_NUMBER = re.compile(r"[A-Za-z0-9+\-_/.# ]+")
_CURRENCY = re.compile(r"[A-Z]{3}")
_DECIMAL = re.compile(r"-?\d+\.\d{3,}", re.ASCII)
_ZERO = Decimal("0.00")
_LARGEST_ROUNDING = Decimal(1)


def judge_invoice(
    invoice: Invoice, *, today: date, max_number_length: int
) -> tuple[Violation, ...]:
    """List the rules that an invoice breaks: of absences, of form, then of values."""
    return (
        *_judge_presence(invoice),
        *_judge_form(invoice),
        *_judge_number(invoice.number, max_number_length),
        *_judge_date(invoice.issued_on, today),
        *_judge_currency(invoice.currency),
        *_judge_totals(invoice),
        *judge_party("seller", invoice.seller),
        *judge_party("buyer", invoice.buyer),
        *judge_party("payee", invoice.payee),
        *judge_party("tax_representative", invoice.tax_representative),
    )


def _judge_presence(invoice: Invoice) -> Iterator[Violation]:
    values = {
        "number": invoice.number,
        "issued_on": invoice.issued_on,
        "currency": invoice.currency,
        "ht": invoice.ht,
        "ttc": invoice.ttc,
        "due": invoice.due,
    }
    if invoice.ht is not None and invoice.ttc is not None and invoice.ht != invoice.ttc:
        values["tva"] = invoice.tva
    for name, value in values.items():
        if value is None and name not in invoice.list_unclear():
            yield MISSING.build_violation(name, label=LABELS[name])


def _judge_form(invoice: Invoice) -> Iterator[Violation]:
    for name, text in invoice.malformed.items():
        if name in _AMOUNT_FIELDS:
            rule = TOO_MANY_DECIMALS if _DECIMAL.fullmatch(text) else AMOUNT_UNREADABLE
            label = LABELS[name]
            yield rule.build_violation(
                name, label=label[0].upper() + label[1:], value=quote_line(text)
            )
        else:
            yield DATE_UNREADABLE.build_violation(name, value=quote_line(text))
    for name, values in invoice.contradictions.items():
        shown = ", ".join(quote_line(value) for value in values[:3])
        yield CONTRADICTION.build_violation(name, label=LABELS.get(name, name), values=shown)


def _judge_number(number: str | None, limit: int) -> Iterator[Violation]:
    if number is None:
        return
    if len(number) > limit:
        yield NUMBER_TOO_LONG.build_violation("number", length=len(number), limit=limit)
    if not _NUMBER.fullmatch(number):
        yield NUMBER_CHARACTERS.build_violation("number", value=quote_line(number))


def _judge_date(issued_on: date | None, today: date) -> Iterator[Violation]:
    if issued_on is None:
        return
    if not is_plausible(issued_on):
        yield DATE_IMPLAUSIBLE.build_violation(
            "issued_on", value=issued_on, first=FIRST_DAY, last=LAST_DAY
        )
    elif issued_on > today:
        yield DATE_IN_THE_FUTURE.build_violation("issued_on", value=issued_on, today=today)


def _judge_currency(currency: str | None) -> Iterator[Violation]:
    if currency is not None and not _CURRENCY.fullmatch(currency):
        yield CURRENCY_UNKNOWN.build_violation("currency", value=quote_line(currency))


def _judge_totals(invoice: Invoice) -> Iterator[Violation]:
    ht, tva, ttc = invoice.ht, invoice.tva, invoice.ttc
    if ht is not None and tva is not None and ttc is not None and ht + tva != ttc:
        yield TOTALS_DISAGREE.build_violation("ttc", ht=ht, tva=tva, ttc=ttc)
    else:
        yield from _judge_due(invoice)


def _judge_due(invoice: Invoice) -> Iterator[Violation]:
    """Check what is left to pay against the total.

    No sign is refused: an advance to pay back, or penalties, may bring a décompte to zero or below,
    and an avoir is either of type 381 or an invoice below zero. Where neither a rounding
    nor an amount already paid is stated, as in a plain PDF, only an amount due over the total is
    refused. A rounding adds one unit at most, and an amount already paid adds nothing. Otherwise a
    rounding of 7,800, or -7,800 already paid, would make 9,000 due of a total of 1,200.
    """
    ttc, due, prepaid, rounding = invoice.ttc, invoice.due, invoice.prepaid, invoice.rounding
    if ttc is None or due is None or invoice.list_unclear() & {"prepaid", "rounding"}:
        return
    most = max(ttc, _ZERO) + min(max(rounding or _ZERO, _ZERO), _LARGEST_ROUNDING)
    if due > most:
        yield DUE_TOO_HIGH.build_violation("due", due=due, ttc=ttc)
        return
    if not prepaid and not rounding:
        return
    terms = {"ttc": ttc, "prepaid": prepaid or _ZERO, "rounding": rounding or _ZERO}
    if due != terms["ttc"] - terms["prepaid"] + terms["rounding"]:
        yield DUE_DISAGREES.build_violation("due", due=due, **terms)
