"""SecantusDB server that stands in for MongoDB on this machine, with shorter updates.

python -m deploy.local.secantus_server <the options of secantusd-py>

Its update removes and writes the entries of each index, some two hundred for a piece of the portal.
Each costs several calls of the storage engine, between which its thread waits for its turn; and all
statements of other transactions wait for the one that runs. Here an update leaves the indexes alone
in which the document keeps its entries: a new status changes a tenth of them.
"""

# ruff: noqa: ANN401, SLF001 - it replaces methods of a library that has no types

import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from secantus import storage
from secantus.cli import main
from secantus.storage import Storage


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


if __name__ == "__main__":
    keep_same_entries()
    sys.exit(main())
