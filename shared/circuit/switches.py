"""Switches that turn off rows of the circuit, with the rows that depend on them."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from shared.circuit.delays import Delay
from shared.circuit.table import Circuit, Row, list_awaited
from shared.vocabulary.cadres import Cadre

_SWITCH = re.compile(r"(A\d{1,2})(\.avec|\.sans)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class SwitchedOffRow:
    """Row that is switched off, and why: it was named, or it depends on another one."""

    row: Row
    reason: str


@dataclass(frozen=True, slots=True)
class SwitchedCircuit:
    """Circuit without the rows that are switched off, and the list of those rows."""

    circuit: Circuit
    switched_off: tuple[SwitchedOffRow, ...]


def switch_off(circuit: Circuit, switches: Collection[str], name: str) -> SwitchedCircuit:
    """Switch rows off: `A6` names both rows of a cadre, `A22.avec` only its row with a MOA.

    Rows that then lead nowhere, or that nothing leads to, are switched off too. `name` is the
    version of the circuit that is left. Raises ValueError for a switch that names no row, and for
    switches that leave no row.
    """
    rows, delays = circuit.rows, circuit.delays
    switched_off: list[SwitchedOffRow] = []
    for switch in switches:
        named = _find_named(switch, circuit.rows)
        if not named:
            raise ValueError(f"circuit {circuit.version}: {switch} names no row")
        switched_off += [SwitchedOffRow(row, "switched off") for row in named if row in rows]
        rows = tuple(row for row in rows if row not in named)
    while dependants := [*_find_dependants(_prune(name, rows, delays), circuit)]:
        lost = {(each.row.cadre, each.row.moa_present) for each in dependants}
        rows = tuple(row for row in rows if (row.cadre, row.moa_present) not in lost)
        switched_off += dependants
    if not rows:
        raise ValueError(f"circuit {circuit.version}: {' '.join(switches)} leave no row")
    return SwitchedCircuit(_prune(name, rows, delays), tuple(switched_off))


def _find_named(switch: str, rows: Iterable[Row]) -> list[Row]:
    match = _SWITCH.fullmatch(switch)
    if match is None:
        return []
    cadre, which = match.groups()
    return [
        row
        for row in rows
        if row.cadre == cadre and which in (None, ".avec" if row.moa_present else ".sans")
    ]


def _prune(name: str, rows: tuple[Row, ...], delays: tuple[Delay, ...]) -> Circuit:
    """Remove the followers and the delays that have no row any more."""
    known = {(row.cadre, row.moa_present) for row in rows}

    def keep_known(row: Row, cadres: tuple[Cadre, ...]) -> tuple[Cadre, ...]:
        return tuple(cadre for cadre in cadres if (cadre, row.moa_present) in known)

    return Circuit(
        name,
        tuple(
            replace(
                row,
                followers=keep_known(row, row.followers),
                followers_if_contested=keep_known(row, row.followers_if_contested),
                tacit_followers=keep_known(row, row.tacit_followers),
                replaces=keep_known(row, row.replaces),
            )
            for row in rows
        ),
        tuple(_keep_owned(delays, rows)),
    )


def _keep_owned(delays: Iterable[Delay], rows: tuple[Row, ...]) -> Iterable[Delay]:
    owners = list_awaited(rows)
    for delay in delays:
        cadres = frozenset(cadre for cadre in delay.cadres if (cadre, delay.role) in owners)
        if cadres:
            yield replace(delay, cadres=cadres)


def _find_dependants(circuit: Circuit, whole: Circuit) -> Iterable[SwitchedOffRow]:
    reached = circuit.find_reached()
    for row in circuit.rows:
        if row not in reached:
            yield SwitchedOffRow(row, "nothing leads to it any more")
        elif not row.is_final and not circuit.list_followers(row, row.recipient):
            yield SwitchedOffRow(row, f"its recipient {row.recipient} could deposit nothing")
        elif whole[row.cadre, row.moa_present].tacit_followers and not row.tacit_followers:
            yield SwitchedOffRow(row, "nothing could follow from the silence of its recipient")
