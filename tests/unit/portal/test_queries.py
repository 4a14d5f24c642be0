"""A search as the store takes it."""

import re
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from services.portal.adapters.documents import build_party_key, build_sort_key
from services.portal.adapters.queries import (
    INDEXES,
    NEWEST_FIRST,
    OLDEST_FIRST,
    Keys,
    build_awaiting,
    build_received,
    build_received_count,
    build_search,
    build_sent,
    build_sent_count,
)
from services.portal.domain.criteria import Criteria, Place, Range
from services.portal.entrypoints.requests import SearchQuery
from shared.circuit.applications import ListedApplication
from shared.circuit.parties import Party
from shared.runtime.store.database import Document
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from tests.kit.criteria import ALONE, PLACE

SUPPLIER = Actor(Role.TITULAIRE, "t")
BUYER = Actor(Role.MOA, "m")


def test_every_question_is_bound_to_who_asks() -> None:
    assert build_search(BUYER, Criteria()) == {"seen_by": "moa|m"}
    assert build_search(BUYER, Criteria(awaits_me=True)) == {"awaited_by": "moa|m"}
    assert build_search(BUYER, Criteria(received=True)) == {"received_by": "moa|m"}
    assert build_search(BUYER, Criteria(received=True, awaits_me=True)) == {
        "awaited_by": "moa|m",
        "received_by": "moa|m",
    }
    assert build_sent_count(BUYER)[0] == {"$match": {"depositor": "moa|m"}}
    assert build_received_count(BUYER)[0] == {"$match": {"received_by": "moa|m"}}
    assert build_awaiting(BUYER)[0] == {"$match": {"awaited_by": "moa|m"}}
    assert build_sent(BUYER, Range())["depositor"] == "moa|m"
    assert build_received(BUYER, Range())["received_by"] == "moa|m"


def test_every_question_of_a_limited_viewer_is_bound_to_its_service() -> None:
    viewer = Actor(Role.MOA, "m", "TRAVAUX")
    own = {"party_keys.moa": build_party_key(Party("m", "TRAVAUX"))}
    other = Criteria(parties={Role.MOA: Party("m", "VOIRIE")})

    assert build_search(viewer, Criteria()) == {"$and": [{"seen_by": "moa|m"}, own]}
    asked = build_search(viewer, other)["$and"]
    assert asked[0]["party_keys.moa"] == build_party_key(Party("m", "VOIRIE"))
    assert asked[1] == own
    assert build_sent_count(viewer)[0] == {"$match": {"depositor": "moa|m", **own}}
    assert build_received_count(viewer)[0] == {"$match": {"received_by": "moa|m", **own}}
    assert build_awaiting(viewer)[0] == {"$match": {"awaited_by": "moa|m", **own}}
    for build in (build_sent, build_received):
        assert build(viewer, Range())["party_keys.moa"] == own["party_keys.moa"]


@pytest.mark.parametrize(
    "criteria",
    [Criteria(statuses=frozenset({Status.MISE_EN_PAIEMENT})), Criteria(closed=True)],
)
def test_a_supplier_searches_what_is_reported_and_nothing_else(criteria: Criteria) -> None:
    asked = {name for name in build_search(SUPPLIER, criteria) if "." in name}
    unhidden = {name for name in build_search(BUYER, criteria) if "." in name}

    assert all(name.startswith("reported.") for name in asked)
    assert all(name.startswith("whole.") for name in unhidden)
    assert asked
    assert unhidden


def test_a_dashboard_counts_what_its_viewer_sees() -> None:
    for build in (build_sent_count, build_received_count):
        assert "$reported.status" in str(build(SUPPLIER))
        assert "whole" not in str(build(SUPPLIER) + build_awaiting(SUPPLIER))
        assert "$whole.status" in str(build(BUYER))


def test_a_number_is_searched_as_deposit_keeps_it_whole_or_by_its_beginning() -> None:
    assert build_search(BUYER, Criteria(number=" sit-1 "))["number_key"] == "SIT-1"
    beginning = build_search(BUYER, Criteria(number_prefix="sit-"))["number_key"]
    both = build_search(BUYER, Criteria(number="sit-1", number_prefix="sit-"))["number_key"]

    assert beginning["$gte"] <= "SIT-1" < beginning["$lt"]
    assert not beginning["$gte"] <= "SIU" < beginning["$lt"]
    assert both == {"$eq": "SIT-1", **beginning}


def test_days_are_those_of_paris_both_included() -> None:
    order = build_search(BUYER, Criteria(deposited=Range(date(2026, 7, 1), date(2026, 7, 1))))[
        "order"
    ]
    first = datetime(2026, 6, 30, 22, tzinfo=UTC)
    last = datetime(2026, 7, 1, 21, 59, 59, 999000, tzinfo=UTC)

    assert order["$gte"] <= build_sort_key(first, "p") < order["$lt"]
    assert order["$gte"] <= build_sort_key(last, "p") < order["$lt"]
    assert build_sort_key(first.replace(hour=21), "p") < order["$gte"]
    assert build_sort_key(last.replace(hour=22), "p") >= order["$lt"]


def test_a_page_begins_after_a_place_and_stays_within_the_days_asked_for() -> None:
    days = Range(high=date(2026, 7, 1))
    early = Place(datetime(2026, 6, 1, tzinfo=UTC), "p")
    late = Place(datetime(2026, 8, 1, tzinfo=UTC), "p")

    assert build_search(BUYER, Criteria(), early)["order"] == {"$lt": "2026-06-01T00:00:00.000|p"}
    assert build_search(BUYER, Criteria(deposited=days), early)["order"] == {
        "$lt": "2026-06-01T00:00:00.000|p"
    }
    assert build_search(BUYER, Criteria(deposited=days), late)["order"]["$lt"].startswith(
        "2026-07-01"
    )


def test_a_structure_is_found_with_whichever_of_its_services_or_with_one() -> None:
    whole = build_search(BUYER, Criteria(parties={Role.MOE: Party("s")}))
    service = build_search(BUYER, Criteria(parties={Role.MOE: Party("s", "A")}))

    assert whole == {"seen_by": "moa|m", "parties.moe.structure": "s"}
    assert service == {"seen_by": "moa|m", "party_keys.moe": build_party_key(Party("s", "A"))}


def test_one_value_is_asked_as_such_and_several_as_a_choice() -> None:
    assert build_search(BUYER, Criteria(cadres=frozenset({"A4"})))["cadre"] == "A4"
    assert build_search(BUYER, Criteria(cadres=frozenset({"A7", "A4"})))["cadre"] == {
        "$in": ["A4", "A7"]
    }


def test_amounts_are_compared_exactly() -> None:
    asked = build_search(
        BUYER, Criteria(ttc=Range(Decimal("0.10"), Decimal("99999999999999999.99")))
    )

    assert {name: str(value) for name, value in asked["amounts.ttc"].items()} == {
        "$gte": "0.10",
        "$lte": "99999999999999999.99",
    }


def serves_in_order(keys: Keys, asked: Document, sort: Keys) -> bool:
    """Tell whether an index gives what is asked in the order wanted, by its keys alone.

    As MongoDB plans: what is asked by equality first, then the order, then bounds. A choice of
    values counts as an equality: their stretches of the index are merged.
    """
    equalled = {field for field, value in asked.items() if not is_bounded(value)}
    fields = [field for field, _ in keys]
    before, behind = fields[: len(equalled)], keys[len(equalled) :]
    # An index is read in either direction.
    is_in_order = behind[: len(sort)] in (sort, [(field, -way) for field, way in sort])
    return set(before) == equalled and is_in_order and set(asked) <= set(fields)


def is_bounded(value: object) -> bool:
    return isinstance(value, dict) and "$in" not in value and "$eq" not in value


@pytest.mark.parametrize("after", [None, PLACE], ids=["first page", "next page"])
@pytest.mark.parametrize("viewer", [SUPPLIER, BUYER], ids=lambda viewer: viewer.role)
@pytest.mark.parametrize("name", ALONE)
def test_a_page_of_each_criterion_alone_is_in_order_in_an_index(
    name: str, viewer: Actor, after: Place | None
) -> None:
    asked = build_search(viewer, ALONE[name], after)

    assert any(serves_in_order(keys, asked, NEWEST_FIRST) for keys in INDEXES)


def test_a_criterion_that_would_be_sorted_is_noticed() -> None:
    """The check itself can fail."""
    asked = build_search(BUYER, Criteria(marche="m"))

    assert not serves_in_order([("seen_by", 1), *NEWEST_FIRST], asked, NEWEST_FIRST)
    assert not serves_in_order([("seen_by", 1), ("marche", 1)], asked, NEWEST_FIRST)
    assert not serves_in_order(
        [("seen_by", 1), ("amounts.ttc", 1), *NEWEST_FIRST],
        build_search(BUYER, ALONE["ttc"]),
        NEWEST_FIRST,
    )


@pytest.mark.parametrize("question", [build_sent, build_received])
@pytest.mark.parametrize("viewer", [SUPPLIER, BUYER], ids=lambda viewer: viewer.role)
def test_the_fiscal_list_is_in_order_in_an_index(
    viewer: Actor, question: Callable[[Actor, Range[date]], Document]
) -> None:
    asked = question(viewer, Range(date(2026, 1, 1), date(2026, 12, 31)))

    assert any(serves_in_order(keys, asked, OLDEST_FIRST) for keys in INDEXES)


@pytest.mark.parametrize("question", [build_sent_count, build_received_count, build_awaiting])
@pytest.mark.parametrize("viewer", [SUPPLIER, BUYER], ids=lambda viewer: viewer.role)
def test_a_dashboard_is_counted_from_the_keys_of_an_index(
    viewer: Actor, question: Callable[[Actor], list[Document]]
) -> None:
    match, group = question(viewer)
    read = set(re.findall(r"'\$([a-z_.]+)'(?!:)", str(group))) | set(match["$match"])

    assert len(read) > 1
    assert any(
        keys[0][0] in match["$match"] and read <= {field for field, _ in keys} for keys in INDEXES
    )


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
        dossier="d",
        marche="m",
        engagement="e",
        parties={role: Party("s", "A") for role in Role},
        depositor=Role.MOE,
        closed=False,
        application=ListedApplication.FACTURES_DE_TRAVAUX,
    )
    beginnings = {tuple(field for field, _ in keys[:2]) for keys in INDEXES}
    asked = {field for viewer in (SUPPLIER, BUYER) for field in build_search(viewer, everything)}
    asked |= {field for role in Role for field in build_search(BUYER, ALONE[f"{role}"])}

    unserved = {f for f in asked - {"seen_by"} if ("seen_by", f) not in beginnings}
    assert unserved == set()
    left_out = {"number_prefix", "awaits_me", "received"}
    assert {
        each.name
        for each in fields(Criteria)
        if getattr(everything, each.name) == getattr(Criteria(), each.name)
    } == left_out


EMISES, TRAVAUX, RECUES = ListedApplication


@pytest.mark.parametrize(
    ("role", "application", "cadre", "is_there"),
    [
        (Role.MOA, EMISES, "A1", True),
        (Role.TITULAIRE, EMISES, "A1", True),
        (Role.MOA, TRAVAUX, "A1", False),
        (Role.TITULAIRE, TRAVAUX, "A1", False),
        (Role.MOA, RECUES, "A1", False),
        (Role.SERVICE_FINANCIER, RECUES, "A1", True),
        (Role.SERVICE_FINANCIER, EMISES, "A1", False),
        (Role.MOA, TRAVAUX, "A19", True),
        (Role.MOE, TRAVAUX, "A6", True),
        (Role.MOA, EMISES, "A19", False),
        (Role.SERVICE_FINANCIER, RECUES, "A19", True),
        (Role.SERVICE_FINANCIER, TRAVAUX, "A19", False),
    ],
)
def test_a_piece_is_in_the_application_of_its_depositor_or_in_those_received(
    role: Role, application: ListedApplication, cadre: str, is_there: bool
) -> None:
    asked = Criteria(application=application, cadres=frozenset({cadre, "A4"}))

    found = build_search(Actor(role, "s"), asked)

    assert (cadre in found["cadre"]["$in"]) is is_there
    is_received = role is Role.SERVICE_FINANCIER and application is RECUES
    assert ("received_by" in found) is is_received


def test_a_search_by_a_cadre_that_does_not_exist_is_refused() -> None:
    found = SearchQuery(cadre=["A4", "A99", "A98", "A99"]).judge()

    assert [(each.code, each.field) for each in found] == [("CIR-CADRE-01", "cadre")] * 2
