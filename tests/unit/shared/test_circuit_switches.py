"""Rows switched off: what depends on them goes along, named, and what is left still works."""

import itertools

import pytest

from shared.circuit.loader import CircuitError, load_current, switch_rows_off
from shared.circuit.table import Circuit, Row
from shared.vocabulary.roles import Role

CIRCUIT = load_current()
SINGLE = [f"{row.cadre}{'.avec' if row.moa_present else '.sans'}" for row in CIRCUIT.rows]
EVERY = [*((each,) for each in SINGLE), *itertools.combinations(SINGLE, 2)]


def _gone(*switches: str) -> dict[str, str]:
    return {
        f"{gone.row.cadre}{'.avec' if gone.row.moa_present else '.sans'}": gone.reason
        for gone in switch_rows_off(CIRCUIT, switches).switched_off
    }


@pytest.mark.parametrize(
    ("switch", "along"),
    [
        ("A4", ""),
        ("A5", ""),
        ("A6", ""),
        ("A15", "A4.avec A10.avec A13.avec"),
        ("A16", "A4.sans A10.sans A13.sans"),
        ("A19", "A5.avec A15.avec A4.avec A10.avec A13.avec"),
        ("A20", "A17.avec A7.avec A14.avec A8.avec A22.avec A23.avec A24.avec A25.avec"),
        ("A18", "A7.sans A14.sans A8.sans A22.sans A23.sans A24.sans"),
        ("A22.avec", "A23.avec A24.avec A25.avec"),
        ("A23.avec", ""),
        ("A25", "A22.avec A23.avec A24.avec"),
        ("A7.avec", ""),
        ("A17", "A7.avec A14.avec A22.avec A23.avec A24.avec A25.avec"),
    ],
)
def test_what_depends_on_a_row_goes_along_and_nothing_else(switch: str, along: str) -> None:
    gone = _gone(switch)

    named = {each for each in gone if each.partition(".")[0] == switch.partition(".")[0]}
    assert {gone[each] for each in named} == {"switched off"}
    assert set(gone) - named == set(along.split())


def test_each_row_that_goes_along_says_why() -> None:
    assert _gone("A15") == {
        "A15.avec": "switched off",
        **dict.fromkeys(
            ("A4.avec", "A10.avec", "A13.avec"), "its recipient moe could deposit nothing"
        ),
    }
    assert _gone("A23.sans", "A24.sans") == {
        "A23.sans": "switched off",
        "A24.sans": "switched off",
        "A22.sans": "nothing could follow from the silence of its recipient",
    }
    assert _gone("A22.sans")["A23.sans"] == "nothing leads to it any more"


def _leads_to_payment(circuit: Circuit, row: Row, passed: tuple[Row, ...] = ()) -> bool:
    """Walk every way a piece may take, answered or left in silence, apart from the loader."""
    if row.recipient is Role.SERVICE_FINANCIER:
        return True
    after = [circuit.find_row(cadre, moa=row.moa_present) for cadre in row.followers]
    silent = [circuit.find_row(cadre, moa=row.moa_present) for cadre in row.tacit_followers]
    instead = [each for each in circuit.rows if row.cadre in each.replaces]
    replacing = [each for each in instead if each.moa_present is row.moa_present]
    return any(each and each.depositor is row.recipient for each in after) and all(
        each is not None and each not in passed and _leads_to_payment(circuit, each, (*passed, row))
        for each in (*after, *silent, *replacing)
    )


def test_every_switch_and_every_pair_leaves_a_table_in_which_every_dossier_is_paid() -> None:
    assert len(EVERY) == 378
    for switches in EVERY:
        switched = switch_rows_off(CIRCUIT, switches)
        left, gone = switched.circuit.rows, switched.switched_off
        keys = {(row.cadre, row.moa_present) for row in left}
        stated = {key for row in left for key in _stated(row)}
        assert all(_leads_to_payment(switched.circuit, row) for row in left), switches
        assert stated <= keys, switches
        assert len(left) + len(gone) == len(CIRCUIT.rows), switches
        assert all(each.reason for each in gone), switches


def _stated(row: Row) -> list[tuple[str, bool]]:
    every = (*row.followers, *row.followers_if_contested, *row.tacit_followers, *row.replaces)
    return [(cadre, row.moa_present) for cadre in every]


def test_the_name_of_what_is_left_says_what_is_off_in_whatever_order_it_was_said() -> None:
    one, other = (
        switch_rows_off(CIRCUIT, ["A5", "A22.sans"]),
        switch_rows_off(CIRCUIT, ["A22.sans", "A5", "A5"]),
    )

    assert one == other
    assert one.circuit.version == "2026-2-A22.sans-A5"


@pytest.mark.parametrize(
    "switch", ["A99", "A6.avec", "A5.sans", "a5", "A5.", "", "A5 A6", "A15,A16"]
)
def test_a_switch_that_names_no_row_is_refused(switch: str) -> None:
    with pytest.raises(CircuitError, match="names no row"):
        switch_rows_off(CIRCUIT, ["A4", switch])


def test_switches_that_leave_nothing_say_so() -> None:
    everything = sorted({row.cadre for row in CIRCUIT.rows})

    with pytest.raises(CircuitError, match="leave no row"):
        switch_rows_off(CIRCUIT, everything)


def test_switches_too_many_to_be_named_in_a_message_are_refused() -> None:
    every = [f"{row.cadre}.{'avec' if row.moa_present else 'sans'}" for row in CIRCUIT.rows]

    with pytest.raises(CircuitError, match=r"27 rows switched off make a name of \d+ characters"):
        switch_rows_off(CIRCUIT, every)


def test_no_switch_leaves_the_table_as_it_is() -> None:
    assert switch_rows_off(CIRCUIT, []).circuit == CIRCUIT
