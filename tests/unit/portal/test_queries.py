"""A search as the store takes it."""

from dataclasses import fields
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from services.portal.adapters.documents import order_of, party_key
from services.portal.adapters.queries import INDEXES, awaiting, counted, searched, sent
from services.portal.domain.criteria import Criteria, Place, Range
from services.portal.domain.piece import Actor
from shared.circuit.parties import Party
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status

SUPPLIER = Actor(Role.TITULAIRE, "t")
BUYER = Actor(Role.MOA, "m")


def test_every_question_is_bound_to_who_asks() -> None:
    assert searched(BUYER, Criteria()) == {"seen_by": "moa|m"}
    assert searched(BUYER, Criteria(awaits_me=True)) == {"awaited_by": "moa|m"}
    assert counted(BUYER)[0] == {"$match": {"seen_by": "moa|m"}}
    assert awaiting(BUYER)[0] == {"$match": {"awaited_by": "moa|m"}}
    assert sent(BUYER, Range())["depositor"] == "moa|m"


@pytest.mark.parametrize(
    "criteria",
    [Criteria(statuses=frozenset({Status.MISE_EN_PAIEMENT})), Criteria(closed=True)],
)
def test_a_supplier_searches_what_is_reported_and_nothing_else(criteria: Criteria) -> None:
    asked = {name for name in searched(SUPPLIER, criteria) if "." in name}
    unhidden = {name for name in searched(BUYER, criteria) if "." in name}

    assert all(name.startswith("reported.") for name in asked)
    assert all(name.startswith("whole.") for name in unhidden)
    assert asked
    assert unhidden


def test_a_dashboard_counts_what_its_viewer_sees() -> None:
    assert "$reported.status" in str(counted(SUPPLIER))
    assert "whole" not in str(counted(SUPPLIER) + awaiting(SUPPLIER))
    assert "$whole.status" in str(counted(BUYER))


def test_a_number_is_searched_as_deposit_keeps_it_whole_or_by_its_beginning() -> None:
    assert searched(BUYER, Criteria(number=" sit-1 "))["number_key"] == "SIT-1"
    beginning = searched(BUYER, Criteria(number_prefix="sit-"))["number_key"]
    both = searched(BUYER, Criteria(number="sit-1", number_prefix="sit-"))["number_key"]

    assert beginning["$gte"] <= "SIT-1" < beginning["$lt"]
    assert not beginning["$gte"] <= "SIU" < beginning["$lt"]
    assert both == {"$eq": "SIT-1", **beginning}


def test_days_are_those_of_paris_both_included() -> None:
    order = searched(BUYER, Criteria(deposited=Range(date(2026, 7, 1), date(2026, 7, 1))))["order"]
    first = datetime(2026, 6, 30, 22, tzinfo=UTC)
    last = datetime(2026, 7, 1, 21, 59, 59, 999000, tzinfo=UTC)

    assert order["$gte"] <= order_of(first, "p") < order["$lt"]
    assert order["$gte"] <= order_of(last, "p") < order["$lt"]
    assert order_of(first.replace(hour=21), "p") < order["$gte"]
    assert order_of(last.replace(hour=22), "p") >= order["$lt"]


def test_a_page_begins_after_a_place_and_stays_within_the_days_asked_for() -> None:
    days = Range(high=date(2026, 7, 1))
    early = Place(datetime(2026, 6, 1, tzinfo=UTC), "p")
    late = Place(datetime(2026, 8, 1, tzinfo=UTC), "p")

    assert searched(BUYER, Criteria(), early)["order"] == {"$lt": "2026-06-01T00:00:00.000|p"}
    assert searched(BUYER, Criteria(deposited=days), early)["order"] == {
        "$lt": "2026-06-01T00:00:00.000|p"
    }
    assert searched(BUYER, Criteria(deposited=days), late)["order"]["$lt"].startswith("2026-07-01")


def test_a_structure_is_found_with_whichever_of_its_services_and_alone() -> None:
    asked = searched(BUYER, Criteria(parties={Role.MOE: Party("s")}))["party_keys.moe"]

    for service in (None, "A", "é", "\U0010ffff"):
        assert asked["$gte"] <= party_key(Party("s", service)) < asked["$lt"]
    for other in ("s1", "s ", "r", "s!"):
        assert not asked["$gte"] <= party_key(Party(other, "A")) < asked["$lt"]


def test_one_value_is_asked_as_such_and_several_as_a_choice() -> None:
    assert searched(BUYER, Criteria(cadres=frozenset({"A4"})))["cadre"] == "A4"
    assert searched(BUYER, Criteria(cadres=frozenset({"A7", "A4"})))["cadre"] == {
        "$in": ["A4", "A7"]
    }


def test_amounts_are_compared_exactly() -> None:
    asked = searched(BUYER, Criteria(ttc=Range(Decimal("0.10"), Decimal("99999999999999999.99"))))

    assert {name: str(value) for name, value in asked["amounts.ttc"].items()} == {
        "$gte": "0.10",
        "$lte": "99999999999999999.99",
    }


def test_every_field_that_can_be_asked_for_follows_its_scope_in_an_index() -> None:
    """An index of which a question fills the beginning is one that serves it."""
    everything = Criteria(
        number="n",
        issued=Range(date.min, date.max),
        deposited=Range(date(2026, 1, 1)),
        ht=Range(Decimal(0)),
        ttc=Range(Decimal(0)),
        due=Range(Decimal(0)),
        currency="EUR",
        statuses=frozenset({Status.DEPOSEE}),
        cadres=frozenset({"A4"}),
        marche="m",
        engagement="e",
        parties={role: Party("s") for role in Role},
        depositor=Role.MOE,
        closed=False,
    )
    beginnings = {tuple(field for field, _ in keys[:2]) for keys in INDEXES}
    asked = {field for viewer in (SUPPLIER, BUYER) for field in searched(viewer, everything)}

    unserved = {f for f in asked - {"seen_by"} if ("seen_by", f) not in beginnings}
    assert unserved == set()
    left_out = {"number_prefix", "awaits_me"}
    assert {
        each.name
        for each in fields(Criteria)
        if getattr(everything, each.name) == getattr(Criteria(), each.name)
    } == left_out
