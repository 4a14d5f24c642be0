"""Pool of reader processes that runs during a test, and ends after it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from services.deposit.adapters.reader_pool import ReaderLimits, ReaderPool


@asynccontextmanager
async def run_pool(
    bounds: ReaderLimits, pool: ReaderPool | None = None
) -> AsyncIterator[ReaderPool]:
    """Run a pool of readers as the service does."""
    pool = pool or ReaderPool(bounds)
    await pool.prepare()
    task = asyncio.create_task(pool.run())
    await asyncio.sleep(0)  # a task cancelled before its start would not run its clean-up
    try:
        yield pool
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
