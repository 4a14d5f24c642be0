"""Parties of a dossier, and the structures of the directory that they name."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from shared.circuit import rules
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation
from shared.vocabulary.structures import (
    MoaParameter,
    StructureKind,
    StructureStatus,
    has_structure_form,
)


@dataclass(frozen=True, slots=True)
class Party:
    """Structure named in a dossier, with its service when one is given."""

    structure: str
    service: str | None = None


@dataclass(frozen=True, slots=True)
class Parties:
    """Parties that a deposit names, by role."""

    titulaire: Party
    service_financier: Party
    moe: Party | None = None
    moa: Party | None = None
    cotraitant: Party | None = None
    sous_traitant: Party | None = None

    def of(self, role: Role) -> Party | None:
        """Find the party of a role; the fields have the names of the roles."""
        party: Party | None = getattr(self, role.value)
        return party

    def __getitem__(self, role: Role) -> Party:
        """Get the party of a role. Raises KeyError when the role is not named."""
        party = self.of(role)
        if party is None:
            raise KeyError(role)
        return party

    def list_named(self) -> tuple[tuple[Role, Party], ...]:
        """List the parties that are named, each with its role."""
        return tuple((role, party) for role in Role if (party := self.of(role)))


@dataclass(frozen=True, slots=True)
class Service:
    """A service of a structure; it may require an engagement on its own."""

    active: bool = True
    engagement_obligatoire: bool = False
    valid_from: date | None = None
    valid_until: date | None = None
    """First and last day of its validity, in Paris; None leaves that end open."""

    def is_active_on(self, day: date) -> bool:
        """Tell whether the service is active on a day: not closed, and within its validity."""
        has_begun = self.valid_from is None or self.valid_from <= day
        has_ended = self.valid_until is not None and self.valid_until < day
        return self.active and has_begun and not has_ended


@dataclass(frozen=True, slots=True)
class Structure:
    """Structure in one version of the directory: its name, and the parameters that rules read."""

    id: str
    kind: StructureKind
    status: StructureStatus
    moa: MoaParameter
    version: int
    code_service_obligatoire: bool = False
    numero_engagement_obligatoire: bool = False
    engagement_ou_service: bool = False
    mise_en_paiement_non_remontee: bool = False
    services: Mapping[str, Service] = field(default_factory=dict)
    name: str = ""


Directory = Mapping[str, Structure]
"""Structures by id."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Violation that prevents a hop, and the structure that can mend it."""

    structure: str
    violation: Violation


def read_moa_parameter(*, est_moa: bool, est_moa_uniquement: bool) -> MoaParameter:
    """Convert the two booleans of the exchanges to the MOA parameter, three values on screen.

    Raises ValueError for "only a MOA, and no MOA", which contradicts itself.
    """
    if est_moa_uniquement and not est_moa:
        raise ValueError("est_moa_uniquement without est_moa")
    if not est_moa:
        return MoaParameter.SANS
    return MoaParameter.EXCLUSIVEMENT if est_moa_uniquement else MoaParameter.AVEC


def write_moa_booleans(parameter: MoaParameter) -> tuple[bool, bool]:
    """Convert the MOA parameter to (est_moa, est_moa_uniquement)."""
    return parameter is not MoaParameter.SANS, parameter is MoaParameter.EXCLUSIVEMENT


def judge_structure(role: Role, party: Party, directory: Directory) -> Violation | None:
    """Check that a structure may have its role."""
    structure = directory.get(party.structure)
    where = f"{role.value}.structure"
    if structure is None:
        unknown = rules.STRUCTURE_UNKNOWN.build_violation(where, structure=party.structure)
        return replace(unknown, can_be_early=has_structure_form(party.structure))
    if structure.status is not StructureStatus.ACTIF:
        return rules.STRUCTURE_INACTIVE.build_violation(where, structure=structure.id)
    is_public_role = role in (Role.MOA, Role.SERVICE_FINANCIER)
    if is_public_role and structure.kind is not StructureKind.PUBLIQUE:
        return rules.STRUCTURE_NOT_PUBLIC.build_violation(
            where, structure=structure.id, role=LABELS[role]
        )
    return None


def judge_service(role: Role, party: Party, structure: Structure, today: date) -> Violation | None:
    """Check that the service of a party, if it names one, exists and is active today."""
    if party.service is None:
        return None
    service = structure.services.get(party.service)
    if service is None or not service.is_active_on(today):
        rule = rules.SERVICE_UNKNOWN if service is None else rules.SERVICE_INACTIVE
        return rule.build_violation(
            f"{role.value}.service", service=party.service, structure=structure.id
        )
    return None


LABELS = {
    Role.TITULAIRE: "le titulaire",
    Role.COTRAITANT: "le cotraitant",
    Role.SOUS_TRAITANT: "le sous-traitant",
    Role.MOE: "la maîtrise d'œuvre",
    Role.MOA: "la maîtrise d'ouvrage",
    Role.SERVICE_FINANCIER: "le service financier",
}
"""Names of the roles in a sentence, with their article."""
