"""Outbox relay: publishes the messages that transactions have committed, in the order of each key.

A crash between the broker's acknowledgement and the deletion publishes again; consumers drop what
they have seen.
"""

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Protocol

from shared.runtime.backoff import retry_forever, retry_transient
from shared.runtime.facts.publications import log_publications
from shared.runtime.logs import get_logger
from shared.runtime.messaging.lane import Lane, Page
from shared.runtime.metrics import OUTBOX_DEPTH, OUTBOX_OLDEST, REFUSED_KEYS
from shared.runtime.store.database import SNAPSHOT, Document, Store
from shared.runtime.store.driver import DeleteMany, UpdateOne
from shared.runtime.store.lease import Lease
from shared.runtime.store.outbox_documents import is_well_formed, measure_age_s

_PAGE = 50
"""Documents of one read: SecantusDB's time to delete them grows with the square of their number."""
_POLL_S = 0.5
"""Polling interval of the outbox, in seconds, for commits of other processes."""
_ASK_EVERY_S = 1.0
"""Interval between requests for the lease, in seconds."""
_PACE_S = 0.05
"""Minimum interval between two reads, in seconds, except for a backlog: commits that come in
between share a read."""
_TOGETHER_S = 0.05
"""Timeout of the wait for lanes, in seconds: those that end in time share one command."""
_GIVE_UP_S = 30.0
"""Stall after which the relay gives the lease up, in seconds."""
_EPOCH_S = 24 * 3600.0
"""Age at which the producer is renewed, in seconds: the broker forgets a transactional id after a
week."""
STOP_S = 2.0
"""Grace period of publications in progress at stop, in seconds."""
_MEASURED_EVERY_S = 1.0
"""Interval of the gauges, in seconds."""
_log = get_logger(__name__)


class Publisher(Protocol):
    """Sends messages to the broker."""

    async def publish(self, message: Document) -> Awaitable[object]:
        """Send a message, in order; the awaitable returned is done once it is acknowledged."""

    async def renew_producer(self) -> None:
        """Start a new producer: the earlier ones, in any process, are fenced."""

    async def abandon_producer(self) -> None:
        """Close the producer, and send nothing more of what it holds."""


class LeaseLostError(Exception):
    """Another replica may be the relay by now: this one must send nothing more."""


class Relay:
    """Publishes the outbox of a service, in the one replica that holds the lease.

    Each topic has a lane of its own: one that is absent, or without a leader, delays no other. One
    read serves all lanes that are free: the load of the store depends on the number of commands.
    """

    def __init__(self, store: Store, publisher: Publisher) -> None:
        """Prepare a relay; `run` does the work."""
        self._store = store
        self._outbox = store.collection("outbox")
        self._publisher = publisher
        self._lease = Lease(store, "relay")
        self._opening: asyncio.Task[None] | None = None
        self._opened = 0.0
        self._taken = 0.0
        self._lanes: dict[str, Lane] = {}
        self._running: dict[asyncio.Task[None], tuple[Lane, Page]] = {}
        self._malformed: list[Any] = []
        """Ids of documents that cannot be read: left out, until an operator removes them."""
        self._blocked_since: float | None = None
        self._measured = 0.0
        self._read = 0.0

    @property
    def stalled_s(self) -> float:
        """Seconds for which messages waited and none was published; 0 otherwise.

        The renewal of the producer counts too. A message that the broker refuses for itself does
        not.
        """
        since = self._blocked_since
        return 0.0 if since is None else time.monotonic() - since

    async def run(self) -> None:
        """Publish until cancelled."""
        try:
            await retry_forever("indexes", self._prepare)
            while True:
                await retry_forever("relay", self._advance)
                await retry_forever("relay", self._measure)
        finally:
            # A rolling restart must not hold messages back for the length of a lease.
            with suppress(Exception):
                async with asyncio.timeout(3 * STOP_S):
                    await self._finish()

    async def _prepare(self) -> None:
        # Without it, a read that leaves a topic out would scan all that waits there.
        await self._outbox.create_index([("topic", 1), ("_id", 1)])

    async def _finish(self) -> None:
        """Wait for lanes in progress, within the grace period, then release the lease."""
        if self._running:
            await asyncio.wait(self._running, timeout=STOP_S)
        await self._settle()
        await self._drop()
        await self._lease.release()

    async def _advance(self) -> None:
        """Publish a page while the lease lasts, or ask for the lease."""
        tenure = self._lease.tenure
        is_holder = await self._lease.hold()
        if not is_holder or self._lease.tenure != tenure:
            # Another replica may have published since: drop what was read before.
            if self._opened:
                _log.warning("relay.lease_lost")
            await self._drop()
            self._taken = time.monotonic()
        if not is_holder:
            self._blocked_since = None
            await asyncio.sleep(_ASK_EVERY_S)
        elif min(self.stalled_s, time.monotonic() - self._taken) > _GIVE_UP_S:
            await self._give_up()
        elif await self._ensure_producer():
            await self._publish_page()

    async def _ensure_producer(self) -> bool:
        """Renew the producer in each tenure, and once a day. False until that is done.

        The lease is renewed meanwhile: the broker may take long.
        """
        if self._opening is None:
            if self._opened and time.monotonic() < self._opened + _EPOCH_S:
                return True
            self._opening = asyncio.create_task(self._renew())
            self._note_stall(is_blocked=True)
        await asyncio.wait({self._opening}, timeout=_POLL_S)
        if not self._opening.done():
            return False
        opening, self._opening = self._opening, None
        try:
            opening.result()
        except Exception:
            await self._give_up()
            raise
        self._opened = time.monotonic()
        return True

    async def _renew(self) -> None:
        """Renew the producer. Raises LeaseLostError when the lease ended before, or meanwhile."""
        self._check_lease()
        await self._publisher.renew_producer()
        self._check_lease()

    async def _publish(self, message: Document) -> Awaitable[object]:
        self._check_lease()
        return await self._publisher.publish(message)

    def _check_lease(self) -> None:
        if not self._lease.is_held:
            raise LeaseLostError

    async def _drop(self) -> None:
        """Stop publishing at once: what the producer still holds is never sent."""
        tasks = [*self._running, *([self._opening] if self._opening else [])]
        self._running.clear()
        self._lanes.clear()
        self._opening, self._opened = None, 0.0
        REFUSED_KEYS.set(0)
        for task in tasks:
            task.cancel()
        await self._publisher.abandon_producer()
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_S)

    async def _give_up(self) -> None:
        """Release the lease: another replica may reach the broker that this one does not."""
        _log.warning("relay.gives_up", stalled_s=self.stalled_s)
        await self._drop()
        await self._lease.release()
        await asyncio.sleep(_ASK_EVERY_S)

    async def _publish_page(self) -> None:
        self._store.committed.clear()
        documents = await self._read_page()
        started = self._start_lanes(documents)
        if started:
            await asyncio.wait(started, timeout=_TOGETHER_S)
        ended = await self._settle()
        if ended - started or (ended and len(documents) == _PAGE):
            # There may be more messages of the same topics.
            return
        await self._wait_for_news()

    async def _wait_for_news(self) -> None:
        """Wait for the end of a lane or a commit of this process, at most the polling interval."""
        commit = asyncio.create_task(self._store.committed.wait())
        try:
            await asyncio.wait(
                {commit, *self._running}, timeout=_POLL_S, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            commit.cancel()
        await asyncio.sleep(self._read + _PACE_S - time.monotonic())

    async def _read_page(self) -> Sequence[Document]:
        """Read the oldest documents, without the topics and keys that cannot be published now."""
        busy = {lane.topic for lane, _ in self._running.values()}
        busy |= {lane.topic for lane in self._lanes.values() if lane.is_backing_off}
        left_out: list[Document] = [{"topic": {"$in": sorted(busy)}}] if busy else []
        if self._malformed:
            left_out.append({"_id": {"$in": self._malformed}})
        for lane in self._lanes.values():
            if lane.topic not in busy:
                lane.end_waits()
                left_out += _match_postponed(lane)
        self._read = time.monotonic()
        # One snapshot: no document is read without those that its transaction had read.
        outbox = self._outbox.with_options(read_concern=SNAPSHOT)
        rows = outbox.find({"$nor": left_out} if left_out else {}, limit=-_PAGE)
        page: list[Document] = await rows.sort("_id", 1).to_list(_PAGE)
        return page

    def _start_lanes(self, documents: Iterable[Document]) -> set[asyncio.Task[None]]:
        by_topic = defaultdict(list)
        for document in documents:
            if is_well_formed(document):
                by_topic[document["topic"]].append(document)
            else:
                self._malformed.append(document["_id"])
                _log.error("outbox.malformed", document=str(document["_id"]))
        started = set()
        for topic, each in by_topic.items():
            lane = self._lanes.setdefault(topic, Lane(topic, self._publish, self._renew))
            page = Page(each)
            task = asyncio.create_task(lane.publish(page))
            self._running[task] = lane, page
            started.add(task)
        return started

    async def _settle(self) -> set[asyncio.Task[None]]:
        """Delete what the lanes that have ended have published; stop when one is fenced."""
        ended = {task for task in self._running if task.done()}
        runs = [(task.exception(), *self._running.pop(task)) for task in ended]
        for error, lane, _ in runs:
            if error is not None and not isinstance(error, LeaseLostError):
                _log.error("outbox.lane_failed", topic=lane.topic, exc_info=error)
                lane.back_off()
        pages = [page for _, _, page in runs]
        if any(page.published or page.is_refused for page in pages):
            self._blocked_since = None
        self._note_stall(any(lane.is_blocked for lane in self._lanes.values()))
        log_publications(self._store.service, [each for page in pages for each in page.published])
        if changes := [change for page in pages for change in _build_changes(page)]:
            await retry_transient("relay", lambda: self._outbox.bulk_write(changes, ordered=False))
        REFUSED_KEYS.set(sum(len(lane.postponed) for lane in self._lanes.values()))
        if any(page.is_fenced for page in pages):
            _log.warning("relay.fenced")
            await self._drop()
            self._blocked_since = None
            await asyncio.sleep(_ASK_EVERY_S)
        return ended

    def _note_stall(self, is_blocked: bool) -> None:
        if not is_blocked:
            self._blocked_since = None
        elif self._blocked_since is None:
            self._blocked_since = time.monotonic()

    async def _measure(self) -> None:
        if time.monotonic() > self._measured + _MEASURED_EVERY_S:
            OUTBOX_DEPTH.set(await self._outbox.estimated_document_count())
            oldest = await self._outbox.find_one({}, {"_id": 1}, sort=[("_id", 1)])
            if self._malformed:
                rows = self._outbox.find({"_id": {"$in": self._malformed}}, {"_id": 1})
                self._malformed = [row["_id"] async for row in rows]
            # One that is malformed never leaves, and its id may not tell its age.
            age_s = measure_age_s(oldest["_id"]) if oldest else 0
            OUTBOX_OLDEST.set(math.inf if self._malformed else age_s)
            self._measured = time.monotonic()


def _match_postponed(lane: Lane) -> list[Document]:
    """Build filters that match the documents of a topic with messages of postponed keys only."""
    if not (keys := lane.postponed):
        return []
    has_others = {"$elemMatch": {"key": {"$nin": keys}}}
    return [
        {"topic": lane.topic, "messages": {"$exists": True, "$not": has_others}},
        # Earlier releases stored each message in a document of its own.
        {"topic": lane.topic, "key": {"$in": keys}},
    ]


def _build_changes(page: Page) -> Iterator[DeleteMany | UpdateOne]:
    """Build the deletions: of documents that are published whole, of single messages otherwise."""
    published = defaultdict(list)
    for message in page.published:
        published[message["document"]].append(message["n"])
    gone = []
    for document in page.documents:
        name, numbers = document["_id"], published[document["_id"]]
        if len(numbers) == len(document.get("messages", [document])):
            gone.append(name)
        elif numbers:
            # Remove single messages, not the list: a replaced relay would put back what its
            # successor has published.
            yield UpdateOne({"_id": name}, {"$pull": {"messages": {"n": {"$in": numbers}}}})
    if gone:
        yield DeleteMany({"_id": {"$in": gone}})
