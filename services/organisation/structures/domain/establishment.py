"""Establishments of SIRENE, and what a structure takes over from them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from services.organisation.structures.domain.structure import FRANCE, Address, Declaration
from shared.vocabulary.siret import is_siret
from shared.vocabulary.structures import StructureStatus
from shared.vocabulary.texts import clean, has_visible_letter, is_showable

REQUIRED_COLUMNS = ("siret", "etatAdministratifEtablissement")
_NAMES = ("denominationUniteLegale", "denominationUsuelleEtablissement", "enseigne1Etablissement")
"""Columns of a name, the best first. INSEE's file of establishments has no first one; extracts
that join the legal units do."""
_STREET = (
    "numeroVoieEtablissement",
    "indiceRepetitionEtablissement",
    "typeVoieEtablissement",
    "libelleVoieEtablissement",
)
_WITHHELD = "[ND]"
"""What INSEE writes in the place of what is not disclosed."""
_TEXT_LIMIT = 200
_OPEN, _CLOSED = "A", "F"


class RowError(ValueError):
    """A row that cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Establishment:
    """Establishment of SIRENE: what it is called, where it is, and whether it is closed."""

    siret: str
    name: str
    address: Address | None
    is_closed: bool


def read_row(row: Mapping[str, str]) -> Establishment:
    """Read a row of INSEE's file of establishments (StockEtablissement). Raises RowError."""
    siret, state = row["siret"].strip(), row["etatAdministratifEtablissement"].strip()
    if not is_siret(siret):
        raise RowError("siret is no SIRET")
    if state not in {_OPEN, _CLOSED}:
        raise RowError("etatAdministratifEtablissement is neither A nor F")
    names = (_read_text(row, column) for column in _NAMES)
    name = next((each for each in names if has_visible_letter(each)), "")
    return Establishment(siret, name, _read_address(row), is_closed=state == _CLOSED)


def follow(declared: Declaration, before: Establishment | None, now: Establishment) -> Declaration:
    """Build the declaration of a structure once SIRENE tells of its establishment.

    A closed establishment makes its structure inactive; an operator makes it active again. The
    address follows SIRENE while the structure has none or has that of SIRENE: what its manager has
    set stays. The name follows in the same way. Where SIRENE is silent, nothing changes.
    """
    followed = declared
    if now.is_closed and not (before and before.is_closed):
        followed = replace(followed, status=StructureStatus.INACTIF)
    if now.address and declared.address in {None, before.address if before else None}:
        followed = replace(followed, address=now.address)
    if now.name and before and before.name == declared.name:
        followed = replace(followed, name=now.name)
    return followed


def _read_address(row: Mapping[str, str]) -> Address | None:
    """Read a postal address; None without a city, or abroad, where SIRENE has no ISO code."""
    city = _read_text(row, "libelleCedexEtablissement") or _read_text(
        row, "libelleCommuneEtablissement"
    )
    if not has_visible_letter(city):
        return None
    postal_code = _read_text(row, "codeCedexEtablissement") or _read_text(
        row, "codePostalEtablissement"
    )
    parts = (_read_text(row, column) for column in _STREET)
    street = " ".join(each for each in parts if each)
    special = _read_text(row, "distributionSpecialeEtablissement")
    return Address(
        street=(street or special)[:_TEXT_LIMIT],
        complement=_read_text(row, "complementAdresseEtablissement"),
        postal_code=postal_code if postal_code.isascii() and postal_code.isdigit() else "",
        city=city,
        country=FRANCE,
    )


def _read_text(row: Mapping[str, str], column: str) -> str:
    text = clean(row.get(column, "")).strip()
    if text == _WITHHELD:
        return ""
    if len(text) > _TEXT_LIMIT:
        raise RowError(f"{column} is longer than {_TEXT_LIMIT} characters")
    if not is_showable(text):
        raise RowError(f"{column} has a character that no screen shows")
    return text
