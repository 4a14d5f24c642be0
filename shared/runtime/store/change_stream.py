"""Change stream: a callback for every document that any replica inserts into a collection."""

import asyncio
from collections.abc import Callable

from pymongo.errors import PyMongoError

from shared.runtime.error_descriptions import describe_error
from shared.runtime.logs import get_logger
from shared.runtime.store.database import Collection, Document

_POLL_S = 1.0
"""Interval of the calls of `on_gap` while there is no change stream, in seconds."""
_log = get_logger(__name__)


async def watch_inserts(
    collection: Collection,
    on_insert: Callable[[Document], None],
    on_gap: Callable[[], None],
) -> None:
    """Call `on_insert` with every document inserted from now on, until cancelled.

    `on_gap` is called whenever inserts may have been missed: at the start, and once a second while
    the store has no change stream or the stream is broken.
    """
    while True:
        try:
            await _follow_stream(collection, on_insert, on_gap)
        except PyMongoError as error:
            _log.warning("live.polled", error=describe_error(error))
        on_gap()
        await asyncio.sleep(_POLL_S)


async def _follow_stream(
    collection: Collection,
    on_insert: Callable[[Document], None],
    on_gap: Callable[[], None],
) -> None:
    inserts = [{"$match": {"operationType": "insert"}}]
    async with collection.watch(inserts) as changes:
        on_gap()
        async for change in changes:
            on_insert(change["fullDocument"])
