"""Scopes of machines: a level on an application, written `application:level`."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.rights.catalogue import find_application
from shared.rights.model import Level

_SEPARATOR = ":"


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """Level on an application, that a structure grants to a machine."""

    application: str
    level: Level

    def __str__(self) -> str:
        """Write the scope as tokens do."""
        return f"{self.application}{_SEPARATOR}{self.level}"

    def covers(self, other: "Scope") -> bool:
        """Tell whether who has this scope has the other one."""
        return self.application == other.application and self.level.covers(other.level)


def parse_scope(text: str) -> Scope | None:
    """Parse a scope; None when the catalogue has no such application at such a level."""
    name, _, level = text.partition(_SEPARATOR)
    application = find_application(name)
    if application is None or level not in application.levels:
        return None
    return Scope(name, Level(level))


def sort_scopes(scopes: Iterable[Scope]) -> tuple[Scope, ...]:
    """Sort scopes, without those that another one covers."""
    all_scopes = frozenset(scopes)
    return tuple(
        sorted(
            each
            for each in all_scopes
            if not any(other != each and other.covers(each) for other in all_scopes)
        )
    )
