"""SecantusDB server that stands in for MongoDB on this machine, made fit for many clients at once.

python -m deploy.local.secantus_server <the options of secantusd-py>

It is one Python process with a thread for each connection. What follows makes it slow beyond what
its work costs, or stops it, and is changed here:

- An update removes and writes the entries of each index, some two hundred for a piece of the
  portal. Here it leaves the indexes alone in which the document keeps its entries.
- A statement calls the storage engine hundreds of times, and after each call waits for its turn
  among all running threads; meanwhile others wait for the transaction it belongs to.
  Here one statement runs at a time, in the order of arrival.
- Each statement looks through all sessions and all recent writes for those to forget.
  Here that happens once a second.
- An update or a deletion of several documents that meets a transaction waits for its end, and
  holds the collection, which the transaction waits for in its turn: both stand still for ever.
  Here it lets the collection go while it waits, as one of a single document does.
"""

# ruff: noqa: ANN401, SLF001 - it replaces methods of a library that has no types

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from secantus import server, storage
from secantus.cli import main
from secantus.sessions import SessionRegistry
from secantus.storage import Storage
from secantus.transactions import TransactionRegistry

_WITHOUT_TURN = frozenset({"getMore", "hello", "isMaster", "ismaster", "ping"})
"""Commands that may wait for others, or by which a client learns that the store lives."""

_LOOKS = (
    (SessionRegistry, "_prune_locked"),
    (TransactionRegistry, "_prune_locked"),
    (TransactionRegistry, "_prune_retryable_locked"),
)
"""Methods that look through all they keep for what to forget."""

_LOOK_EACH_S = 1.0
_HANDED_OVER = 0
"""Owner of a turn between the thread that ends and the one that wakes up: no thread has this id."""


class _Update(threading.local):
    """Update in progress of a thread: the new document, then the indexes whose entries change."""

    indexes: Any = None
    new: Mapping[str, Any] | None = None
    changed: Sequence[Any] | None = None


def keep_same_entries() -> None:
    """Let an update write the entries of those indexes alone in which they change.

    An update calls three methods in turn with the same list of indexes: it validates the new
    document, removes the entries of the old one, and writes those of the new one.
    Raises AttributeError when one has gone.
    """
    validate = Storage._validate_geo_indexes
    remove = Storage._delete_index_entries
    write = Storage._write_index_entries
    update = _Update()

    # Their other arguments are passed on as they are: the library has no types.
    def validate_new(store: Any, db: str, coll: str, doc: Any, indexes: Any, *rest: Any) -> None:
        validate(store, db, coll, doc, indexes, *rest)
        update.indexes, update.new, update.changed = indexes, doc, None

    def remove_changed(
        store: Any, db: str, coll: str, doc: Any, indexes: Any, partials: Any = None, **rest: Any
    ) -> None:
        new, update.changed = update.new, None
        if new is not None and update.indexes is indexes and new["_id"] == doc["_id"]:
            options = store._index_options_map(db, coll)
            update.changed = [
                each for each in indexes if not _has_same_entries(each, doc, new, options, partials)
            ]
        removed = indexes if update.changed is None else update.changed
        remove(store, db, coll, doc, removed, partials, **rest)

    def write_changed(
        store: Any, db: str, coll: str, doc: Any, indexes: Any, *rest: Any, **named: Any
    ) -> None:
        is_update = update.changed is not None and update.new is doc and update.indexes is indexes
        written = update.changed if is_update else indexes
        update.indexes = update.new = update.changed = None
        write(store, db, coll, doc, written, *rest, **named)

    Storage._validate_geo_indexes = validate_new
    Storage._delete_index_entries = remove_changed
    Storage._write_index_entries = write_changed


def _has_same_entries(
    index: Any,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    options: Mapping[str, Mapping[str, Any]],
    partials: Mapping[str, Any] | None,
) -> bool:
    """Tell whether two documents have the same entries in an index; False where it is special."""
    name, key, sparse, _ = index
    own = options.get(name, {})
    if partials is None or name in partials or own.get("collation"):
        return False
    if storage._geo_type_of(key) is not None:
        return False
    entries = [
        list(storage._index_key_variants(each, key, sparse=sparse, collation=None))
        for each in (old, new)
    ]
    return entries[0] == entries[1]


class Turns:
    """Lock that threads hold one at a time, in the order in which they ask."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._owner: int | None = None

    def __len__(self) -> int:
        """Count the threads that wait."""
        return len(self._waiting)

    @contextmanager
    def take(self) -> Iterator[None]:
        """Hold the lock. A thread must not take it twice."""
        self._acquire()
        try:
            yield
        finally:
            self._release()

    @contextmanager
    def give(self) -> Iterator[None]:
        """Let the others have it for a while, if this thread holds it."""
        if self._owner != threading.get_ident():
            yield
            return
        self._release()
        try:
            yield
        finally:
            self._acquire()

    def _acquire(self) -> None:
        with self._mutex:
            if self._owner is None:
                self._owner = threading.get_ident()
                return
            gate = threading.Lock()
            gate.acquire()
            self._waiting.append(gate)
        gate.acquire()
        self._owner = threading.get_ident()

    def _release(self) -> None:
        with self._mutex:
            if self._waiting:
                # Never free in between: who comes now waits behind those who wait.
                self._owner = _HANDED_OVER
                self._waiting.popleft().release()
            else:
                self._owner = None


def run_one_statement_at_a_time() -> None:
    """Let a statement end before the next one begins.

    Raises AttributeError when what it replaces has gone.
    """
    turns = Turns()
    dispatch = server.dispatch

    def dispatch_in_turn(command: Mapping[str, Any], *rest: Any) -> Any:
        if next(iter(command), "") in _WITHOUT_TURN:
            return dispatch(command, *rest)
        with turns.take():
            return dispatch(command, *rest)

    class Clock:
        """Module `time` for the storage, which sleeps until a transaction it meets has ended."""

        def __getattr__(self, name: str) -> Any:
            return getattr(time, name)

        def sleep(self, seconds: float) -> None:
            with turns.give():
                time.sleep(seconds)

    if storage._time is not time:
        raise AttributeError("secantus.storage._time is no longer the module time")
    server.dispatch = dispatch_in_turn
    storage._time = Clock()


def let_collections_go() -> None:
    """Let a write of several documents hold its collection only while it writes.

    The method for a single document releases it between two tries.
    Raises AttributeError when what it replaces has gone.
    """
    update, delete = Storage._update_matching_single_txn, Storage._delete_matching_single_txn

    def update_all(store: Any, *asked: Any, **named: Any) -> Any:
        return update(store, *asked, multi=True, **named)

    def delete_all(store: Any, *asked: Any, **named: Any) -> Any:
        return delete(store, *asked, limit=0, **named)

    for name, replaced in (
        ("_update_matching_chunked", update_all),
        ("_delete_matching_chunked", delete_all),
    ):
        getattr(Storage, name)
        setattr(Storage, name, replaced)


def look_once_a_second() -> None:
    """Let a server look at most once a second for what to forget.

    Raises AttributeError when what it replaces has gone.
    """
    for registry, name in _LOOKS:
        setattr(registry, name, _limit(getattr(registry, name), f"_at{name}"))


def _limit(look: Callable[[Any], int | None], attribute: str) -> Callable[[Any], int]:
    def look_in_time(registry: Any) -> int:
        now = time.monotonic()
        if now - vars(registry).get(attribute, -_LOOK_EACH_S) < _LOOK_EACH_S:
            return 0
        setattr(registry, attribute, now)
        return look(registry) or 0

    return look_in_time


if __name__ == "__main__":
    keep_same_entries()
    run_one_statement_at_a_time()
    let_collections_go()
    look_once_a_second()
    sys.exit(main())
