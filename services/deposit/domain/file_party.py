"""Party of an invoice as its file names it, and the rules of its SIRET, SIREN and VAT numbers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shared.vocabulary.rules import Rule, Violation
from shared.vocabulary.siret import SIREN_LENGTH, is_siren, is_siret
from shared.vocabulary.texts import quote_line
from shared.vocabulary.vat_numbers import extract_siren, has_french_form

LABELS: Mapping[str, str] = {
    f"{party}.{field}": f"{label} {of}"
    for party, of in (
        ("seller", "du vendeur"),
        ("buyer", "de l'acheteur"),
        ("payee", "du bénéficiaire du paiement"),
        ("tax_representative", "du représentant fiscal"),
    )
    for field, label in (
        ("siret", "le SIRET"),
        ("siren", "le SIREN"),
        ("vat_number", "le numéro de TVA"),
        ("address", "l'adresse électronique"),
    )
}
"""French label of each number of each party."""

SIRET_KEY = Rule(
    code="DEP-INV-10",
    sentence="« {value} », donné comme {label}, n'est pas un SIRET valide.",
    remedy="Vérifier les 14 chiffres du SIRET ; le dernier est une clé de contrôle.",
    source="INSEE, clé du SIRET",
)
TWO_COMPANIES = Rule(
    code="DEP-INV-14",
    sentence="Deux entreprises sont nommées : le SIREN {expected} par {other}, "
    "le SIREN {value} par {label}.",
    remedy="Ne laisser à cette partie que les numéros d'une seule entreprise.",
    source="FR CTC, BR-FR-09 et BR-FR-21 ; EN 16931, BT-29 à BT-31 et BT-46 à BT-48",
)
SIREN_KEY = Rule(
    code="DEP-INV-15",
    sentence="« {value} », d'après {label}, n'est pas un SIREN valide.",
    remedy="Vérifier les 9 chiffres du SIREN ; le dernier est une clé de contrôle.",
    source="INSEE, clé du SIREN ; FR CTC, BR-FR-32",
)
VAT_NUMBER_WRONG = Rule(
    code="DEP-INV-16",
    sentence="« {value} », donné comme {label}, n'a pas la forme d'un numéro de TVA français.",
    remedy="Écrire FR, les deux signes de la clé, puis les neuf chiffres du SIREN.",
    source="CGI, annexe II, article 242 nonies A",
)


@dataclass(frozen=True, slots=True)
class Party:
    """Seller, buyer or other party, with the identifiers that the file gives; any may be absent."""

    name: str | None = None
    siret: str | None = None
    siren: str | None = None
    vat_number: str | None = None
    """VAT number without blanks; the French one where the party has several."""
    address_siren: str | None = None
    """SIREN of its electronic address."""

    def list_sirens(self) -> Mapping[str, str]:
        """List the SIREN inside each identifier of the party, the most reliable first."""
        held = {
            "siret": self.siret and self.siret[:SIREN_LENGTH],
            "siren": self.siren,
            "vat_number": self.vat_number and extract_siren(self.vat_number),
            "address": self.address_siren,
        }
        return {number: siren for number, siren in held.items() if siren}

    @property
    def company(self) -> str | None:
        """SIREN of the company, from the first of its numbers that holds one."""
        return next(iter(self.list_sirens().values()), None)


UNNAMED = Party()
"""A party of which the file says nothing."""


def judge_party(name: str, party: Party) -> Iterator[Violation]:
    """Check the numbers of a party, which must all be of one company.

    The key of the SIREN inside a SIRET is not checked: the key of the SIRET covers it.
    """
    if party.siret is not None and not is_siret(party.siret):
        yield _build_violation(SIRET_KEY, f"{name}.siret", party.siret)
    vat_number = party.vat_number
    if vat_number and vat_number.startswith("FR") and not has_french_form(vat_number):
        yield _build_violation(VAT_NUMBER_WRONG, f"{name}.vat_number", vat_number)
    sirens = party.list_sirens()
    if not sirens:
        return
    (surest, company), *others = sirens.items()
    if surest != "siret" and not is_siren(company):
        yield _build_violation(SIREN_KEY, f"{name}.{surest}", company)
    for other, siren in others:
        if siren != company:
            yield TWO_COMPANIES.build_violation(
                f"{name}.{other}",
                label=LABELS[f"{name}.{other}"],
                value=quote_line(siren),
                other=LABELS[f"{name}.{surest}"],
                expected=quote_line(company),
            )


def _build_violation(rule: Rule, name: str, value: str) -> Violation:
    return rule.build_violation(name, value=quote_line(value), label=LABELS[name])
