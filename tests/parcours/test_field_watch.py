"""The watch on stored fields sees each level, and a field that is gone or has another value."""

from typing import Any

import pytest

from tests.parcours.field_watch import FieldWatch

_PLACE = ("routing", "dossiers", "d1")


def _document(**fields: str) -> dict[str, Any]:
    """Write a document with a field at each level, but for those that are said to be gone."""
    values = {"document": "document d1", "state": "state d1", "piece": "piece p1"} | fields
    return {
        "_id": "d1",
        "added": values["document"],
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
    assert watch.count_levels() == {"document": 1, "state": 1, "piece": 2}


@pytest.mark.parametrize("level", ["document", "state", "piece"])
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
