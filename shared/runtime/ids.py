"""Ids of dossiers, pieces and events: UUIDv7, which sort by the time they were made."""

import time

from uuid_utils import uuid7

_TIME_DIGITS = 12


def new_id() -> str:
    """Generate a UUIDv7."""
    return str(uuid7())


def measure_age_s(made: str) -> float:
    """Measure how long ago an id was made, in seconds."""
    return max(0.0, time.time() - int(made.replace("-", "")[:_TIME_DIGITS], 16) / 1000)
