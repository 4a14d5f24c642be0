"""Sheet of a marché in one version: what it says, and how it changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.circuit.delays import Delay
from shared.circuit.loader import NEWEST, load_version
from shared.circuit.sheets import SheetActor, SheetField

ACTORS_LIMIT = 500
LOTS_LIMIT = 200
DELAYS_LIMIT = 20
REQUIRED_LIMIT = 20
DAYS_LIMIT = 365
"""Longest delay, in days: that of the event of a sheet."""


@dataclass(frozen=True, slots=True)
class Lot:
    """A lot of a marché."""

    code: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """What a structure says of its marché: all that a replacement replaces."""

    number: str
    title: str = ""
    actors: tuple[SheetActor, ...] = ()
    lots: tuple[Lot, ...] = ()
    delays: Mapping[str, int] = field(default_factory=dict)
    """Days of the delays from which the clauses of the marché derogate, by name of the delay."""
    required: tuple[SheetField, ...] = ()


@dataclass(frozen=True, slots=True)
class SheetVersion:
    """A sheet in one version, from 1."""

    id: str
    version: int
    moa: str
    """Structure whose marché it is."""
    content: Content
    at: datetime
    is_active: bool = True
    """Whether the sheet is in use: one that is withdrawn checks nothing."""

    def replace_content(self, content: Content, at: datetime) -> "SheetVersion":
        """Build the next version, which is in use."""
        return replace(self, version=self.version + 1, content=content, at=at, is_active=True)

    def withdraw(self, at: datetime) -> "SheetVersion":
        """Build the next version, which is withdrawn."""
        return replace(self, version=self.version + 1, at=at, is_active=False)


def list_changes(before: Content | None, after: Content) -> tuple[str, ...]:
    """List the fields of a sheet that differ."""
    names = Content.__dataclass_fields__
    return tuple(
        name for name in names if before is None or getattr(before, name) != getattr(after, name)
    )


def list_delays() -> Mapping[str, tuple[Delay, ...]]:
    """List the delays from which a marché may derogate, by name: those of the newest circuit."""
    found: dict[str, tuple[Delay, ...]] = {}
    for each in load_version(NEWEST).delays:
        found[each.name] = (*found.get(each.name, ()), each)
    return found
