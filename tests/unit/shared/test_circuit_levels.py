"""Levels of circuits, acts and statuses: what a version judges and does not write yet."""

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.deposit.settings import Settings
from shared.circuit import loader, statuses
from shared.circuit.statuses import TRANSITIONS, Act, find_transition, list_acts
from shared.runtime.settings import RuntimeSettings, describe_faults
from shared.vocabulary.levels import LEVEL, WRITE_LEVEL
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status


def test_every_folder_of_tables_has_its_level_and_none_is_beyond_this_version() -> None:
    with (Path(loader.__file__).parent / "tables" / "circuits.csv").open(encoding="utf-8") as file:
        header, *lines = file.read().splitlines()
    named = [line.split(";") for line in lines]
    levels = [int(level) for _, level in named]

    assert header == "version;niveau"
    assert tuple(version for version, _ in named) == loader.list_versions()
    assert levels == sorted(levels)
    assert {*levels, *(row.level for row in TRANSITIONS)} <= {*range(1, LEVEL + 1)}


def test_new_dossiers_open_by_the_last_circuit_that_the_write_level_lets_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "version;niveau\n2026-1;1\n2026-2;1\n2027-1;2\n2027-2;4\n"
    # The cache must neither give nor keep an answer of other tables.
    monkeypatch.setattr(loader, "find_current", loader.find_current.__wrapped__)
    (tmp_path / "circuits.csv").write_text(lines, encoding="utf-8")
    monkeypatch.setattr(loader, "_TABLES", tmp_path)

    assert [loader.find_current(level) for level in (1, 2, 3, 4)] == [
        *("2026-2", "2027-1", "2027-1", "2027-2"),
    ]


def test_today_dossiers_open_by_the_second_circuit_and_by_the_third_once_the_level_is_raised() -> (
    None
):
    assert (loader.CURRENT, loader.find_current(1)) == ("2026-2",) * 2
    assert (loader.NEWEST, loader.find_current(2)) == ("2026-3",) * 2


def test_an_act_of_a_higher_level_is_neither_offered_nor_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = (Act.MANDATER, Role.SERVICE_FINANCIER, Status.SERVICE_FAIT)
    rows = [replace(row, level=3) if row.act is Act.MANDATER else row for row in TRANSITIONS]
    (later,) = (row for row in rows if row.level == 3)
    monkeypatch.setattr(statuses, "TRANSITIONS", tuple(rows))
    monkeypatch.setitem(statuses._BY_KEY, key, later)  # noqa: SLF001
    list_acts.cache_clear()
    try:
        offered = [list_acts(*key[1:], level) for level in (2, 3)]
    finally:
        list_acts.cache_clear()

    assert [find_transition(*key, level) for level in (2, 3)] == [None, later]
    assert [Act.MANDATER in acts for acts in offered] == [False, True]
    assert {*offered[1]} - {*offered[0]} == {Act.MANDATER}


@pytest.mark.parametrize("level", [0, LEVEL + 1])
def test_no_level_is_written_that_this_version_does_not_judge(level: int) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(kafka="k", mongo="m", write_level=level, switched_off="A15")

    (said,) = describe_faults(refused.value)
    assert said.startswith("AIGUILLAGE_WRITE_LEVEL: Input should be")


def test_what_is_written_is_what_the_version_before_judges() -> None:
    assert RuntimeSettings(kafka="k", mongo="m").write_level == WRITE_LEVEL
    assert (LEVEL, WRITE_LEVEL) == (2, 1)
