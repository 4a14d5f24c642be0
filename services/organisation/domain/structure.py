"""A structure, and what it declares about itself."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from shared.vocabulary.structures import (
    IdentifierType,
    MoaParameter,
    StructureKind,
    StructureStatus,
)


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters of a structure; all but the last are for a public recipient."""

    moa: MoaParameter = MoaParameter.SANS
    code_service_obligatoire: bool = False
    numero_engagement_obligatoire: bool = False
    engagement_ou_service: bool = False
    mise_en_paiement_non_remontee: bool = False
    recoit_via_edi: bool = False


@dataclass(frozen=True, slots=True)
class Service:
    """A service of a structure; it may require an engagement on its own."""

    code: str
    name: str
    active: bool = True
    engagement_obligatoire: bool = False


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a structure declares about itself."""

    identifier_type: IdentifierType
    identifier: str
    name: str
    kind: StructureKind
    status: StructureStatus = StructureStatus.ACTIF
    parameters: Parameters = Parameters()
    services: tuple[Service, ...] = ()

    @property
    def structure(self) -> str:
        """Id of the structure that declares this."""
        if self.identifier_type is IdentifierType.SIRET:
            return self.identifier
        return f"{self.identifier_type}-{self.identifier}"

    def sort_services(self) -> "Declaration":
        """Sort the services, so that their order makes no difference."""
        return replace(self, services=tuple(sorted(self.services, key=lambda each: each.code)))

    def update(self, given: Mapping[str, Any]) -> "Declaration":
        """Replace the fields that are given: those of `parameters` and of a service one by one.

        `services` are all of them; a service that has its code keeps the fields that are left out.
        """
        changes = {**given, "parameters": replace(self.parameters, **given.get("parameters", {}))}
        if "services" in given:
            known = {each.code: each for each in self.services}
            changes["services"] = tuple(
                _update_service(known.get(each["code"]), each) for each in given["services"]
            )
        return replace(self, **changes)

    def update_service(self, given: Mapping[str, Any]) -> "Declaration":
        """Add a service, or replace the fields that are given of the one that has its code."""
        known = next((each for each in self.services if each.code == given["code"]), None)
        others = tuple(each for each in self.services if each is not known)
        return replace(self, services=(*others, _update_service(known, given)))


@dataclass(frozen=True, slots=True)
class Structure:
    """A structure: its accepted declaration, and its version, from 1."""

    version: int
    declared: Declaration

    @property
    def id(self) -> str:
        """Id of the structure."""
        return self.declared.structure


def _update_service(known: Service | None, given: Mapping[str, Any]) -> Service:
    return replace(known, **given) if known else Service(**given)
