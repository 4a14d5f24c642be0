"""Formats of stored documents: read at any level up to ours, never lowered when written again."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from shared.runtime.errors import NewerDocumentError, is_transient
from shared.runtime.store.schema import DocumentFormat


@dataclass(frozen=True)
class Note:
    """What the format of these tests reads and writes."""

    id: str
    text: str
    colour: str = "grey"


def _read(document: dict[str, Any]) -> Note:
    return Note(document["_id"], document["text"], document.get("colour", "grey"))


def _write(note: Note) -> dict[str, Any]:
    return {"_id": note.id, "text": note.text}


def _rename(document: dict[str, Any]) -> dict[str, Any]:
    return {"_id": document["_id"], "text": document["words"]}


def _paint(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "colour": "white"}


def notes(level: int) -> DocumentFormat[Note]:
    """The format as a version of some level has it: level 2 renamed a field, 3 added one."""
    upcasts = {1: _rename, 2: _paint}
    return DocumentFormat("notes", read=_read, write=_write, upcasts=upcasts, level=level)


@pytest.mark.parametrize(
    ("document", "note"),
    [
        ({"_id": "n", "words": "old"}, Note("n", "old", "white")),
        ({"_id": "n", "words": "old", "schema": 1}, Note("n", "old", "white")),
        ({"_id": "n", "text": "two", "schema": 2}, Note("n", "two", "white")),
        ({"_id": "n", "text": "three", "colour": "red", "schema": 3}, Note("n", "three", "red")),
    ],
)
def test_every_level_up_to_ours_is_read(document: dict[str, Any], note: Note) -> None:
    assert notes(3).read(document) == note
    assert notes(3).read_to_change(document)[0] == note


def test_a_document_of_a_higher_level_is_waited_for() -> None:
    ours, theirs = {"_id": "a", "text": "", "schema": 2}, {"_id": "b", "text": "", "schema": 3}

    with pytest.raises(NewerDocumentError) as found:
        notes(2).check([ours, theirs])

    assert found.value.dossiers == {"b"}
    assert is_transient(found.value)
    for read in (notes(2).read, notes(2).read_to_change):
        with pytest.raises(NewerDocumentError):
            read(theirs)
    notes(3).check([ours, theirs])


def test_a_new_document_carries_the_level_that_is_written() -> None:
    assert notes(2).write(Note("n", "x"), 1) == {"_id": "n", "text": "x", "schema": 1}
    assert notes(2).write(Note("n", "x"), 2) == {"_id": "n", "text": "x", "schema": 2}


@pytest.mark.parametrize(("stored", "written", "becomes"), [(1, 1, 1), (1, 2, 2), (2, 1, 2)])
def test_a_document_that_is_written_again_is_never_lowered(
    stored: int, written: int, becomes: int
) -> None:
    document = {"_id": "n", "text": "x", "words": "x", "schema": stored}
    note, kept = notes(2).read_to_change(document)

    assert notes(2).write(note, written, kept)["schema"] == becomes


def test_what_is_unknown_is_kept_and_what_an_upcast_takes_away_is_not() -> None:
    document = {"_id": "n", "words": "x", "schema": 1}
    note, kept = notes(2).read_to_change(document)
    assert notes(2).write(note, 1, kept) == {"_id": "n", "text": "x", "schema": 1}

    document = {"_id": "n", "text": "x", "novel": {"deep": True}, "schema": 2}
    note, kept = notes(2).read_to_change(document)
    changed = notes(2).write(replace(note, text="y"), 2, kept)

    assert changed == {"_id": "n", "text": "y", "novel": {"deep": True}, "schema": 2}


def test_what_a_newer_version_added_to_an_open_list_is_kept_and_what_we_take_out_is_not() -> None:
    lists: DocumentFormat[list[str]] = DocumentFormat(
        "lists",
        read=lambda document: [each for each in document["files"] if each != "theirs"],
        write=lambda files: {"files": files, "places": files},
        open_lists=["files"],
    )
    document = {"_id": "n", "files": ["a", "theirs", "b"], "places": ["a", "theirs", "b"]}

    files, kept = lists.read_to_change(document)

    assert lists.write_change([*files[1:], "c"], 1, kept) == {
        "files": ["b", "c", "theirs"],
        "places": ["b", "c"],
        "schema": 1,
    }
    assert lists.write(["theirs"], 1, kept)["files"] == ["theirs"]


def test_a_change_sets_the_fields_of_the_value_alone() -> None:
    note, kept = notes(2).read_to_change({"_id": "n", "text": "x", "token": "t", "schema": 2})

    assert notes(2).write_change(note, 1, kept) == {"_id": "n", "text": "x", "schema": 2}
