"""Rate limit, in the store: one document a caller and window, with the count of each process.

A process writes its count, and not what to add to it: a write that is repeated after a lost answer
counts nothing twice.
"""

from collections.abc import Mapping

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from shared.runtime.ids import new_id
from shared.runtime.store.database import Document, Store

_COLLECTION = "caller_requests"


class CallerCountDocuments:
    """Counts of requests that the replicas of a service share."""

    def __init__(self, store: Store) -> None:
        """Use this store, with an id that no other process has."""
        self._counts = store.collection(_COLLECTION)
        self._process = new_id()

    async def prepare(self) -> None:
        """Create the index by which past windows are deleted."""
        await self._counts.create_index("window")

    async def exchange(self, window: int, own: Mapping[str, int]) -> Mapping[str, int]:
        """Write what this process counted of callers in a window; return what all others did."""
        ids = {_build_id(window, caller): caller for caller in own}
        writes = [
            UpdateOne(
                {"_id": each},
                {"$set": {"window": window, f"parts.{self._process}": own[caller]}},
                upsert=True,
            )
            for each, caller in ids.items()
        ]
        try:
            await self._counts.bulk_write(writes, ordered=False)
        except BulkWriteError:
            # Another replica inserted one of the documents at the same moment; now all are there.
            await self._counts.bulk_write(writes, ordered=False)
        found = self._counts.find({"_id": {"$in": [*ids]}})
        return {ids[row["_id"]]: self._count_others(row) async for row in found}

    async def read(self, window: int, caller: str) -> int:
        """Read what the other replicas counted of a caller."""
        row = await self._counts.find_one({"_id": _build_id(window, caller)})
        return self._count_others(row) if row else 0

    async def delete_before(self, window: int) -> None:
        """Delete the counts of the windows before one."""
        await self._counts.delete_many({"window": {"$lt": window}})

    def _count_others(self, row: Document) -> int:
        return sum(count for each, count in row["parts"].items() if each != self._process)


def _build_id(window: int, caller: str) -> str:
    return f"{window}:{caller}"
