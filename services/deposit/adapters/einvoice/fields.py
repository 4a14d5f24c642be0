"""Reads the fields of an invoice from its XML, by the table of its syntax."""

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import cast

from lxml.etree import _Element as Element

from services.deposit.adapters.einvoice.paths import PATHS, UBL_ROOTS, PartyPaths, Paths, Places
from services.deposit.domain.invoice import Invoice, Party
from services.deposit.domain.unreadable import UNKNOWN_ROOT, Unreadable
from shared.vocabulary.amounts import parse_amount
from shared.vocabulary.codes import Syntax
from shared.vocabulary.siret import is_siret
from shared.vocabulary.texts import plain

_CADRE = re.compile(r"A\d{1,2}", re.ASCII)
_ISO_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:Z|[+-]\d\d:\d\d)?", re.ASCII)
_FORMAT_102 = re.compile(r"(\d{4})(\d\d)(\d\d)", re.ASCII)
_SIRET_LENGTH = 14
_SIREN_LENGTH = 9
_SIREN_OR_SIRET_SCHEMES = frozenset({"0002", "0009", "1", "SIRET", "FR:SIRET"})
"""ISO 6523 says 0002 for a SIREN and 0009 for a SIRET; files swap them, and the portal's older
formats write 1 for a SIRET. The length tells which it is."""


def read_fields(root: Element) -> Invoice:
    """Read the invoice under `root`, or raise `Unreadable` when its name is unknown."""
    paths = PATHS.get(root.tag)
    if paths is None:
        raise Unreadable(UNKNOWN_ROOT.broken("file", root=root.tag[:100]))
    return _Reading(root, paths).invoice()


class _Reading:
    """One pass over one file: what is said twice or cannot be read is kept aside, by field."""

    def __init__(self, root: Element, paths: Paths) -> None:
        self._root = root
        self._paths = paths
        self._malformed: dict[str, str] = {}
        self._contradictions: dict[str, tuple[str, ...]] = {}

    def invoice(self) -> Invoice:
        currency = self._currency()
        return Invoice(
            syntax=Syntax.UBL if self._root.tag in UBL_ROOTS else Syntax.CII,
            number=self._text("number"),
            issued_on=self._date("issued_on"),
            currency=currency,
            ht=self._amount("ht", self._values("ht")),
            tva=self._amount("tva", self._texts(self._paths.tva, currency=currency or "")),
            ttc=self._amount("ttc", self._values("ttc")),
            due=self._amount("due", self._values("due")),
            prepaid=self._amount("prepaid", self._values("prepaid")),
            rounding=self._amount("rounding", self._values("rounding")),
            type_code=self._text("type_code"),
            seller=self._party("seller", self._paths.seller),
            buyer=self._party("buyer", self._paths.buyer),
            cadre=self._only("cadre", filter(_CADRE.fullmatch, self._values("cadre"))),
            engagement=self._text("engagement"),
            marche=self._text("marche"),
            service_code=self._text("service_code"),
            profile=self._text("profile"),
            preceding_numbers=self._texts(self._paths.preceding_numbers),
            malformed=self._malformed,
            contradictions=self._contradictions,
        )

    def _texts(self, path: Places, **variables: str) -> tuple[str, ...]:
        """Give the distinct texts found, blanks apart, in the order of the document."""
        found = cast("list[Element | str]", path(self._root, **variables))
        texts = (node if isinstance(node, str) else node.text or "" for node in found)
        return tuple(dict.fromkeys(filter(None, map(plain, texts))))

    def _values(self, field: str) -> tuple[str, ...]:
        return self._texts(self._paths.fields[field])

    def _only(self, field: str, values: Iterable[str]) -> str | None:
        distinct = tuple(dict.fromkeys(values))
        if len(distinct) > 1:
            self._contradictions[field] = distinct
        return distinct[0] if len(distinct) == 1 else None

    def _text(self, field: str) -> str | None:
        return self._only(field, self._values(field))

    def _currency(self) -> str | None:
        currency = self._text("currency")
        if currency is None:
            return None
        others = self._texts(self._paths.other_currencies, currency=currency)
        return self._only("currency", (currency, *others))

    def _amount(self, field: str, values: tuple[str, ...]) -> Decimal | None:
        text = self._only(field, values)
        if text is None:
            return None
        try:
            return parse_amount(text)
        except ValueError:
            self._malformed[field] = text
            return None

    def _date(self, field: str) -> date | None:
        text = self._text(field)
        if text is None:
            return None
        parts = _ISO_DATE.fullmatch(text) or _FORMAT_102.fullmatch(text)
        try:
            if parts:
                return date(*map(int, parts.groups()))
        except ValueError:
            pass
        self._malformed[field] = text
        return None

    def _party(self, field: str, paths: PartyPaths) -> Party:
        names = (name for path in paths.names for name in self._texts(path))
        nodes = cast("list[Element]", paths.identifiers(self._root))
        identifiers = [_french_identifier(node) for node in nodes]
        sirets = (number for number in identifiers if len(number) > _SIREN_LENGTH)
        sirens = (number for number in identifiers if 0 < len(number) <= _SIREN_LENGTH)
        return Party(
            name=next(names, None),
            siret=self._only(f"{field}.siret", sirets),
            siren=self._only(f"{field}.siren", sirens),
        )


def _french_identifier(node: Element) -> str:
    """Give a SIRET or SIREN without blanks, or nothing when `node` is another identifier.

    Without a scheme, only 14 digits with the right key are taken for a SIRET.
    """
    number = "".join((node.text or "").split())
    scheme = node.get("schemeID") or node.get("schemeName")
    if scheme is None:
        return number if is_siret(number) else ""
    return number if scheme in _SIREN_OR_SIRET_SCHEMES else ""
