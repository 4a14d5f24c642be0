"""What was released is kept: the contracts of the code, against those that readers rely on."""

from dataclasses import replace
from pathlib import Path

from tests.contracts.release import (
    IN_USE,
    RELEASED,
    RETIRED,
    Contracts,
    collect_contracts,
    find_breaks,
    find_unreleased,
    hash_golden_events,
    read_release,
    release,
)


def _released() -> Contracts:
    released = read_release(RELEASED)
    assert released, "nothing was released: run `make contracts`"
    return released


def test_nothing_that_was_released_is_broken() -> None:
    faults = find_breaks(_released(), collect_contracts())

    assert not faults, "\n" + "\n".join(faults)


def test_everything_that_is_promised_was_released() -> None:
    grown = find_unreleased(_released(), collect_contracts())

    assert not grown, f"run `make contracts`, which releases or refuses: {', '.join(grown)}"


def test_a_golden_event_that_is_removed_or_changed_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.v1").mkdir()
    for name in ("1", "2", "3"):
        (tmp_path / "t.v1" / f"{name}.json").write_text(name, encoding="utf-8")
    before = replace(collect_contracts(), golden=hash_golden_events(tmp_path))
    (tmp_path / "t.v1" / "1.json").unlink()
    (tmp_path / "t.v1" / "2.json").write_text("other", encoding="utf-8")

    faults = find_breaks(before, replace(before, golden=hash_golden_events(tmp_path)))

    assert [fault.partition(";")[0] for fault in faults] == [
        "t.v1/1.json: the golden event was removed",
        "t.v1/2.json: the golden event was changed",
    ]


def test_a_release_is_read_back_and_a_second_one_has_nothing_to_add(tmp_path: Path) -> None:
    folder, now = tmp_path / "released", collect_contracts()

    assert read_release(folder) is None
    assert release(folder, now) == ()
    assert read_release(folder) == now
    assert find_unreleased(now, collect_contracts()) == ()


def test_a_release_that_breaks_what_was_released_changes_nothing(tmp_path: Path) -> None:
    now = collect_contracts()
    release(tmp_path / "released", now)
    golden = dict([*now.golden.items()][1:])

    faults = release(tmp_path / "released", replace(now, golden=golden))

    assert len(faults) == 1
    assert read_release(tmp_path / "released") == now


def test_a_new_golden_event_and_a_new_rule_wait_for_their_release() -> None:
    now = collect_contracts()
    grown = replace(
        now,
        golden={**now.golden, "t.v1/9.json": "0"},
        rules={**now.rules, "ZZZ-NEW-01": IN_USE},
    )

    assert find_unreleased(now, grown) == ("t.v1/9.json", "ZZZ-NEW-01")
    assert find_breaks(now, grown) == ()


def test_a_document_that_promises_more_waits_for_its_release() -> None:
    now = collect_contracts()
    channels = {**now.asyncapi["channels"], "novel.v1": {}}

    grown = replace(now, asyncapi={**now.asyncapi, "channels": channels})

    assert find_unreleased(now, grown) == ("the AsyncAPI document",)


def test_a_service_that_promises_more_waits_for_its_release(tmp_path: Path) -> None:
    now = collect_contracts()
    deposit = {**now.openapi["deposit"], "paths": {**now.openapi["deposit"]["paths"], "/new": {}}}
    grown = replace(now, openapi={**now.openapi, "deposit": deposit})

    assert find_unreleased(now, grown) == ("the OpenAPI document of deposit",)
    assert release(tmp_path / "released", grown) == ()
    assert read_release(tmp_path / "released") == grown


def test_a_service_that_breaks_its_clients_is_not_released(tmp_path: Path) -> None:
    folder, now = tmp_path / "released", collect_contracts()
    release(folder, now)
    paths = dict([*now.openapi["deposit"]["paths"].items()][1:])
    less = {**now.openapi, "deposit": {**now.openapi["deposit"], "paths": paths}}

    [fault] = release(folder, replace(now, openapi=less))

    assert fault.startswith("deposit POST ")
    assert read_release(folder) == now


def test_the_code_of_a_rule_that_was_retired_is_not_used_again(tmp_path: Path) -> None:
    folder, now = tmp_path / "released", collect_contracts()
    release(folder, replace(now, rules={"OLD-RULE-01": IN_USE, **now.rules}))

    release(folder, now)
    released = read_release(folder)

    assert released is not None
    assert released.rules["OLD-RULE-01"] == RETIRED
    assert find_unreleased(released, now) == ()
    again = replace(now, rules={"OLD-RULE-01": IN_USE, **now.rules})
    assert [fault.partition(":")[0] for fault in find_breaks(released, again)] == ["OLD-RULE-01"]
