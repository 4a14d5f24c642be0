"""Sheet of a marché, *fiche d'identité du marché*: its actors, lots, delays, required fields.

A sheet is optional (webinar for the MOA, 13:08). Its key is the structure whose marché it is, the
MOA or the mandant of a mandate, and the number of the marché. Days are days in Paris.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from shared.vocabulary.roles import Role


class SheetRole(StrEnum):
    """Role of an actor in a marché: those of a dossier, the MOA as delegate."""

    TITULAIRE = "titulaire"
    COTRAITANT = "cotraitant"
    SOUS_TRAITANT = "sous_traitant"
    MOE = "moe"
    MOA_DELEGUEE = "moa_deleguee"
    SERVICE_FINANCIER = "service_financier"


class SheetField(StrEnum):
    """Field that a sheet may require of every deposit of its marché."""

    ENGAGEMENT = "engagement"
    LOT = "lot"
    COMMENT = "comment"
    MOE_SERVICE = "parties.moe.service"
    MOA_SERVICE = "parties.moa.service"
    SERVICE_FINANCIER_SERVICE = "parties.service_financier.service"


@dataclass(frozen=True, slots=True)
class SheetActor:
    """An actor of a marché; with a lot, for that lot alone."""

    role: SheetRole
    structure: str
    service: str | None = None
    lot: str | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    """First and last day of its validity; None leaves that end open."""

    def is_valid_on(self, day: date) -> bool:
        """Tell whether the actor acts in the marché on a day."""
        has_begun = self.valid_from is None or self.valid_from <= day
        has_ended = self.valid_until is not None and self.valid_until < day
        return has_begun and not has_ended

    def concerns(self, lot: str | None) -> bool:
        """Tell whether the actor acts for a lot; None when the deposit names no lot."""
        return lot is None or self.lot is None or self.lot == lot


@dataclass(frozen=True, slots=True)
class Sheet:
    """Sheet of a marché in one version."""

    id: str
    version: int
    moa: str
    number: str
    title: str = ""
    actors: tuple[SheetActor, ...] = ()
    lots: Mapping[str, str] = field(default_factory=dict)
    """Titles of the lots, by code."""
    delays: Mapping[str, int] = field(default_factory=dict)
    """Days of the delays from which its clauses derogate, by name of the delay."""
    required: tuple[SheetField, ...] = ()
    active: bool = True

    def list_actors(self, role: SheetRole, lot: str | None) -> tuple[SheetActor, ...]:
        """List the actors of a role for a lot, whatever their validity."""
        return tuple(each for each in self.actors if each.role is role and each.concerns(lot))


SHEET_ROLES: Mapping[Role, SheetRole] = {
    Role.TITULAIRE: SheetRole.TITULAIRE,
    Role.COTRAITANT: SheetRole.COTRAITANT,
    Role.SOUS_TRAITANT: SheetRole.SOUS_TRAITANT,
    Role.MOE: SheetRole.MOE,
    Role.SERVICE_FINANCIER: SheetRole.SERVICE_FINANCIER,
}
"""Roles of a dossier that a sheet names; the MOA is the key of the sheet, or its delegate."""
