"""Needs of routes: the rights that a caller must have, as the table of rights writes them."""

from dataclasses import dataclass
from enum import StrEnum

from shared.rights.catalogue import find_application
from shared.rights.model import Level

_SEPARATOR = " | "
_PIECES = "pieces"


class NeedError(ValueError):
    """A need that says nothing known."""


class NeedKind(StrEnum):
    """Kind of a right that a route needs."""

    PUBLIC = "public"
    """Anybody."""
    SIGNED_IN = "signed-in"
    """Any valid token, even of a person who is not registered."""
    MEMBER = "member"
    """Attached to a structure."""
    PIECES = "pieces"
    """A level on the application in which the role works on pieces."""
    APPLICATION = "application"
    """A level on a named application."""
    MANAGER = "manager"
    MAIN_MANAGER = "main-manager"
    OPERATOR = "operator"
    DESK = "desk"


@dataclass(frozen=True, slots=True)
class Right:
    """One right, which is enough by itself."""

    kind: NeedKind
    level: Level | None = None
    application: str | None = None

    def __str__(self) -> str:
        """Write the right as the table does."""
        words = (self.application or self.kind, self.level)
        return " ".join(each for each in words if each)


@dataclass(frozen=True, slots=True)
class Need:
    """What a route needs: one of several rights."""

    rights: tuple[Right, ...]

    def __str__(self) -> str:
        """Write the need as the table does."""
        return _SEPARATOR.join(str(each) for each in self.rights)

    def find(self, kind: NeedKind) -> Right | None:
        """Find the right of a kind among those that are enough."""
        return next((each for each in self.rights if each.kind is kind), None)

    @property
    def is_public(self) -> bool:
        """Whether a caller without a token is let in."""
        return self.find(NeedKind.PUBLIC) is not None

    @property
    def has_role(self) -> bool:
        """Whether the caller says in which role it acts, as for pieces."""
        return self.find(NeedKind.PIECES) is not None


def parse_need(text: str) -> Need:
    """Parse a need of the table of rights. Raises NeedError."""
    rights = tuple(_parse_right(each) for each in text.split(_SEPARATOR))
    if len(set(rights)) != len(rights):
        raise NeedError(f"{text}: a right is named twice")
    return Need(rights)


def _parse_right(text: str) -> Right:
    name, _, level = text.partition(" ")
    if level:
        if level not in set(Level):
            raise NeedError(f"{text}: {level} is no level")
        if name == _PIECES:
            return Right(NeedKind.PIECES, Level(level))
        application = find_application(name)
        if application is None or Level(level) not in application.levels:
            raise NeedError(f"{text}: {name} is no application of this level")
        return Right(NeedKind.APPLICATION, Level(level), name)
    if name in set(NeedKind) - {NeedKind.PIECES, NeedKind.APPLICATION}:
        return Right(NeedKind(name))
    raise NeedError(f"{text!r} is no right")
