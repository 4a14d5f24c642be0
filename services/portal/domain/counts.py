"""Counts of a dashboard."""

from dataclasses import dataclass
from datetime import datetime

from shared.vocabulary.statuses import Status


@dataclass(frozen=True, slots=True)
class Count:
    """Number of pieces with a status, as the viewer sees it."""

    status: Status
    pieces: int


@dataclass(frozen=True, slots=True)
class Awaiting:
    """Number of pieces that await the viewer, and since when the first one does."""

    pieces: int = 0
    oldest: datetime | None = None
