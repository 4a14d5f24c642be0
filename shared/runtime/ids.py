"""Ids of dossiers, pieces and events: UUIDv7, which sort by the time they were made."""

from uuid_utils import uuid7


def new_id() -> str:
    """Generate a UUIDv7."""
    return str(uuid7())
