"""Counts of a dashboard."""

from dataclasses import dataclass
from datetime import datetime

from shared.vocabulary.statuses import Status


@dataclass(frozen=True, slots=True)
class Count:
    """How many pieces have a status, among those that the viewer sent or the others."""

    status: Status
    is_sent: bool
    pieces: int


@dataclass(frozen=True, slots=True)
class Awaiting:
    """How many pieces await the viewer, and since when the first of them does."""

    pieces: int = 0
    oldest: datetime | None = None
