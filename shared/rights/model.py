"""Principals, habilitations and the caller of a request."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role
from shared.vocabulary.structures import StructureKind, StructureStatus
from shared.vocabulary.tickets import Desk


class Level(StrEnum):
    """Level of a habilitation; the level `modification` includes `consultation`."""

    CONSULTATION = "consultation"
    MODIFICATION = "modification"

    def covers(self, other: "Level") -> bool:
        """Tell whether who has this level may do what needs the other."""
        return self is Level.MODIFICATION or other is Level.CONSULTATION


class ManagerRole(StrEnum):
    """Manager of a structure: the main managers name the others."""

    PRINCIPAL = "principal"
    SECONDAIRE = "secondaire"


class PlatformRole(StrEnum):
    """Role on the platform itself, of no structure."""

    OPERATOR = "operator"
    DESK = "desk"


class PrincipalKind(StrEnum):
    """Kind of a principal: a person, or a program with client credentials."""

    USER = "user"
    MACHINE = "machine"


@dataclass(frozen=True, slots=True)
class Habilitation:
    """Right on an application at a structure; with a service, for the pieces of that service."""

    application: str
    level: Level
    service: str | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """Active attachment of a principal to a structure, with its habilitations there."""

    structure: str
    manager: ManagerRole | None = None
    habilitations: tuple[Habilitation, ...] = ()


@dataclass(frozen=True, slots=True)
class Principal:
    """Person or program that may be given rights, in one version of its state."""

    id: str
    identity: str
    """SHA-256 of `shared.rights.identity`."""
    kind: PrincipalKind
    version: int
    active: bool = True
    attachments: Mapping[str, Attachment] = field(default_factory=dict)
    """Active attachments by structure."""
    platform_roles: frozenset[PlatformRole] = frozenset()


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a verified token speaks for, as its issuer says."""

    issuer: str
    subject: str
    kind: PrincipalKind
    expires_at: datetime
    issued_at: datetime | None = None
    email: str | None = None
    """E-mail of a user, verified by the issuer."""
    client: str | None = None
    """Client to which the token was issued; the principal itself, when it is a machine."""
    name: str = ""
    siret: str | None = None
    acr: str | None = None
    scopes: frozenset[str] = frozenset()
    kinds: frozenset[StructureKind] = frozenset(StructureKind)
    """Kinds of structures for which the issuer may speak."""
    may_operate: bool = False
    """Whether the issuer may sign in those who have a role on the platform."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a request chooses among the rights of its caller; it proves nothing."""

    structure: str | None = None
    role: Role | None = None
    service: str | None = None
    desk: Desk | None = None


@dataclass(frozen=True, slots=True)
class KnownStructure:
    """What the directory says of the structure that a request chooses."""

    kind: StructureKind
    status: StructureStatus


class NoActorError(ValueError):
    """The caller has not said for which structure or in which role it acts."""


@dataclass(frozen=True, slots=True)
class Requester:
    """Caller of a request, with what it may do there: the result of `decide`."""

    user: str | None
    """Id of its principal; None for a person who is not registered."""
    kind: PrincipalKind
    name: str
    email: str | None
    issuer: str
    token: str = field(repr=False)
    expires_at: datetime
    structure: str | None = None
    """Structure that it has chosen, to which it is attached (or it is an operator)."""
    role: Role | None = None
    service: str | None = None
    desk: Desk | None = None
    """Desk for which it was let in."""
    manager: ManagerRole | None = None
    """Its role as a manager of the structure."""
    habilitations: tuple[Habilitation, ...] = ()
    """Its habilitations at the structure that hold for this request."""
    platform_roles: frozenset[PlatformRole] = frozenset()
    structures: frozenset[str] = frozenset()
    """All structures to which it is attached."""
    client: str | None = None
    siret: str | None = None
    """SIRET that the issuer of the token attests."""
    kinds: frozenset[StructureKind] = frozenset(StructureKind)
    """Kinds of structures for which the issuer may speak."""
    scopes: frozenset[str] | None = None
    """Scopes of the token of a machine, as `application:level`; None for a person."""

    @property
    def actor(self) -> Actor:
        """The structure in its role. Raises NoActorError when one of them was not chosen."""
        if self.structure is None or self.role is None:
            raise NoActorError
        return Actor(self.role, self.structure, self.service)

    @property
    def is_operator(self) -> bool:
        """Whether the caller is an operator of the platform."""
        return PlatformRole.OPERATOR in self.platform_roles

    def may(self, application: str, level: Level) -> bool:
        """Tell whether the caller may use an application at its structure, by this token."""
        return self.holds(application, level) and self.is_in_scope(application, level)

    def holds(self, application: str, level: Level) -> bool:
        """Tell whether the caller has a level on an application at its structure."""
        return any(
            each.application == application and each.level.covers(level)
            for each in self.habilitations
        )

    def is_in_scope(self, application: str, level: Level) -> bool:
        """Tell whether the token of a machine covers a level on an application."""
        if self.scopes is None:
            return True
        covering = (each for each in Level if each.covers(level))
        return any(f"{application}:{each}" in self.scopes for each in covering)
