"""A structure, and what it declares about itself."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from shared.vocabulary.structures import (
    IdentifierType,
    MoaParameter,
    Pipe,
    StructureKind,
    StructureStatus,
)

FRANCE = "FR"


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters of a structure; all of them are for a public recipient."""

    moa: MoaParameter = MoaParameter.SANS
    code_service_obligatoire: bool = False
    numero_engagement_obligatoire: bool = False
    engagement_ou_service: bool = False
    mise_en_paiement_non_remontee: bool = False


@dataclass(frozen=True, slots=True)
class Address:
    """Postal address."""

    street: str = ""
    complement: str = ""
    postal_code: str = ""
    city: str = ""
    country: str = FRANCE
    """ISO 3166-1, two letters."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service of a structure; it may require an engagement on its own."""

    code: str
    name: str
    active: bool = True
    engagement_obligatoire: bool = False
    valid_from: date | None = None
    valid_until: date | None = None
    """First and last day of its validity, in Paris; None leaves that end open."""


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
    address: Address | None = None
    email: str | None = None
    pipes: frozenset[Pipe] = frozenset()
    """Pipes of data exchange that are open."""

    @property
    def structure(self) -> str:
        """Id of the structure that declares this."""
        if self.identifier_type is IdentifierType.SIRET:
            return self.identifier
        return f"{self.identifier_type}-{self.identifier}"

    @property
    def receives_by_edi(self) -> bool:
        """Whether the structure may receive data by EDI: one of its pipes is open."""
        return bool(self.pipes)

    def becomes_public(self, after: "Declaration") -> bool:
        """Tell whether a private structure becomes a public one by this declaration."""
        private, public = StructureKind.PRIVEE, StructureKind.PUBLIQUE
        return self.kind is private and after.kind is public

    def sort_services(self) -> "Declaration":
        """Sort the services, so that their order makes no difference."""
        return replace(self, services=tuple(sorted(self.services, key=lambda each: each.code)))

    def update(self, given: Mapping[str, Any]) -> "Declaration":
        """Replace the fields that are given: those of parts and of a service one by one.

        Parts are `parameters` and `address`, which None removes. `services` are all of them; a
        service that has its code keeps the fields that are left out.
        """
        changes = {**given, "parameters": replace(self.parameters, **given.get("parameters", {}))}
        if given.get("address") is not None:
            changes["address"] = replace(self.address or Address(), **given["address"])
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

    def turn_pipe(self, pipe: Pipe, *, is_open: bool) -> "Declaration":
        """Open or close a pipe."""
        return replace(self, pipes=self.pipes | {pipe} if is_open else self.pipes - {pipe})


@dataclass(frozen=True, slots=True)
class Structure:
    """A structure: its accepted declaration, and its version, from 1."""

    version: int
    declared: Declaration

    @property
    def id(self) -> str:
        """Id of the structure."""
        return self.declared.structure


def list_changes(before: Declaration | None, after: Declaration) -> tuple[str, ...]:
    """List the fields of a declaration that differ, parameters and services one by one."""
    if before is None:
        return ("created",)
    fields = ("name", "kind", "status", "address", "email", "pipes")
    changed = [name for name in fields if getattr(before, name) != getattr(after, name)]
    changed += [
        f"parameters.{name}"
        for name in Parameters.__dataclass_fields__
        if getattr(before.parameters, name) != getattr(after.parameters, name)
    ]
    earlier, later = ({each.code: each for each in of.services} for of in (before, after))
    changed += [
        f"services.{code}"
        for code in sorted(earlier.keys() | later.keys())
        if earlier.get(code) != later.get(code)
    ]
    return tuple(changed)


def _update_service(known: Service | None, given: Mapping[str, Any]) -> Service:
    return replace(known, **given) if known else Service(**given)
