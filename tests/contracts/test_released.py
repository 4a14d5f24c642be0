"""What was released is kept: the contracts of the code, against those that readers rely on."""

from dataclasses import replace
from pathlib import Path

from tests.contracts.release import (
    IN_USE,
    RELEASED,
    RETIRED,
    Contracts,
    broken,
    current,
    golden_events,
    read,
    release,
    unreleased,
)


def _released() -> Contracts:
    released = read(RELEASED)
    assert released, "nothing was released: run `make contracts`"
    return released


def test_nothing_that_was_released_is_broken() -> None:
    faults = broken(_released(), current())

    assert not faults, "\n" + "\n".join(faults)


def test_everything_that_is_promised_was_released() -> None:
    grown = unreleased(_released(), current())

    assert not grown, f"run `make contracts`, which releases or refuses: {', '.join(grown)}"


def test_a_golden_event_that_is_removed_or_changed_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.v1").mkdir()
    for name in ("1", "2", "3"):
        (tmp_path / "t.v1" / f"{name}.json").write_text(name, encoding="utf-8")
    before = replace(current(), golden=golden_events(tmp_path))
    (tmp_path / "t.v1" / "1.json").unlink()
    (tmp_path / "t.v1" / "2.json").write_text("other", encoding="utf-8")

    faults = broken(before, replace(before, golden=golden_events(tmp_path)))

    assert [fault.partition(";")[0] for fault in faults] == [
        "t.v1/1.json: the golden event was removed",
        "t.v1/2.json: the golden event was changed",
    ]


def test_a_release_is_read_back_and_a_second_one_has_nothing_to_add(tmp_path: Path) -> None:
    folder, now = tmp_path / "released", current()

    assert read(folder) is None
    assert release(folder, now) == ()
    assert read(folder) == now
    assert unreleased(now, current()) == ()


def test_a_release_that_breaks_what_was_released_changes_nothing(tmp_path: Path) -> None:
    now = current()
    release(tmp_path / "released", now)
    golden = dict([*now.golden.items()][1:])

    faults = release(tmp_path / "released", replace(now, golden=golden))

    assert len(faults) == 1
    assert read(tmp_path / "released") == now


def test_a_new_golden_event_and_a_new_rule_wait_for_their_release() -> None:
    now = current()
    grown = replace(
        now,
        golden={**now.golden, "t.v1/9.json": "0"},
        rules={**now.rules, "ZZZ-NEW-01": IN_USE},
    )

    assert unreleased(now, grown) == ("t.v1/9.json", "ZZZ-NEW-01")
    assert broken(now, grown) == ()


def test_a_document_that_promises_more_waits_for_its_release() -> None:
    now = current()
    channels = {**now.asyncapi["channels"], "novel.v1": {}}

    grown = replace(now, asyncapi={**now.asyncapi, "channels": channels})

    assert unreleased(now, grown) == ("the AsyncAPI document",)


def test_the_code_of_a_rule_that_was_retired_is_not_used_again(tmp_path: Path) -> None:
    folder, now = tmp_path / "released", current()
    release(folder, replace(now, rules={"OLD-RULE-01": IN_USE, **now.rules}))

    release(folder, now)
    released = read(folder)

    assert released is not None
    assert released.rules["OLD-RULE-01"] == RETIRED
    assert unreleased(released, now) == ()
    again = replace(now, rules={"OLD-RULE-01": IN_USE, **now.rules})
    assert [fault.partition(":")[0] for fault in broken(released, again)] == ["OLD-RULE-01"]
