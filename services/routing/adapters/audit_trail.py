"""Audit trail of a dossier: a hash chain, which the documents alone are enough to verify.

Each entry also holds the SHA-256 of the files that it adds.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from services.routing.adapters.documents import read_dossier, read_event, write_event
from services.routing.application.journey import Entry
from services.routing.application.ports import Report
from services.routing.domain.dossier import Dossier, replay
from services.routing.domain.events import AdditionRefused, Event, PieceCompleted, PieceReceived
from shared.application.audit_chain import (
    END_MISSING,
    ENTRY_MISSING,
    MALFORMED,
    find_link_fault,
    link,
)
from shared.runtime.store.database import Document
from shared.runtime.store.schema import DocumentFormat

_VERSION_DIGITS = 6
LAST_VERSION = 10**_VERSION_DIGITS - 1


def format_entry_id(dossier_id: str, version: int) -> str:
    """Format the id of an entry; ids sort in the order of the trail."""
    return f"{dossier_id}|{version:0{_VERSION_DIGITS}d}"


def write_entry(dossier_id: str, entry: Entry, previous: str, level: int) -> Document:
    """Build the document of an entry that follows the hash `previous`, empty for the first."""
    document: Document = {
        "_id": format_entry_id(dossier_id, entry.version),
        "dossier": dossier_id,
        **ENTRIES.write(entry, level),
    }
    return link(document, previous)


def read_entry(document: Document) -> Entry:
    """Parse the document of an entry. Raises ValueError, KeyError or TypeError when malformed."""
    return ENTRIES.read(document)


def _read(document: Document) -> Entry:
    events = tuple(read_event(each) for each in document["events"])
    return Entry(document["version"], events, document["cause"], document.get("user"))


def _write(entry: Entry) -> Document:
    return {
        "version": entry.version,
        "events": [write_event(event) for event in entry.events],
        "files": [each for event in entry.events for each in _list_files(event)],
        "cause": entry.cause,
        "user": entry.user,
    }


ENTRIES = DocumentFormat("audit", read=_read, write=_write)
"""Format of the entries. They are written once: no later version adds fields to a stored entry."""


def verify(trail: Sequence[Document], dossier: Mapping[str, Any], head: str) -> Report:
    """Verify a trail, oldest entry first: its hashes, and the dossier that its events give.

    `head` is the hash of the last entry, which the dossier keeps.
    """
    previous, version = "", 0
    for document in trail:
        fault = _find_fault(document, previous, version)
        if fault:
            return Report(len(trail), False, document.get("version"), fault)
        previous, version = document["hash"], document["version"]
    fault = _find_end_fault(trail, dossier, previous, head)
    return Report(len(trail), not fault, version if fault else None, fault)


def _find_fault(document: Document, previous: str, version: int) -> str | None:
    try:
        entry = read_entry(document)
        if fault := find_link_fault(document, previous):
            return fault
        if entry.version != version + len(entry.events):
            return ENTRY_MISSING
        if document["files"] != [each for event in entry.events for each in _list_files(event)]:
            return "Les empreintes des fichiers ne sont pas celles des pièces."
    except (KeyError, TypeError, ValueError):
        return MALFORMED
    return None


def _find_end_fault(
    trail: Sequence[Document], dossier: Mapping[str, Any], last: str, head: str
) -> str | None:
    if last != head:
        return END_MISSING
    replayed = replay(event for document in trail for event in read_entry(document).events)
    if replayed is None or not _is_equal(replayed, dossier):
        return "Le dossier n'est pas celui que la piste raconte."
    return None


def _is_equal(dossier: Dossier, document: Mapping[str, Any]) -> bool:
    # The dossiers are compared, not their documents: a field that is newer than the document has
    # its default in both.
    try:
        return read_dossier(document) == dossier
    except (KeyError, TypeError, ValueError):
        return False


def _list_files(event: Event) -> tuple[str, ...]:
    if isinstance(event, PieceReceived):
        return (event.deposit.file_sha256, *event.deposit.attachments)
    if isinstance(event, PieceCompleted | AdditionRefused):
        return event.completion.attachments
    return ()
