"""The metadata part: what it may weigh, and how many of its faults are named."""

import json

from services.deposit.entrypoints.requests import read_metadata


def test_fields_that_do_not_exist_are_named_up_to_fifty() -> None:
    found = read_metadata(json.dumps({f"champ{number}": 1 for number in range(3_000)}))

    assert isinstance(found, tuple)
    assert len(found) == 50


def test_metadata_over_64_kb_are_refused_whole() -> None:
    found = read_metadata(json.dumps({f"champ{number}": 1 for number in range(80_000)}))

    assert isinstance(found, tuple)
    assert [(each.code, each.field) for each in found] == [("HTTP-FORM-01", "metadata")]


def test_a_dossier_that_is_settled_twice_by_one_invoice_is_said_to_be_there_twice() -> None:
    found = read_metadata('{"settles": ["d1", "d2", "d1"]}')

    assert isinstance(found, tuple)
    assert [(each.field, each.message) for each in found] == [
        ("settles", "Cette liste contient deux fois la même valeur.")
    ]
