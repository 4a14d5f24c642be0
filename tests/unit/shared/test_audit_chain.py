"""The hash chain of an audit trail: what is changed, moved or missing is found."""

import pytest

from shared.application.audit_chain import (
    CONTENT_CHANGED,
    LINK_BROKEN,
    compute_hash,
    find_link_fault,
    link,
)

FIRST = link({"acte": "dépôt", "rang": 1}, "")
SECOND = link({"acte": "refus", "rang": 2}, FIRST["hash"])


def test_the_hash_is_that_of_the_canonical_json() -> None:
    # printf '{"acte":"dépôt","previous":"","rang":1}' | sha256sum
    assert FIRST["hash"] == "9e214c28b2269fe57c6d01fb848db96fab8cd82d4cd1658143ab39f0d28de9c3"


def test_a_chain_that_nobody_touched_has_no_fault() -> None:
    assert find_link_fault(FIRST, "") is None
    assert find_link_fault(SECOND, FIRST["hash"]) is None


def test_a_changed_entry_is_found() -> None:
    assert find_link_fault({**FIRST, "acte": "oubli"}, "") == CONTENT_CHANGED


def test_an_entry_that_follows_another_one_is_found() -> None:
    forged = link({"acte": "oubli", "rang": 1}, "")

    assert find_link_fault(SECOND, forged["hash"]) == LINK_BROKEN


@pytest.mark.parametrize("missing", ["hash", "previous"])
def test_what_is_no_entry_raises(missing: str) -> None:
    entry = {key: value for key, value in FIRST.items() if key != missing}
    if missing == "previous":
        entry["hash"] = compute_hash(entry)

    with pytest.raises(KeyError):
        find_link_fault(entry, "")
