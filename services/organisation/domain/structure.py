"""A structure, and what it declares about itself."""

from dataclasses import dataclass, replace

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

    def with_service(self, service: Service) -> "Declaration":
        """Add a service, or replace the one of the same code."""
        others = tuple(each for each in self.services if each.code != service.code)
        return replace(self, services=(*others, service))


@dataclass(frozen=True, slots=True)
class Structure:
    """A structure: its accepted declaration, and its version, from 1."""

    version: int
    declared: Declaration

    @property
    def id(self) -> str:
        """Id of the structure."""
        return self.declared.structure
