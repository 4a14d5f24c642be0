"""Marks of pieces, by which a program reads what has changed: one for each state that a role sees.

A payment that is not reported is hidden from the supplier's side. It changes a piece, so the piece
gets a new mark for the other side alone: a mark that moved would tell the moment of the payment. A
new version of a dossier moves no mark of a piece in which its readers see nothing new.

They are documents of their own, one a piece: a mark in the piece itself would write each of its
forty indexes once more.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256

from services.portal.adapters.documents import parse_actor_key
from services.portal.domain.piece import sees_reported
from shared.runtime.messaging.projection import split_pages
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.driver import DeleteMany, ReplaceOne, ReturnDocument, UpdateOne
from shared.runtime.store.feed import COUNTERS, Feed, name_feed
from shared.runtime.store.schema import SCHEMA

COLLECTION = "marks"
WHOLE, REPORTED = "whole", "reported"
MARKS: Mapping[str, str] = {WHOLE: "mark", REPORTED: "reported_mark"}
"""Field of the mark, by the field of the state that its readers see."""
FEED = name_feed(COLLECTION, MARKS[WHOLE])
"""Name of the feed, which wakes it."""
_SHOWN_TO_NOBODY = frozenset({"version", SCHEMA})
_OWN = ("awaited_by", "received_by")
"""Fields in which a reader sees only whether it is there itself."""
_COPIED = ("_id", "dossier_id", "version", "order", "seen_by", "party_keys")
"""Fields of a piece by which its marks are found."""


def build_feed(store: Store) -> Feed:
    """Build the feed that gives pieces both marks; the first deposit comes first."""
    return Feed(store, COLLECTION, order="order", handle=_mark_reported)


async def prepare_marks(store: Store) -> None:
    """Create the indexes by which marks are read."""
    marks = store.collection(COLLECTION)
    await marks.create_index("dossier_id")
    for field in MARKS.values():
        await marks.create_index([("seen_by", 1), (field, 1)])


async def find_last_mark(store: Store, state: str) -> int:
    """Find the last mark of a state."""
    return await Feed(store, COLLECTION, field=MARKS[state]).find_last()


async def _mark_reported(transaction: Transaction, numbered: Sequence[Document]) -> None:
    """Number the pieces that are new for the supplier's side, by a counter of its own.

    In the transaction of the other marks: two at once would change the same documents.
    """
    field, session = MARKS[REPORTED], transaction.session
    new = [each["_id"] for each in numbered if each.get(field) is None]
    if not new:
        return
    counter = await transaction.collection(COUNTERS).find_one_and_update(
        {"_id": name_feed(COLLECTION, field)},
        {"$inc": {"last": len(new)}},
        upsert=True,
        return_document=ReturnDocument.AFTER,
        session=session,
    )
    first = counter["last"] - len(new) + 1
    await transaction.collection(COLLECTION).bulk_write(
        [UpdateOne({"_id": id_}, {"$set": {field: mark}}) for mark, id_ in enumerate(new, first)],
        ordered=False,
        session=session,
    )


async def unmark_changed(
    transaction: Transaction, pieces: Sequence[Document], versions: Mapping[str, int]
) -> None:
    """Take the marks away of what has changed in pieces, the documents of these dossiers.

    `versions` are those of the dossiers: a piece that is in none of `pieces` has gone.
    """
    marks, session = transaction.collection(COLLECTION), transaction.session
    before: dict[str, Document] = {}
    for page in split_pages(versions):
        found = marks.find({"dossier_id": {"$in": page}}, session=session)
        before |= {row["_id"]: row async for row in found}
    rows = [build_marks(piece, before.get(piece["_id"])) for piece in pieces]
    await marks.bulk_write(
        [
            *(ReplaceOne({"_id": row["_id"]}, row, upsert=True) for row in rows),
            *(
                DeleteMany({"dossier_id": dossier, "version": {"$lt": version}})
                for dossier, version in versions.items()
            ),
        ],
        session=session,
    )
    transaction.notified.add(FEED)


def build_marks(piece: Document, before: Document | None) -> Document:
    """Build the marks of a piece: those of before, of each state that shows nothing new.

    What is new for the supplier's side is numbered with what is new for the other.
    """
    row: Document = {name: piece[name] for name in _COPIED}
    row["shown"] = {state: _summarise(piece, state) for state in MARKS}
    for state in (REPORTED, WHOLE):
        if before is None or row["shown"][state] != before["shown"][state]:
            break
        if before.get(MARKS[state]) is not None:
            row[MARKS[state]] = before[MARKS[state]]
    return row


def _summarise(piece: Document, state: str) -> str:
    """Summarise what those who see a state may notice of a piece, as a digest."""
    left_out = {*_SHOWN_TO_NOBODY, *MARKS} - {state}
    shown = {name: value for name, value in piece.items() if name not in left_out}
    for name in _OWN if state == REPORTED else ():
        shown[name] = [
            each for each in piece.get(name, ()) if sees_reported(parse_actor_key(each).role)
        ]
    return sha256(json.dumps(shown, default=str, sort_keys=True).encode()).hexdigest()
