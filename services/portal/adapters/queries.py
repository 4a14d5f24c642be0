"""Queries of the store, and the indexes that serve them.

Every question names who asks first, on an array of all who may see a piece. What is asked by
equality is the field after it in an index of its own, and the order of pages the next, so that
nothing is sorted. What is asked by its bounds has two indexes: one that it leads, for when little
lies between them, and the index of pages, which holds every such field behind the order and finds
the first pieces of many without sorting. Fields behind the order serve a question by keys alone.
"""

from collections.abc import Collection
from datetime import date
from typing import Any

from services.portal.adapters.documents import exact, order_of, party_key, token
from services.portal.domain.criteria import Criteria, Place, Range
from services.portal.domain.piece import sees_reported
from shared.circuit.parties import Party
from shared.runtime.store.database import Document
from shared.vocabulary.actors import Actor
from shared.vocabulary.dates import end_of_day, start_of_day
from shared.vocabulary.piece_numbers import build_number_key
from shared.vocabulary.roles import Role
from shared.vocabulary.texts import normalise_nfd

Keys = list[tuple[str, int]]

_LAST = "\U0010ffff"
_STATES = ("whole", "reported")
BOUNDED = frozenset({"issued_on", "amounts.ht", "amounts.ttc", "amounts.due", "number_key"})
"""What may be asked by its bounds; a number is asked whole too."""
_EQUALLED = (
    "number_key",
    "currency",
    "cadre",
    "dossier_id",
    "marche",
    "engagement",
    "depositor_role",
    *(f"{state}.closed" for state in _STATES),
    *(f"party_keys.{role.value}" for role in Role),
    *(f"parties.{role.value}.structure" for role in Role),
)
NEWEST_FIRST: Keys = [("order", -1)]
OLDEST_FIRST: Keys = [("order", 1)]
PAGES: Keys = [("seen_by", 1), *NEWEST_FIRST, *((field, 1) for field in sorted(BOUNDED))]
INDEXES: tuple[Keys, ...] = (
    PAGES,
    *([("seen_by", 1), (field, 1)] for field in sorted(BOUNDED - {"number_key"})),
    *([("seen_by", 1), (field, 1), *NEWEST_FIRST] for field in _EQUALLED),
    # The dashboard counts by these, and reads no piece.
    *(
        [("seen_by", 1), (f"{state}.status", 1), *NEWEST_FIRST, ("depositor", 1)]
        for state in _STATES
    ),
    [("awaited_by", 1), *NEWEST_FIRST, *((f"{state}.awaited.since", 1) for state in _STATES)],
    [("depositor", 1), *OLDEST_FIRST],
    [("dossier_id", 1), ("version", 1)],
)


def build_search(viewer: Actor, criteria: Criteria, after: Place | None = None) -> Document:
    """Ask for what a viewer may see, fulfils the criteria and comes after a place."""
    # Who is awaited is a viewer: one array of the two is enough, and an index takes no second.
    scope = "awaited_by" if criteria.awaits_me else "seen_by"
    state = field_of_state(viewer.role)
    asked: Document = {
        scope: token(viewer),
        "number_key": _match_number(criteria),
        "issued_on": _match_range(criteria.issued, date.isoformat),
        "order": _match_order(criteria.deposited, after),
        "amounts.ht": _match_range(criteria.ht, exact),
        "amounts.ttc": _match_range(criteria.ttc, exact),
        "amounts.due": _match_range(criteria.due, exact),
        "currency": criteria.currency,
        f"{state}.status": _match_one_of({status.value for status in criteria.statuses}),
        f"{state}.closed": criteria.closed,
        "cadre": _match_one_of(criteria.cadres),
        "dossier_id": criteria.dossier,
        "marche": _match_text(criteria.marche),
        "engagement": _match_text(criteria.engagement),
        "depositor_role": criteria.depositor.value if criteria.depositor else None,
        **dict(_match_party(role, each) for role, each in criteria.parties.items()),
    }
    return {field: value for field, value in asked.items() if value is not None}


def build_count(viewer: Actor) -> list[Document]:
    """Ask how many pieces a viewer may see, by the status they see and whether they sent them."""
    group = {
        "status": f"${field_of_state(viewer.role)}.status",
        "is_sent": {"$eq": ["$depositor", token(viewer)]},
    }
    return [
        {"$match": {"seen_by": token(viewer)}},
        {"$group": {"_id": group, "pieces": {"$sum": 1}}},
    ]


def build_awaiting(viewer: Actor) -> list[Document]:
    """Ask how many pieces await a viewer, and since when the first does."""
    oldest = {"$min": f"${field_of_state(viewer.role)}.awaited.since"}
    return [
        {"$match": {"awaited_by": token(viewer)}},
        {"$group": {"_id": None, "pieces": {"$sum": 1}, "oldest": oldest}},
    ]


def build_sent(viewer: Actor, period: Range[date]) -> Document:
    """Ask for what a viewer deposited in a period."""
    return {"depositor": token(viewer), "order": _match_order(period, None)}


def field_of_state(role: Role) -> str:
    """Name the field of the state that a role sees: it is the one searched, counted and shown."""
    return "reported" if sees_reported(role) else "whole"


def _match_number(criteria: Criteria) -> Any:  # noqa: ANN401 - what the store takes
    asked: Document = {}
    if criteria.number_prefix is not None:
        prefix = build_number_key(criteria.number_prefix)
        asked = {"$gte": prefix, "$lt": prefix + _LAST}
    if criteria.number is not None:
        number = build_number_key(criteria.number)
        return {"$eq": number, **asked} if asked else number
    return asked or None


def _match_range(asked: Range[Any], write: Any) -> Document | None:  # noqa: ANN401
    found = {}
    if asked.low is not None:
        found["$gte"] = write(asked.low)
    if asked.high is not None:
        found["$lte"] = write(asked.high)
    return found or None


def _match_order(days: Range[date], after: Place | None) -> Document | None:
    found = {}
    if days.low is not None:
        found["$gte"] = order_of(start_of_day(days.low))
    ends = [order_of(end_of_day(days.high))] if days.high is not None else []
    if after is not None:
        ends.append(order_of(after.deposited_at, after.piece_id))
    if ends:
        found["$lt"] = min(ends)
    return found or None


def _match_one_of(values: Collection[str]) -> Any:  # noqa: ANN401
    if len(values) == 1:
        return next(iter(values))
    return {"$in": sorted(values)} if values else None


def _match_text(asked: str | None) -> Any:  # noqa: ANN401
    """Ask for a text in either form: an older release kept accents apart from their letters."""
    return asked and _match_one_of({asked, normalise_nfd(asked)})


def _match_party(role: Role, party: Party) -> tuple[str, Any]:
    if party.service is not None:
        return f"party_keys.{role.value}", _match_text(party_key(party))
    return f"parties.{role.value}.structure", party.structure
