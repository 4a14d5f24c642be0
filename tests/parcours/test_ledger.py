"""The ledger sees each fault that is planted in what topics hold, and none where there is none."""

import json
from collections.abc import Iterable
from typing import Any

import pytest

from deploy.local.demo.checks import Fault
from shared.contracts.deposit_v1 import PieceDeposited
from shared.contracts.support_v1 import TicketChanged, TicketSubmitted
from shared.contracts.topics import DOSSIER, PIECE_DEPOSEE, STATUT, STRUCTURE, TICKET
from shared.vocabulary.tickets import Desk
from tests.parcours.ledger import (
    Findings,
    Raw,
    Told,
    compare_dossiers,
    compare_last_records,
    compare_pieces,
    compare_ranks,
    compare_structures,
    compare_tickets,
    compare_versions,
    keep_first,
)

_DESK = TICKET[Desk.TECHNIQUE].name
_SUBMITTED, _CHANGED = TicketSubmitted.event_type, TicketChanged.event_type


def _status(rank: int, dossier: str = "d1") -> Told:
    return STATUT.name, {"dossierid": dossier, "sequence": f"{rank:010d}", "data": {}}


def _deposit(piece: str) -> Told:
    return PIECE_DEPOSEE.name, {"type": PieceDeposited.event_type, "data": {"piece_id": piece}}


def _structure(version: int, structure: str = "s1") -> Told:
    return STRUCTURE.name, {"subject": structure, "data": {"version": version}}


def _record(told: Told) -> Raw:
    topic, event = told
    return topic, json.dumps(event).encode()


def _dossier(version: int) -> Told:
    return DOSSIER.name, {"subject": "d1", "data": {"version": version}}


def _ticket(kind: str) -> Told:
    return _DESK, {"type": kind, "data": {"number": "T-1"}}


def _faults(found: Iterable[tuple[str, str]]) -> list[str]:
    return [fault for fault, _ in found]


@pytest.mark.parametrize(
    ("ranks", "faults"),
    [
        ((1, 2, 3), []),
        ((1, 3), [Fault.LOST]),
        ((2, 3), [Fault.LOST]),
        ((1, 2, 2), [Fault.DUPLICATED]),
        ((1, 3, 2), [Fault.OUT_OF_ORDER]),
    ],
)
def test_ranks_of_a_dossier_count_from_one(ranks: tuple[int, ...], faults: list[Fault]) -> None:
    told = [_status(1, "another"), *map(_status, ranks)]

    assert _faults(compare_ranks(told)) == faults


@pytest.mark.parametrize(
    ("versions", "faults"),
    [
        ((1, 2, 5), []),
        ((1, 2, 2), [Fault.DUPLICATED]),
        ((22, 24, 23), [Fault.OUT_OF_ORDER]),
    ],
)
def test_versions_of_a_state_grow(versions: tuple[int, ...], faults: list[Fault]) -> None:
    told = [_structure(30, "another"), *map(_structure, versions)]

    assert _faults(compare_versions(told)) == faults


@pytest.mark.parametrize(
    ("versions", "faults"),
    [((22, 24, 22), [Fault.OUT_OF_ORDER]), ((22, 24, 22, 24), [])],
)
def test_the_last_record_of_a_state_is_its_newest(
    versions: tuple[int, ...], faults: list[Fault]
) -> None:
    """A deposed relay says again what it has said: with the same ids, which readers drop."""
    records = [_record(_structure(30, "another")), *map(_record, map(_structure, versions))]

    assert _faults(compare_last_records(records)) == faults


@pytest.mark.parametrize(
    ("kept", "faults"),
    [
        ({"routing": {"d1": 2}, "portal": {"d1": 2}}, []),
        ({"routing": {"d1": 2}, "portal": {"d1": 1}}, [Fault.LOST]),
        ({"routing": {"d1": 2}, "portal": {}}, [Fault.LOST]),
        ({"routing": {"d1": 3}, "portal": {"d1": 2}}, [Fault.LOST]),
        ({"routing": {"d1": 2, "d2": 1}, "portal": {"d1": 2}}, [Fault.LOST]),
    ],
)
def test_services_keep_the_last_version_of_a_dossier_that_was_told(
    kept: dict[str, dict[str, int]], faults: list[Fault]
) -> None:
    assert _faults(compare_dossiers(map(_dossier, (1, 2)), kept)) == faults


@pytest.mark.parametrize(
    ("told", "faults"),
    [
        (("p1", "p2"), []),
        (("p1",), [Fault.LOST]),
        (("p1", "p2", "p2"), [Fault.DUPLICATED]),
        (("p1", "p2", "promised to nobody"), [Fault.DUPLICATED]),
    ],
)
def test_each_accepted_piece_is_told_once(told: tuple[str, ...], faults: list[Fault]) -> None:
    assert _faults(compare_pieces({"p1", "p2"}, map(_deposit, told))) == faults


@pytest.mark.parametrize(
    ("versions", "faults"), [((1, 2), []), ((1,), [Fault.LOST]), ((2, 1), [Fault.LOST])]
)
def test_the_last_version_of_a_structure_is_the_last_record(
    versions: tuple[int, ...], faults: list[Fault]
) -> None:
    assert _faults(compare_structures({"s1": 2}, map(_structure, versions))) == faults


@pytest.mark.parametrize(
    ("told", "faults"),
    [
        ((_SUBMITTED, _CHANGED), []),
        ((_SUBMITTED,), [Fault.LOST]),
        ((_SUBMITTED, _CHANGED, _CHANGED), [Fault.DUPLICATED]),
        ((_CHANGED, _SUBMITTED), [Fault.OUT_OF_ORDER]),
    ],
)
def test_a_ticket_gives_its_events_in_order(told: tuple[str, ...], faults: list[Fault]) -> None:
    accepted = {"T-1": [_SUBMITTED, _CHANGED]}

    assert _faults(compare_tickets(accepted, map(_ticket, told))) == faults


def test_an_event_that_comes_again_with_its_id_counts_once() -> None:
    records = [("topic", json.dumps({"id": each}).encode()) for each in ("e1", "e2", "e1")]

    kept: list[Any] = keep_first(records)

    assert [event["id"] for _, event in kept] == ["e1", "e2"]


def test_findings_are_counted_by_figure() -> None:
    findings = Findings()
    findings.add([(Fault.LOST, "piece p1"), (Fault.LOST, "piece p2")])

    assert findings.describe().startswith("2 lost, 0 duplicated, 0 out of order")
    assert findings.list_wrong() == ["lost: piece p1", "lost: piece p2"]
