"""Queries of the store, and the indexes that serve them.

A search filters by `seen_by`, the array of those who may see a piece, and its indexes begin with
that array. A search of awaited or received pieces filters by `awaited_by` or `received_by` instead,
and the list of sent pieces by `depositor`; each has an index that begins with that field. One more
index is by dossier.

A field that is searched by equality has an index: `seen_by`, the field, then the order of pages, so
that nothing is sorted. A field that is searched by bounds has two. The first is `seen_by`, then the
field, for narrow bounds. The second is the index of pages, where all such fields follow the order,
for wide bounds: the first pieces are found without sorting. Fields behind the order let a query
read index keys alone.
"""

from collections.abc import Collection
from datetime import date
from typing import Any

from services.portal.adapters.documents import (
    build_actor_key,
    build_party_key,
    build_sort_key,
    to_decimal,
)
from services.portal.domain.criteria import Criteria, Place, Range
from services.portal.domain.piece import sees_reported
from shared.circuit.applications import ListedApplication, list_cadres_in
from shared.circuit.parties import Party
from shared.runtime.store.database import Document
from shared.vocabulary.actors import Actor
from shared.vocabulary.dates import compute_end_of_day, compute_start_of_day
from shared.vocabulary.piece_numbers import build_number_key
from shared.vocabulary.roles import Role
from shared.vocabulary.texts import normalise_nfd

Keys = list[tuple[str, int]]

_LAST = "\U0010ffff"
_STATES = ("whole", "reported")
BOUNDED = frozenset({"issued_on", "amounts.ht", "amounts.ttc", "amounts.due", "number_key"})
"""Fields that are searched by bounds; a number is also searched by equality."""
_EQUALLED = (
    "number_key",
    "currency",
    "cadre",
    "dossier_id",
    "marche",
    "engagement",
    "depositor_role",
    *(f"{state}.{field}" for state in _STATES for field in ("status", "closed")),
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
    # The dashboard counts by the keys of these indexes alone, without reading a piece.
    [("awaited_by", 1), *NEWEST_FIRST, *((f"{state}.awaited.since", 1) for state in _STATES)],
    [("received_by", 1), *NEWEST_FIRST, *((f"{state}.status", 1) for state in _STATES)],
    [("depositor", 1), *OLDEST_FIRST, *((f"{state}.status", 1) for state in _STATES)],
    [("dossier_id", 1), ("version", 1)],
)


def build_search(viewer: Actor, criteria: Criteria, after: Place | None = None) -> Document:
    """Build the query of a search: what the viewer may see, the criteria, and the cursor."""
    state = name_state_field(viewer.role)
    asked: Document = {
        **dict.fromkeys(_list_scopes(viewer, criteria), build_actor_key(viewer)),
        "number_key": _match_number(criteria),
        "issued_on": _match_range(criteria.issued, date.isoformat),
        "order": _match_order(criteria.deposited, after),
        "amounts.ht": _match_range(criteria.ht, to_decimal),
        "amounts.ttc": _match_range(criteria.ttc, to_decimal),
        "amounts.due": _match_range(criteria.due, to_decimal),
        "currency": criteria.currency,
        f"{state}.status": _match_one_of({status.value for status in criteria.statuses}),
        f"{state}.closed": criteria.closed,
        "cadre": _match_cadre(viewer, criteria),
        "dossier_id": criteria.dossier,
        "marche": _match_text(criteria.marche),
        "engagement": _match_text(criteria.engagement),
        "depositor_role": criteria.depositor.value if criteria.depositor else None,
        **dict(_match_party(role, each) for role, each in criteria.parties.items()),
    }
    found = {field: value for field, value in asked.items() if value is not None}
    own = _match_own_service(viewer)
    # Beside the criteria, which may name another service of the same party.
    return {"$and": [found, own]} if own else found


def build_changes(viewer: Actor, mark: str, after: int, last: int) -> tuple[Document, Keys]:
    """Build the query of the marks of pieces after one, up to the last, and their order."""
    seen = {"seen_by": build_actor_key(viewer), mark: {"$gt": after, "$lte": last}}
    return {**seen, **_match_own_service(viewer)}, [(mark, 1)]


def build_sent_count(viewer: Actor) -> list[Document]:
    """Build the count of the pieces that a viewer deposited, by the status that it sees."""
    return _build_count(viewer, {"depositor": build_actor_key(viewer)})


def build_received_count(viewer: Actor) -> list[Document]:
    """Build the count of the pieces that a viewer has received, by the status that it sees."""
    return _build_count(viewer, {"received_by": build_actor_key(viewer)})


def _build_count(viewer: Actor, match: Document) -> list[Document]:
    status = f"${name_state_field(viewer.role)}.status"
    matched = {**match, **_match_own_service(viewer)}
    return [{"$match": matched}, {"$group": {"_id": status, "pieces": {"$sum": 1}}}]


def build_awaiting(viewer: Actor) -> list[Document]:
    """Build the count of pieces that await a viewer, and since when the first does."""
    oldest = {"$min": f"${name_state_field(viewer.role)}.awaited.since"}
    return [
        {"$match": {"awaited_by": build_actor_key(viewer), **_match_own_service(viewer)}},
        {"$group": {"_id": None, "pieces": {"$sum": 1}, "oldest": oldest}},
    ]


def build_sent(viewer: Actor, period: Range[date]) -> Document:
    """Build the query of what a viewer deposited in a period."""
    key, own = build_actor_key(viewer), _match_own_service(viewer)
    return {"depositor": key, "order": _match_order(period, None), **own}


def build_received(viewer: Actor, period: Range[date]) -> Document:
    """Build the query of what a viewer has received of the deposits of a period."""
    key, own = build_actor_key(viewer), _match_own_service(viewer)
    return {"received_by": key, "order": _match_order(period, None), **own}


def name_state_field(role: Role) -> str:
    """Return the name of the field that holds the state which a role sees."""
    return "reported" if sees_reported(role) else "whole"


def _list_scopes(viewer: Actor, criteria: Criteria) -> tuple[str, ...]:
    """List the arrays that must hold the viewer.

    Whoever is awaited or has received a piece may see it, so `seen_by` is left out then: an index
    may not have two arrays.
    """
    asked = {
        "awaited_by": criteria.awaits_me,
        "received_by": criteria.received or _is_of_received(viewer, criteria),
    }
    return tuple(scope for scope, is_asked in asked.items() if is_asked) or ("seen_by",)


def _is_of_received(viewer: Actor, criteria: Criteria) -> bool:
    """Tell whether the pieces of factures reçues are asked for, by who receives there."""
    received = ListedApplication.FACTURES_RECUES
    return criteria.application is received and bool(list_cadres_in(received, viewer.role))


def _match_cadre(viewer: Actor, criteria: Criteria) -> Any:  # noqa: ANN401 - what the store takes
    if criteria.application is None or _is_of_received(viewer, criteria):
        return _match_one_of(criteria.cadres)
    listed = list_cadres_in(criteria.application, viewer.role)
    # Without a cadre in common, an empty list: it matches nothing.
    return {"$in": sorted(listed & criteria.cadres if criteria.cadres else listed)}


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
        found["$gte"] = build_sort_key(compute_start_of_day(days.low))
    ends = [build_sort_key(compute_end_of_day(days.high))] if days.high is not None else []
    if after is not None:
        ends.append(build_sort_key(after.deposited_at, after.piece_id))
    if ends:
        found["$lt"] = min(ends)
    return found or None


def _match_one_of(values: Collection[str]) -> Any:  # noqa: ANN401
    if len(values) == 1:
        return next(iter(values))
    return {"$in": sorted(values)} if values else None


def _match_text(asked: str | None) -> Any:  # noqa: ANN401
    """Match a text in NFC or NFD: an older release stored accents apart from their letters."""
    return asked and _match_one_of({asked, normalise_nfd(asked)})


def _match_own_service(viewer: Actor) -> Document:
    """Match the pieces of the viewer's service, to which its habilitation is limited."""
    if viewer.service is None:
        return {}
    return dict([_match_party(viewer.role, Party(viewer.structure, viewer.service))])


def _match_party(role: Role, party: Party) -> tuple[str, Any]:
    if party.service is not None:
        return f"party_keys.{role.value}", _match_text(build_party_key(party))
    return f"parties.{role.value}.structure", party.structure
