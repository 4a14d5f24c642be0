"""Store of statuses."""

from collections.abc import Sequence

from services.notification.statuses.adapters.marking import (
    COLLECTION,
    SEEN_BY,
    build_viewer_key,
    may_see,
)
from services.notification.statuses.application.history import MarkedEntry, Scope, Subject
from services.notification.statuses.domain.entry import Entry
from shared.runtime.messaging.projection import check_owners
from shared.runtime.notifier import Notifier
from shared.runtime.store.batches import Batches
from shared.runtime.store.change_stream import watch_inserts
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.feed import Feed
from shared.runtime.store.schema import DocumentFormat
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status

_FIELDS = {Scope.DOSSIER: "dossier_id", Scope.PIECE: "piece_id"}


class MongoStatuses:
    """Store of statuses, each one document."""

    def __init__(self, store: Store, feed: Feed) -> None:
        """Use this store, and the feed of its statuses."""
        self._statuses = store.collection(STATUSES.collection)
        self._feed = feed
        self._viewers = Batches(self._find_viewers)

    async def prepare(self) -> None:
        """Create the indexes."""
        await self._statuses.create_index([("dossier_id", 1), ("sequence", 1)], unique=True)
        await self._statuses.create_index([("piece_id", 1), ("sequence", 1)])
        await self._statuses.create_index([(SEEN_BY, 1), ("mark", 1)])
        await self._statuses.create_index([(SEEN_BY, 1), ("at", 1)])

    async def keep(self, transaction: Transaction, entries: Sequence[Entry]) -> None:
        """Write statuses, in the transaction that takes their messages.

        Raises ElsewhereError for a piece of another dossier: the parties of both would read its
        history.
        """
        claims = [(entry.piece_id, entry.dossier_id) for entry in entries]
        await check_owners(transaction, STATUSES.collection, claims, "piece_id")
        documents = [STATUSES.write(entry, transaction.level) for entry in entries]
        statuses = transaction.collection(STATUSES.collection)
        await statuses.insert_many(documents, session=transaction.session)
        transaction.notified.add(self._feed.name)

    async def find_last(self, subject: Subject) -> Entry | None:
        found = await self._statuses.find_one({_FIELDS[subject.scope]: subject.id})
        if found is None:
            return None
        latest = await self._statuses.find_one(
            {"dossier_id": found["dossier_id"]}, sort=[("sequence", -1)]
        )
        return STATUSES.read(latest or found)

    async def find_entry(self, dossier_id: str, sequence: int) -> Entry | None:
        """Find a status by its dossier and its rank."""
        found = await self._statuses.find_one({"_id": _build_id(dossier_id, sequence)})
        return STATUSES.read(found) if found else None

    async def may_read(self, viewer: Actor, dossier_id: str, sequence: int) -> bool:
        """Tell whether a viewer may still read a status; true of one that is not there."""
        row = await self._viewers.call(_build_id(dossier_id, sequence))
        key = build_viewer_key(viewer)
        return row is None or (key in row[SEEN_BY] and may_see(key, row))

    async def _find_viewers(self, ids: Sequence[str]) -> Sequence[Document | None]:
        """Find who sees each of these statuses: many ask of one at the moment it is pushed."""
        rows = self._statuses.find(
            {"_id": {"$in": sorted(set(ids))}},
            {"status": 1, "payment_not_reported": 1, SEEN_BY: 1},
        )
        found = {row["_id"]: row async for row in rows}
        return [found.get(each) for each in ids]

    async def list_since(self, subject: Subject, after: int) -> Sequence[Entry]:
        condition = {_FIELDS[subject.scope]: subject.id, "sequence": {"$gt": after}}
        found = self._statuses.find(condition).sort("sequence")
        return [STATUSES.read(document) async for document in found]

    async def list_marked(self, viewer: Actor, after: int, limit: int) -> Sequence[MarkedEntry]:
        # Read first: up to this mark everything has committed.
        last = await self._feed.find_last()
        key = build_viewer_key(viewer)
        seen = {SEEN_BY: key, "mark": {"$gt": after, "$lte": last}}
        rows = self._statuses.find(seen, sort=[("mark", 1)], batch_size=limit)
        found: list[MarkedEntry] = []
        try:
            async for each in rows:
                # Judged again: an earlier version may not have known that it is hidden.
                if may_see(key, each):
                    found.append(MarkedEntry(each["mark"], STATUSES.read(each)))
                    if len(found) == limit:
                        break
        finally:
            await rows.close()
        return found

    async def watch(self, notifier: Notifier) -> None:
        """Notify of every status that any replica stores (change stream), until cancelled."""

        def notify(status: Document) -> None:
            notifier.notify(status["dossier_id"])

        await watch_inserts(self._statuses, notify, notifier.notify_all)


def _build_id(dossier_id: str, sequence: int) -> str:
    return f"{dossier_id}|{sequence}"


def _to_document(entry: Entry) -> Document:
    return {
        "_id": _build_id(entry.dossier_id, entry.sequence),
        "sequence": entry.sequence,
        "dossier_id": entry.dossier_id,
        "piece_id": entry.piece_id,
        "cadre": entry.cadre,
        "number": entry.number,
        "status": entry.status.value,
        "at": entry.at,
        "parties": [_from_actor(party) for party in sorted(entry.parties, key=repr)],
        "by": _from_actor(entry.by) if entry.by else None,
        "motive": entry.motive,
        "comment": entry.comment,
        "payment_not_reported": entry.payment_not_reported,
        "marche": entry.marche,
    }


def _to_entry(document: Document) -> Entry:
    by = document["by"]
    return Entry(
        sequence=document["sequence"],
        dossier_id=document["dossier_id"],
        piece_id=document["piece_id"],
        cadre=document["cadre"],
        number=document["number"],
        status=Status(document["status"]),
        at=document["at"],
        parties=frozenset(_to_actor(party) for party in document["parties"]),
        by=_to_actor(by) if by else None,
        motive=document["motive"],
        comment=document["comment"],
        payment_not_reported=document["payment_not_reported"],
        marche=document.get("marche"),
    )


STATUSES = DocumentFormat(COLLECTION, read=_to_entry, write=_to_document)


def _from_actor(actor: Actor) -> Document:
    service = {"service": actor.service} if actor.service else {}
    return {"role": actor.role.value, "structure": actor.structure, **service}


def _to_actor(document: Document) -> Actor:
    return Actor(Role(document["role"]), document["structure"], document.get("service"))
