"""The watch on stored fields sees each level, and a field that is gone or has another value."""

from typing import Any

import pytest

from tests.parcours.field_watch import FieldWatch, Place

_PLACE = ("routing", "dossiers", "d1")
_LEVELS = ("document", "state", "piece", "enclosure")
_EVENT = {"type": "PieceReceived", "deposit": {"piece_id": "p1"}, "added": "piece p1"}


def _document(**fields: str) -> dict[str, Any]:
    """Write a document with a field at each level, but for those that are said to be gone."""
    values = {level: f"{level} d1" for level in _LEVELS} | fields
    return {
        "_id": "d1",
        "added": values["document"],
        "enclosures": {"p1": {"added": values["enclosure"]}},
        "state": {"added": values["state"], "pieces": [{"id": "p0"}, {"added": values["piece"]}]},
    }


def _watch() -> FieldWatch:
    watch = FieldWatch("mongodb://nowhere", "added")
    watch.compare(_PLACE, _document())
    return watch


def test_fields_that_stay_are_counted_by_what_they_were_written_for() -> None:
    watch = _watch()
    later = _document()
    later["state"]["pieces"].append({"added": "piece p2"})

    watch.compare(_PLACE, later)

    assert watch.dropped == []
    assert watch.count_levels() == {"document": 1, "state": 1, "piece": 2, "enclosure": 1}


@pytest.mark.parametrize("level", _LEVELS)
@pytest.mark.parametrize("value", ["", "another"])
def test_a_field_that_is_gone_or_changed_is_dropped(level: str, value: str) -> None:
    watch = _watch()

    watch.compare(_PLACE, _document(**{level: value}))

    assert len(watch.dropped) == 1


def test_a_field_that_came_back_was_dropped_all_the_same() -> None:
    watch = _watch()

    watch.compare(_PLACE, _document(piece=""))
    watch.compare(_PLACE, _document())

    assert len(watch.dropped) == 1


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("organisation", "structures"), "structure s1"),
        (("notification", "subscriptions"), "subscription a1"),
        (("support", "tickets"), "ticket t1"),
    ],
)
def test_a_document_that_is_gone_has_dropped_its_fields(where: Place, value: str) -> None:
    watch = _watch()
    watch.compare_all(where, [{"_id": "1", "added": value}, {"_id": "2", "added": value}])

    watch.compare_all(where, [{"_id": "1", "added": value}])

    assert watch.dropped == [f"{(*where, '2', 'added')} was {value!r}, is None"]


@pytest.mark.parametrize(
    ("piece", "dropped"),
    [
        ({"added": "piece p1"}, []),
        ({}, ["'piece p1' of the trail is None in its dossier"]),
        ({"added": "another"}, ["'piece p1' of the trail is 'another' in its dossier"]),
    ],
)
def test_a_field_that_was_dropped_before_the_first_look_is_told_by_the_trail(
    piece: dict[str, str], dropped: list[str]
) -> None:
    watch = FieldWatch("mongodb://nowhere", "added")
    dossier = {"state": {"pieces": [{"deposit": {"piece_id": "p1"}, **piece}]}}

    watch.compare_trails([_EVENT, {"type": "Forwarded"}], [dossier])

    assert watch.dropped == dropped
