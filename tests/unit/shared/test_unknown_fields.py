"""Unknown fields: whatever a newer version added to a document outlives an older one's writing."""

import copy
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.runtime.store.unknown_fields import find_unknown, put_back

_scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "a", "é"])
_names = st.sampled_from(["state", "pieces", "due", "words", "SUSPENDUE", "id"])
documents = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_names, inner, max_size=4),
    max_leaves=20,
).map(lambda value: {"_id": "d1", "state": value})


def _dicts(value: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - JSON
    """List the dicts of a document, itself among them."""
    if isinstance(value, dict):
        return [value, *(each for part in value.values() for each in _dicts(part))]
    if isinstance(value, list):
        return [each for item in value for each in _dicts(item)]
    return []


@st.composite
def with_unknown(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A document as it is stored, with fields that a newer version added, and as we write it."""
    known = draw(documents)
    stored = copy.deepcopy(known)
    for part in _dicts(stored):
        part.update(
            draw(st.dictionaries(st.sampled_from(["novel", "newer"]), documents, max_size=1))
        )
    return stored, known


def keep(stored: Any, known: Any, written: Any) -> Any:  # noqa: ANN401 - JSON
    return put_back(find_unknown(stored, known), written)


@settings(max_examples=500)
@given(with_unknown())
def test_what_is_written_unchanged_is_stored_as_it_was(pair: tuple[Any, Any]) -> None:
    stored, known = pair

    assert keep(stored, known, known) == stored


@given(documents, documents)
def test_without_unknown_fields_what_is_written_is_stored(known: Any, written: Any) -> None:  # noqa: ANN401
    assert keep(known, known, written) == written


@settings(max_examples=500)
@given(with_unknown(), documents)
def test_what_this_version_writes_always_wins(pair: tuple[Any, Any], written: Any) -> None:  # noqa: ANN401
    stored, known = pair
    before = copy.deepcopy(written)

    kept = keep(stored, known, written)

    assert _without_novel(kept) == written == before
    assert keep(kept, written, written) == kept


def _without_novel(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        names = value.keys() - {"novel", "newer"}
        return {name: _without_novel(value[name]) for name in value if name in names}
    return [_without_novel(each) for each in value] if isinstance(value, list) else value


PIECES = [
    {"deposit": {"piece_id": "p1"}, "status": "DEPOSEE"},
    {"deposit": {"piece_id": "p2"}, "status": "DEPOSEE"},
]


def of_pieces(change: Callable[[list[Any]], list[Any]]) -> list[Any]:
    """Write the pieces after a change, where the store has a colour of each."""
    stored = [
        each | {"colour": colour} for each, colour in zip(PIECES, ("red", "blue"), strict=True)
    ]
    kept: list[Any] = keep(stored, PIECES, change(copy.deepcopy(PIECES)))
    return [(each["deposit"]["piece_id"], each["status"], each.get("colour")) for each in kept]


def test_a_piece_that_changed_is_found_by_its_id() -> None:
    def refuse(pieces: list[Any]) -> list[Any]:
        third = {"deposit": {"piece_id": "p3"}, "status": "DEPOSEE"}
        return [third, pieces[1] | {"status": "REFUSEE_MOE"}, pieces[0]]

    assert of_pieces(refuse) == [
        ("p3", "DEPOSEE", None),
        ("p2", "REFUSEE_MOE", "blue"),
        ("p1", "DEPOSEE", "red"),
    ]


def test_what_is_unknown_of_a_piece_goes_with_it() -> None:
    assert of_pieces(lambda pieces: pieces[1:]) == [("p2", "DEPOSEE", "blue")]


def test_two_items_of_one_id_that_changed_keep_nothing_of_each_other() -> None:
    known = [{"code": "A", "rank": 1}, {"code": "A", "rank": 2}]
    stored = [{**each, "novel": each["rank"]} for each in known]

    assert keep(stored, known, [{"code": "A", "rank": 3}, {"code": "A", "rank": 4}]) == [
        {"code": "A", "rank": 3},
        {"code": "A", "rank": 4},
    ]
    assert keep(stored, known, known[::-1]) == stored[::-1]


def test_items_that_a_newer_version_stored_in_another_order_are_found_by_their_id() -> None:
    known = [{"code": "A"}, {"code": "B"}]
    stored = [{"code": "B", "novel": "of B"}, {"code": "A"}]

    assert keep(stored, known, known) == [{"code": "A"}, {"code": "B", "novel": "of B"}]


def test_an_item_is_found_by_the_id_that_we_know_whatever_a_newer_version_put_before_it() -> None:
    known = [{"deposit": {"piece_id": "p1"}}, {"deposit": {"piece_id": "p2"}}]
    stored = [{"novel": {"id": 1}, **each} for each in reversed(known)]

    assert keep(stored, known, known) == stored[::-1]


def test_an_item_more_takes_nothing_from_the_others() -> None:
    known = [{"id": 1}, {"id": 2}]
    stored = [{"id": 3, "kind": "novel"}, {"id": 1, "novel": 1}, {"id": 2, "novel": 2}]

    assert keep(stored, known, known) == stored[1:]


def test_of_items_that_share_an_id_none_gets_the_field_of_another() -> None:
    known = [{"id": 1}, {"id": 2}]
    stored = [{"id": 1, "novel": 1}, {"id": 1, "novel": 3}, {"id": 2, "novel": 2}]

    assert keep(stored, known, known) == [{"id": 1}, {"id": 2, "novel": 2}]


def test_a_field_that_is_written_no_more_does_not_come_back() -> None:
    known = {"_id": "d1", "awaited": ["moe|1"], "hold": {"reason": "ROU-MOA-01"}}
    stored = {**known, "novel": 1, "hold": {"reason": "ROU-MOA-01", "novel": 2}}

    assert keep(stored, known, {"_id": "d1", "hold": None}) == {
        "_id": "d1",
        "hold": None,
        "novel": 1,
    }


def test_a_name_that_this_version_comes_to_use_is_its_own() -> None:
    known: dict[str, Any] = {"stamps": {}}

    assert keep({"stamps": {"CLOSE": 1}}, known, {"stamps": {"CLOSE": 2}}) == {
        "stamps": {"CLOSE": 2}
    }
