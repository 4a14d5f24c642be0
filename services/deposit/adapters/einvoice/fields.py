"""Reader of the fields of an invoice: finds them in its XML by the XPath table of its syntax."""

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import cast

from lxml.etree import _Element as Element

from services.deposit.adapters.einvoice.xpaths import (
    PATHS,
    UBL_CREDIT_NOTE,
    UBL_ROOTS,
    PartyPaths,
    Paths,
    Places,
)
from services.deposit.domain.file_party import Party
from services.deposit.domain.invoice import Invoice
from services.deposit.domain.unreadable import UNKNOWN_ROOT, Unreadable
from shared.vocabulary.amounts import parse_amount
from shared.vocabulary.cadres import parse_cadre
from shared.vocabulary.codes import Syntax
from shared.vocabulary.siret import SIREN_LENGTH, is_siren, is_siret
from shared.vocabulary.texts import clean
from shared.vocabulary.vat_numbers import compact_vat_number, extract_siren, is_french_vat_number

_ISO_DATE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d|[+-]14:00)?", re.ASCII
)
"""Date of XML Schema. It may have a time zone; the calendar date is the one that is written."""
_FORMAT_102 = re.compile(r"(\d{4})(\d\d)(\d\d)", re.ASCII)
_SIREN_OR_SIRET_SCHEMES = frozenset(
    {"0002", "0009", "1", "SIREN", "SIRET", "FR:SIREN", "FR:SIRENE", "FR:SIRET"}
)
"""Schemes of a SIREN (ISO 6523: 0002) or a SIRET (0009; 1 in the portal's older formats). Files
swap them: the length tells which it is."""
_ADDRESS_SCHEMES = {
    "seller": {"0002", "0009", "9957"},
    "buyer": {"0002", "0009", "0225", "9957"},
}
"""Schemes of the electronic addresses from which a SIREN is read: an address begins with it, or is
a French VAT number that holds it (9957). A 0225 is read of the buyer only: FR CTC requires the
buyer's SIREN in it (BR-FR-21), but a seller may give the address of its group."""
_VAT_SCHEMES = frozenset({"9957", "0223", "FR:VAT", "VAT", "VA", "TVA", "2"})
"""Schemes of a VAT number of the European Union: 0223 in FR CTC, 2 in the portal's older
formats."""
_VAT_GROUP_SCHEME = "0231"
"""SIREN of the VAT group that a party is a member of (FR CTC, BR-FR-CO-14)."""


def read_fields(root: Element) -> Invoice:
    """Read the invoice under `root`. Raises `Unreadable` when the name of the root is unknown."""
    paths = PATHS.get(root.tag)
    if paths is None:
        raise Unreadable(UNKNOWN_ROOT.build_violation("file", root=root.tag[:100]))
    return _FieldReader(root, paths).read_invoice()


class _FieldReader:
    """Reads the fields of one file; collects contradictions and malformed values by field."""

    def __init__(self, root: Element, paths: Paths) -> None:
        self._root = root
        self._paths = paths
        self._malformed: dict[str, str] = {}
        self._contradictions: dict[str, tuple[str, ...]] = {}

    def read_invoice(self) -> Invoice:
        currency = self._read_currency()
        is_ubl = self._root.tag in UBL_ROOTS
        return Invoice(
            syntax=Syntax.UBL if is_ubl else Syntax.CII,
            number=self._read_text("number"),
            issued_on=self._read_date("issued_on"),
            currency=currency,
            ht=self._read_amount("ht", self._find_values("ht")),
            tva=self._read_amount(
                "tva", self._find_texts(self._paths.tva, currency=currency or "")
            ),
            ttc=self._read_amount("ttc", self._find_values("ttc")),
            due=self._read_amount("due", self._find_values("due")),
            prepaid=self._read_amount("prepaid", self._find_values("prepaid")),
            rounding=self._read_amount("rounding", self._find_values("rounding")),
            type_code=self._read_text("type_code"),
            is_credit_note=self._root.tag == UBL_CREDIT_NOTE if is_ubl else None,
            seller=self._read_party("seller"),
            buyer=self._read_party("buyer"),
            payee=self._read_party("payee"),
            tax_representative=self._read_party("tax_representative"),
            cadre=self._keep_single(
                "cadre", filter(None, map(parse_cadre, self._find_values("cadre")))
            ),
            engagement=self._read_text("engagement"),
            marche=self._read_text("marche"),
            service_code=self._read_text("service_code"),
            profile=self._read_text("profile"),
            preceding_numbers=self._find_texts(self._paths.preceding_numbers),
            malformed=self._malformed,
            contradictions=self._contradictions,
        )

    def _find_texts(self, path: Places, **variables: str) -> tuple[str, ...]:
        """Return the distinct texts found, without blank ones, in the order of the document."""
        found = cast("list[Element | str]", path(self._root, **variables))
        texts = (node if isinstance(node, str) else node.text or "" for node in found)
        return tuple(dict.fromkeys(filter(None, map(clean, texts))))

    def _find_values(self, field: str) -> tuple[str, ...]:
        return self._find_texts(self._paths.fields[field])

    def _keep_single(self, field: str, values: Iterable[str]) -> str | None:
        distinct = tuple(dict.fromkeys(values))
        if len(distinct) > 1:
            self._contradictions[field] = distinct
        return distinct[0] if len(distinct) == 1 else None

    def _read_text(self, field: str) -> str | None:
        return self._keep_single(field, self._find_values(field))

    def _read_currency(self) -> str | None:
        currency = self._read_text("currency")
        if currency is None:
            return None
        others = self._find_texts(self._paths.other_currencies, currency=currency)
        return self._keep_single("currency", (currency, *others))

    def _read_amount(self, field: str, values: tuple[str, ...]) -> Decimal | None:
        text = self._keep_single(field, values)
        if text is None:
            return None
        try:
            return parse_amount(text)
        except ValueError:
            self._malformed[field] = text
            return None

    def _read_date(self, field: str) -> date | None:
        text = self._read_text(field)
        if text is None:
            return None
        odd = next(
            (each for each in self._find_texts(self._paths.date_formats) if each != "102"), None
        )
        parts = None if odd else self._match_date(text)
        try:
            if parts:
                return date(*map(int, parts.groups()))
        except ValueError:
            pass
        self._malformed[field] = f"{text} (format {odd})" if odd else text
        return None

    def _match_date(self, text: str) -> re.Match[str] | None:
        is_ubl = self._root.tag in UBL_ROOTS
        return _ISO_DATE.fullmatch(text) or (None if is_ubl else _FORMAT_102.fullmatch(text))

    def _read_party(self, field: str) -> Party:
        paths = self._paths.parties[field]
        names = (name for path in paths.names for name in self._find_texts(path))
        identifiers = self._find_nodes(paths.identifiers)
        groups = {
            _read_number(node) for node in identifiers if _read_scheme(node) == _VAT_GROUP_SCHEME
        }
        numbers = [
            *map(_read_labelled_number, identifiers),
            *map(_read_unlabelled_number, self._find_nodes(paths.unlabelled)),
        ]
        addresses = (
            _read_address_siren(node)
            for node in self._find_nodes(paths.addresses)
            if _read_scheme(node) in _ADDRESS_SCHEMES.get(field, ())
        )
        return Party(
            name=next(names, None),
            siret=self._keep_single(
                f"{field}.siret", (n for n in numbers if len(n) > SIREN_LENGTH)
            ),
            siren=self._keep_single(
                f"{field}.siren", (n for n in numbers if 0 < len(n) <= SIREN_LENGTH)
            ),
            vat_number=self._keep_single(
                f"{field}.vat_number", self._find_vat_numbers(paths, groups)
            ),
            address_siren=self._keep_single(
                f"{field}.address", (siren for siren in addresses if siren and siren not in groups)
            ),
        )

    def _find_vat_numbers(self, paths: PartyPaths, groups: set[str]) -> tuple[str, ...]:
        """Return a party's VAT numbers: the French ones alone where it also has others.

        The number of a VAT group is left out: it does not identify the member.
        """
        identifiers = self._find_nodes(paths.identifiers)
        written = [
            *(_read_vat_number(node) for node in self._find_nodes(paths.vat_numbers)),
            *(_read_vat_number(node) for node in identifiers if _is_vat_number(node)),
        ]
        own = tuple(number for number in written if number and extract_siren(number) not in groups)
        return tuple(number for number in own if number.startswith("FR")) or own

    def _find_nodes(self, path: Places) -> list[Element]:
        return cast("list[Element]", path(self._root))


def _read_number(node: Element) -> str:
    return "".join((node.text or "").split())


def _read_scheme(node: Element) -> str | None:
    scheme = (node.get("schemeID") or node.get("schemeName") or "").strip()
    return scheme.upper() or None


def _is_vat_number(node: Element) -> bool:
    """Tell whether an identifier of a party is a VAT number, by its scheme or by its form.

    Issuers write VAT numbers where any identifier may be. A text of FR and eleven signs with the
    right key is a French VAT number; where the key has a letter, the key of the SIREN is checked.
    """
    if _read_scheme(node) in _VAT_SCHEMES:
        return True
    number = compact_vat_number(node.text or "")
    key, siren = number[2:4], number[4:]
    return is_french_vat_number(number) and (key.isdigit() or is_siren(siren))


def _read_address_siren(node: Element) -> str | None:
    """Return the SIREN that an electronic address begins with, or that its VAT number holds."""
    number = _read_number(node)
    if _read_scheme(node) in _VAT_SCHEMES:
        return extract_siren(compact_vat_number(number))
    return number[:SIREN_LENGTH] or None


def _read_labelled_number(node: Element) -> str:
    """Return a SIRET or SIREN without blanks; empty when `node` is another identifier.

    Without a scheme, only 14 digits with the right key are a SIRET.
    """
    number, scheme = _read_number(node), _read_scheme(node)
    if scheme is None:
        return number if is_siret(number) else ""
    return number if scheme in _SIREN_OR_SIRET_SCHEMES else ""


def _read_unlabelled_number(node: Element) -> str:
    """Return the legal or tax number of a French party when its key is that of a SIREN or SIRET.

    Any other number gives an empty text.

    French companies write it with its register as well: « RCS Lyon 552 081 317 ».
    """
    number = _read_number(node)
    if "RCS" in number.upper().replace(".", ""):
        number = "".join(filter(str.isdigit, number))
    is_ours = _read_scheme(node) in {None, "FC"} and (is_siren(number) or is_siret(number))
    return number if is_ours else ""


def _read_vat_number(node: Element) -> str:
    """Return a VAT number with its country code, which some French ones are written without.

    Empty when `node` holds no VAT number.
    """
    number = compact_vat_number(node.text or "")
    if number.isdigit() and is_french_vat_number(f"FR{number}"):
        return f"FR{number}"
    has_form = number[:2].isalpha() and any(map(str.isdigit, number))
    return number if has_form and _read_scheme(node) != "FC" else ""
