"""Store of the pieces of the read model."""

from collections.abc import AsyncIterator, Sequence
from datetime import date

from services.portal.adapters import queries
from services.portal.adapters.documents import PIECES, build_actor_key
from services.portal.adapters.marks import COLLECTION, MARKS, find_last_mark, prepare_marks
from services.portal.domain.counts import Awaiting, Count
from services.portal.domain.criteria import Criteria, Place, Range
from services.portal.domain.piece import MarkedPiece, Piece
from shared.runtime.errors import NewerDocumentError
from shared.runtime.messaging.projection import split_pages
from shared.runtime.store.database import Document, Store, aggregate
from shared.vocabulary.actors import Actor
from shared.vocabulary.statuses import Status

_BATCH = 200


class MongoPieces:
    """Store of pieces, each one document."""

    def __init__(self, store: Store) -> None:
        """Read from this store."""
        self._store = store
        self._pieces = store.collection(PIECES.collection)
        self._marks = store.collection(COLLECTION)

    async def prepare(self) -> None:
        """Create the indexes."""
        for keys in queries.INDEXES:
            await self._pieces.create_index(keys)
        await prepare_marks(self._store)

    async def search(
        self, viewer: Actor, criteria: Criteria, after: Place | None, limit: int
    ) -> Sequence[Piece]:
        asked = queries.build_search(viewer, criteria, after)
        found = self._pieces.find(asked).sort(queries.NEWEST_FIRST).limit(limit)
        return [PIECES.read(document) async for document in found]

    async def list_changes(self, viewer: Actor, after: int, limit: int) -> Sequence[MarkedPiece]:
        state = queries.name_state_field(viewer.role)
        # Read first: up to this mark everything has committed.
        last = await find_last_mark(self._store, state)
        asked, order = queries.build_changes(viewer, MARKS[state], after, last)
        found = self._marks.find(asked, {MARKS[state]: 1}).sort(order).limit(limit)
        marks = {row["_id"]: row[MARKS[state]] async for row in found}
        pieces: dict[str, Document] = {}
        for page in split_pages(marks):
            rows = self._pieces.find({"_id": {"$in": page}})
            pieces |= {row["_id"]: row async for row in rows}
        # A piece may have changed since: one that the viewer sees no more is left out.
        viewer_key = build_actor_key(viewer.whole)
        return [
            MarkedPiece(mark, PIECES.read(document))
            for id_, mark in marks.items()
            if (document := pieces.get(id_)) and viewer_key in document["seen_by"]
        ]

    async def count_sent(self, viewer: Actor) -> Sequence[Count]:
        return await self._count(queries.build_sent_count(viewer))

    async def count_received(self, viewer: Actor) -> Sequence[Count]:
        return await self._count(queries.build_received_count(viewer))

    async def _count(self, pipeline: list[Document]) -> Sequence[Count]:
        rows = [row async for row in aggregate(self._pieces, pipeline)]
        # A piece of a newer version is recognised by its status, which the index holds. To check
        # its level, the query would have to read it.
        newer = {row["_id"] for row in rows} - {status.value for status in Status}
        if newer:
            raise NewerDocumentError(PIECES.collection, sorted(newer))
        return [Count(Status(row["_id"]), row["pieces"]) for row in rows]

    async def count_awaiting(self, viewer: Actor) -> Awaiting:
        async for row in aggregate(self._pieces, queries.build_awaiting(viewer)):
            return Awaiting(row["pieces"], row["oldest"])
        return Awaiting()

    def list_sent(self, viewer: Actor, period: Range[date]) -> AsyncIterator[Sequence[Piece]]:
        return self._list(queries.build_sent(viewer, period))

    def list_received(self, viewer: Actor, period: Range[date]) -> AsyncIterator[Sequence[Piece]]:
        return self._list(queries.build_received(viewer, period))

    async def _list(self, asked: Document) -> AsyncIterator[Sequence[Piece]]:
        batch: list[Piece] = []
        found = self._pieces.find(asked, batch_size=_BATCH).sort(queries.OLDEST_FIRST)
        async for document in found:
            batch.append(PIECES.read(document))
            if len(batch) == _BATCH:
                yield batch
                batch = []
        yield batch
