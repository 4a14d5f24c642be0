"""Catalogue of the domains of the portal and their applications, read from a CSV."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from shared.rights.model import Level
from shared.vocabulary.roles import Role

_DATA = Path(__file__).parent / "applications.csv"
_COLUMNS = ["domaine", "libelle_domaine", "application", "libelle", "niveaux", "source"]
ORGANISATION = "organisation"
SOLLICITATIONS = "sollicitations"
_PIECES_DOMAIN = "facturation"
_TRAVAUX, _RECUES = "factures_de_travaux", "factures_recues"


@dataclass(frozen=True, slots=True)
class ApplicationEntry:
    """Application of the portal: what a habilitation is given for."""

    code: str
    label: str
    domain: str
    domain_label: str
    levels: tuple[Level, ...]
    source: str


class ApplicationsError(ValueError):
    """A catalogue of applications that cannot be used."""


def find_application(code: str) -> ApplicationEntry | None:
    """Find an application by its code."""
    return next((each for each in list_applications() if each.code == code), None)


def has_services(code: str) -> bool:
    """Tell whether a habilitation for an application may be limited to a service.

    It may where pieces are, which name a service of each party. The rights of a structure over
    itself, and its questions to a desk, are those of the whole structure.
    """
    application = find_application(code)
    return application is not None and application.domain == _PIECES_DOMAIN


def find_application_of_role(role: Role) -> str:
    """Find the application in which a role deposits, treats and looks up pieces.

    Source: webinar for the MOA, 14:38 to 15:04: the service financier works in received invoices,
    every other actor of a works contract in invoices of works.
    """
    return _RECUES if role is Role.SERVICE_FINANCIER else _TRAVAUX


@cache
def list_applications() -> tuple[ApplicationEntry, ...]:
    """List the applications, in the order of the catalogue."""
    return parse_applications(_DATA.read_text(encoding="utf-8"))


def parse_applications(text: str) -> tuple[ApplicationEntry, ...]:
    """Parse a catalogue. Raises ApplicationsError for a missing, doubled or unknown value."""
    reader = csv.DictReader(text.splitlines(), delimiter=";")
    if reader.fieldnames != _COLUMNS:
        raise ApplicationsError(f"the columns are {';'.join(_COLUMNS)}")
    read: dict[str, ApplicationEntry] = {}
    domains: dict[str, str] = {}
    for line, row in enumerate(reader, start=2):
        if None in row or not all(row.values()):
            raise ApplicationsError(f"line {line}: a value is missing, or there are too many")
        try:
            levels = tuple(Level(each) for each in row["niveaux"].split())
        except ValueError as error:
            raise ApplicationsError(f"line {line}: {error}") from None
        if row["application"] in read:
            raise ApplicationsError(f"line {line}: {row['application']} is there twice")
        if domains.setdefault(row["domaine"], row["libelle_domaine"]) != row["libelle_domaine"]:
            raise ApplicationsError(f"line {line}: {row['domaine']} has another label before")
        read[row["application"]] = ApplicationEntry(
            code=row["application"],
            label=row["libelle"],
            domain=row["domaine"],
            domain_label=row["libelle_domaine"],
            levels=levels,
            source=row["source"],
        )
    return tuple(read.values())
