"""Audit trail as a hash chain, which the entries alone are enough to verify.

Each entry holds in `previous` the hash of the entry before it, empty for the first; its own `hash`
is the SHA-256 of its canonical JSON (sorted keys, no white space, UTF-8).
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

CONTENT_CHANGED = "Le contenu de cette entrée a changé depuis qu'elle a été écrite."
LINK_BROKEN = "Cette entrée ne suit pas celle qui la précède : l'une d'elles a été remplacée."
ENTRY_MISSING = "Une entrée manque avant celle-ci."
END_MISSING = "La fin de la piste manque."
MALFORMED = "Cette entrée n'a plus la forme d'une entrée."
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def compute_hash(entry: Mapping[str, Any]) -> str:
    """Compute the hash of an entry."""
    hashed = {key: value for key, value in entry.items() if key != "hash"}
    return sha256(_CANONICAL.encode(hashed).encode()).hexdigest()


def link(entry: Mapping[str, Any], previous: str) -> dict[str, Any]:
    """Build the entry of a chain that follows the hash `previous`, empty for the first."""
    linked = {**entry, "previous": previous}
    return {**linked, "hash": compute_hash(linked)}


def find_link_fault(entry: Mapping[str, Any], previous: str) -> str | None:
    """Find what is wrong with an entry that should follow the hash `previous`.

    Raises KeyError or TypeError for what has not the form of an entry.
    """
    if compute_hash(entry) != entry["hash"]:
        return CONTENT_CHANGED
    return LINK_BROKEN if entry["previous"] != previous else None
