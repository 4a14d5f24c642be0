"""Unknown fields of a document: found when it is read, put back when it is written.

A version must not drop the fields that a newer one added to a document. A field is unknown when the
stored document has it and `write(read(stored))` has not: no list of fields is declared.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_IDS = ("_id", "id", "piece_id", "code", "sha256")
"""Fields by which an item of a list is found again once its content has changed."""


@dataclass(frozen=True, slots=True)
class UnknownItem:
    """An item of a list that has unknown fields."""

    place: int
    known: Any
    """The item without its unknown fields, by which it is found again."""
    unknown: "Unknown"


@dataclass(frozen=True, slots=True)
class Unknown:
    """Unknown fields of a part of a document, and of the parts and items in it."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, "Unknown"] = field(default_factory=dict)
    items: Sequence[UnknownItem] = ()


def find_unknown(stored: Any, known: Any) -> Unknown | None:  # noqa: ANN401 - any value of a document
    """Find the fields of `stored` that `known` has not; `known` is how this version writes it."""
    if stored == known:
        return None
    if isinstance(stored, dict) and isinstance(known, dict):
        fields = {name: value for name, value in stored.items() if name not in known}
        parts = {
            name: found
            for name, value in known.items()
            if name in stored and (found := find_unknown(stored[name], value))
        }
        return Unknown(fields, parts) if fields or parts else None
    if _is_list(stored) and _is_list(known):
        items = [
            UnknownItem(place, known[place], found)
            for place, value in _pair_items(stored, known).items()
            if (found := find_unknown(value, known[place]))
        ]
        return Unknown(items=items) if items else None
    return None


def _pair_items(stored: Sequence[Any], known: Sequence[Any]) -> dict[int, Any]:
    """Pair the place of each known item with its stored item: by id, or by place if it has no id.

    The place also decides among items that share an id. It tells only in lists of one length.
    """
    ids = [_find_id(item) for item in known]
    pairs = {}
    for place, own in enumerate(ids):
        found = [] if own is None else [item for item in stored if _has_id(item, own)]
        if len(found) == ids.count(own) == 1:
            pairs[place] = found[0]
        elif len(stored) == len(known) and (own is None or _has_id(stored[place], own)):
            pairs[place] = stored[place]
    return pairs


def put_back(unknown: Unknown | None, written: Any) -> Any:  # noqa: ANN401 - as above
    """Put unknown fields back into what is written. What this version writes always wins.

    The unknown fields of a part that is no longer written are dropped with it.
    """
    if unknown is None:
        return written
    if isinstance(written, dict):
        parts = {
            name: put_back(part, written[name])
            for name, part in unknown.parts.items()
            if name in written
        }
        return {**unknown.fields, **written, **parts}
    if _is_list(written):
        items = list(written)
        for place, item in _find_places(unknown.items, written):
            items[place] = put_back(item.unknown, written[place])
        return items
    return written


def _is_list(value: Any) -> bool:  # noqa: ANN401 - as above
    return isinstance(value, list | tuple)


def _find_places(
    items: Sequence[UnknownItem], written: Sequence[Any]
) -> Iterator[tuple[int, UnknownItem]]:
    """Find where items are now: unchanged in their place, unchanged elsewhere, or by their id."""
    free = dict(enumerate(written))
    left = list(items)
    for is_same in (_is_in_place, _is_unchanged, _has_same_id):
        for item in tuple(left):
            places = [place for place, value in free.items() if is_same(item, place, value)]
            # Two items with one id: it is not known which of them had the fields.
            if places and not (is_same is _has_same_id and len(places) > 1):
                del free[places[0]]
                left.remove(item)
                yield places[0], item


def _is_in_place(item: UnknownItem, place: int, value: Any) -> bool:  # noqa: ANN401
    return place == item.place and bool(value == item.known)


def _is_unchanged(item: UnknownItem, _: int, value: Any) -> bool:  # noqa: ANN401
    return bool(value == item.known)


def _has_same_id(item: UnknownItem, _: int, value: Any) -> bool:  # noqa: ANN401
    found = _find_id(item.known)
    return found is not None and found == _find_id(value)


def _find_id(item: Any) -> tuple[Any, ...] | None:  # noqa: ANN401
    """Find the id of an item: one of its fields, or of the first of its parts that has one."""
    if not isinstance(item, dict):
        return None
    own = ((name, item[name]) for name in _IDS if isinstance(item.get(name), str | int))
    of_parts = (
        (name, *found) for name, part in item.items() if (found := _find_id(part)) is not None
    )
    return next(own, None) or next(of_parts, None)


def _has_id(item: Any, own: tuple[Any, ...]) -> bool:  # noqa: ANN401
    """Tell whether an item has the id `own`, at the path in `own`; other ids do not count."""
    *path, value = own
    for name in path:
        item = item.get(name) if isinstance(item, dict) else None
    return bool(item == value)
