"""An entry of the audit trail, and the report of a verification."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

PLATFORM = "plateforme"
"""Who acted, where it was a command of an operator or a job, and no account."""

Detail = str | int | bool | None | tuple[str, ...]
"""Detail of an act: plain values, which JSON writes in one way."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An act about an entity: a structure, a user or a machine."""

    entity: str
    act: str
    """What was done, as one word: `rattachement.approuve`."""
    by: str
    """Id of the account or of the machine that acted, or `PLATFORM`."""
    at: datetime
    details: Mapping[str, Detail] = field(default_factory=dict)
    """What else there is to know, without personal data: ids, roles, levels."""


@dataclass(frozen=True, slots=True)
class RecordedEntry:
    """An entry in its place in the chain, from 1."""

    entry: AuditEntry
    rank: int
    hash: str


@dataclass(frozen=True, slots=True)
class AuditFault:
    """What is wrong with a chain, and where."""

    entity: str
    rank: int | None
    fault: str
