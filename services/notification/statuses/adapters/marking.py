"""Marks of statuses: who reads which, and what a party that joins a dossier reads of before.

`seen_by` of a document lists those who may see the status, as keys of role and structure, and of
the service where one is named: a viewer reads by its own key alone. It is written with the mark;
who is no party of a later status reads no earlier one any more.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from shared.circuit.visibility import is_visible_to
from shared.runtime.store.database import Document, Transaction
from shared.runtime.store.driver import UpdateOne
from shared.runtime.store.schema import read_level
from shared.vocabulary.actors import Actor
from shared.vocabulary.levels import LEVEL
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status

COLLECTION = "statuses"
SEEN_BY = "seen_by"
TOLD = "told"
"""Field, which is not stored, of those of `seen_by` to whom a status is new."""


def build_viewer_key(viewer: Actor) -> str:
    """Build the key by which a viewer finds what it may see."""
    named = (viewer.role.value, viewer.structure, *([viewer.service] if viewer.service else ()))
    return "|".join(named)


async def add_backlog(transaction: Transaction, found: Sequence[Document]) -> Sequence[Document]:
    """Put before new statuses the earlier ones of their dossiers that a new party may see now.

    They get marks anew, so that a reader who has gone past their marks does not miss them. Who
    has left a dossier reads none of it any more, which takes no new mark.

    Statuses of a higher level, and the later ones of their dossiers, stay without a mark until a
    version numbers them that judges them.
    """
    found = _leave_newer(found)
    past = await _list_numbered(transaction, {each["dossier_id"] for each in found})
    seen = {each["_id"]: set(each[SEEN_BY]) for rows in past.values() for each in rows}
    stored = {each["_id"]: set(each[SEEN_BY]) for rows in past.values() for each in rows}
    reopened: dict[str, Document] = {}
    told: defaultdict[str, set[str]] = defaultdict(set)
    for each in found:
        earlier = past[each["dossier_id"]]
        for before in earlier:
            readers = {key for key in _list_party_keys(each) if may_see(key, before)}
            joined = readers - seen[before["_id"]]
            seen[before["_id"]] = readers
            if joined:
                told[before["_id"]] |= joined
                if before.get("mark") is not None:
                    reopened[before["_id"]] = before
        seen[each["_id"]] = {key for key in _list_party_keys(each) if may_see(key, each)}
        told[each["_id"]] |= seen[each["_id"]]
        earlier.append(each)
    ordered = [*sorted(reopened.values(), key=lambda each: each["sequence"]), *found]
    marked = [
        {
            **each,
            SEEN_BY: sorted(seen[each["_id"]]),
            TOLD: sorted(told[each["_id"]] & seen[each["_id"]]),
        }
        for each in ordered
    ]
    await _save_viewers(
        transaction, {each: keys for each, keys in seen.items() if keys != stored.get(each)}
    )
    return marked


def _leave_newer(found: Sequence[Document]) -> Sequence[Document]:
    """Leave out statuses of a higher level than this version judges, and those behind them."""
    newer = {
        each["dossier_id"]: each["sequence"]
        for each in sorted(found, key=lambda each: each["sequence"], reverse=True)
        if read_level(each) > LEVEL
    }
    return [
        each
        for each in found
        if each["dossier_id"] not in newer or each["sequence"] < newer[each["dossier_id"]]
    ]


async def _list_numbered(
    transaction: Transaction, dossiers: Iterable[str]
) -> defaultdict[str, list[Document]]:
    rows: defaultdict[str, list[Document]] = defaultdict(list)
    statuses = transaction.collection(COLLECTION)
    # By the fields of the index alone: one more would make SecantusDB read all statuses.
    wanted = {"dossier_id": {"$in": sorted(dossiers)}}
    async for each in statuses.find(wanted, session=transaction.session).sort("sequence", 1):
        if each.get("mark") is not None:
            rows[each["dossier_id"]].append(each)
    return rows


async def _save_viewers(transaction: Transaction, seen: Mapping[str, Iterable[str]]) -> None:
    updates = [
        UpdateOne({"_id": each}, {"$set": {SEEN_BY: sorted(keys)}}) for each, keys in seen.items()
    ]
    if updates:
        statuses = transaction.collection(COLLECTION)
        await statuses.bulk_write(updates, ordered=False, session=transaction.session)


def _list_party_keys(document: Document) -> frozenset[str]:
    """List the keys of the parties of a dossier, each whole and by its service."""
    return frozenset(
        build_viewer_key(each)
        for party in document["parties"]
        for actor in [Actor(Role(party["role"]), party["structure"], party.get("service"))]
        for each in (actor, actor.whole)
    )


def may_see(key: str, document: Document) -> bool:
    """Tell whether the role of a viewer's key may see a status."""
    # A status of a newer version is no secret: only a payment may be one.
    status = document["status"]
    return status not in set(Status) or is_visible_to(
        Role(key.partition("|")[0]),
        Status(status),
        payment_not_reported=document["payment_not_reported"],
    )
