"""Store of dossiers and of their audit trails, in MongoDB.

A dossier is one document: its state, and the keys of searches beside it. The audit trail is a
collection of its own, so that a write of the dossier does not write past entries again.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from services.routing.adapters.audit_trail import (
    LAST_VERSION,
    format_entry_id,
    read_entry,
    verify,
    write_entry,
)
from services.routing.adapters.documents import (
    read_dossier,
    read_enclosures,
    write_dossier,
    write_enclosures,
)
from services.routing.application.journey import Journey
from services.routing.application.ports import Position, Report, StoredEntry
from services.routing.domain.dossier import Dossier
from shared.application.idempotency import Key, UsedKey
from shared.circuit.mandates import Mandate
from shared.circuit.parties import Structure
from shared.contracts.outgoing import Outgoing
from shared.runtime.errors import NewerDocumentError
from shared.runtime.messaging.directory import STRUCTURES, Directory
from shared.runtime.messaging.mandates import MANDATES, Mandates
from shared.runtime.store.database import Document, Store, Transaction, aggregate
from shared.runtime.store.driver import ReplaceOne
from shared.runtime.store.idempotency_keys import find_key_use, prepare_keys, record_key_use
from shared.runtime.store.schema import SCHEMA, DocumentFormat, RewrittenDocuments
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role

_NO_SERVICE = ""
_HELD: Document = {"held": {"$gt": ""}}
_AT_ONCE = 500
"""Limit of the jobs that one transaction enqueues; the finder of held dossiers finds the rest."""
_READ_AT_ONCE = 50
"""Limit of the values of a $in: SecantusDB takes quadratic time."""


async def create_indexes(store: Store) -> None:
    """Create the indexes that the reads of this module need, and that of idempotency keys."""
    dossiers = store.collection("dossiers")
    await dossiers.create_index("pieces")
    await dossiers.create_index("held", sparse=True)
    await dossiers.create_index([("awaited", 1), ("since", 1), ("_id", 1)])
    await dossiers.create_index("due", sparse=True)
    await dossiers.create_index("remind_at", sparse=True)
    await prepare_keys(store)


class MongoDossiers:
    """Reads of dossiers, within a transaction when one is given."""

    def __init__(self, source: Store | Transaction) -> None:
        """Read from a store, or from the snapshot of a transaction."""
        self._source = source
        self._session = source.session if isinstance(source, Transaction) else None

    async def find_journey(self, dossier_id: str) -> Journey | None:
        return await self._find_one({"_id": dossier_id})

    async def find_journey_of_piece(self, piece_id: str) -> Journey | None:
        return await self._find_one({"pieces": piece_id})

    async def read_trail(self, dossier_id: str) -> Sequence[StoredEntry]:
        """Read the audit trail, up to the first entry that cannot be read."""
        kept = []
        for document in await self._read_trail(dossier_id):
            try:
                kept.append(StoredEntry(read_entry(document), document))
            except (KeyError, TypeError, ValueError):
                break
        return kept

    async def verify(self, dossier_id: str) -> Report | None:
        document = await self._get_collection("dossiers").find_one(
            {"_id": dossier_id}, session=self._session
        )
        if document is None:
            return None
        JOURNEYS.check([document])
        report = verify(await self._read_trail(dossier_id), document["state"], document["trail"])
        if not report.is_valid or _has_sound_keys(document):
            return report
        fault = "Ce par quoi le dossier est trouvé n'est pas ce que la piste raconte."
        return Report(report.entries, False, document["version"], fault)

    async def list_awaited(
        self, actor: Actor, after: Position | None, limit: int
    ) -> Sequence[Dossier]:
        query: Document = {"awaited": _build_key(actor)}
        if after is not None:
            query["$or"] = [
                {"since": {"$gt": after.since}},
                {"since": after.since, "_id": {"$gt": after.dossier_id}},
            ]
        shown = {"state": 1, SCHEMA: 1}
        found = self._get_collection("dossiers").find(query, shown, session=self._session)
        ordered = await found.sort([("since", 1), ("_id", 1)]).limit(limit).to_list(None)
        JOURNEYS.check(ordered)
        dossiers = [read_dossier(document["state"]) for document in ordered]
        for dossier in dossiers:
            if not (dossier.awaited and dossier.awaited.find_turn(actor)):
                raise LookupError(f"{dossier.id} is listed as awaiting {actor}, and does not")
        return dossiers

    async def count_awaited(self, actor: Actor) -> Mapping[str | None, int]:
        groups = aggregate(
            self._get_collection("dossiers"),
            [
                {"$match": {"awaited": _build_key(actor)}},
                {"$unwind": "$awaited"},
                {"$group": {"_id": "$awaited", "count": {"$sum": 1}}},
                {"$sort": {"_id": 1}},
            ],
            self._session,
        )
        prefix = f"{_build_key(actor)}|"
        return {
            group["_id"].removeprefix(prefix) or None: group["count"]
            async for group in groups
            if group["_id"].startswith(prefix)
        }

    async def count_held(self) -> int:
        count: int = await self._get_collection("dossiers").count_documents(_HELD)
        return count

    async def find_oldest_awaited(self, role: Role) -> datetime | None:
        oldest = await self._get_collection("dossiers").find_one(
            {"awaited": role.value}, {"since": 1}, sort=[("since", 1)]
        )
        return oldest["since"] if oldest else None

    async def find_held(self) -> Collection[str]:
        # Only ids are read, here and below: a dossier that cannot be read must not hide the others.
        found = self._get_collection("dossiers").find(_HELD, {"_id": 1}, session=self._session)
        return [document["_id"] async for document in found]

    async def find_held_by(self, structures: Collection[str]) -> Mapping[str, str]:
        by_them = {"held": {"$in": list(structures)}}
        found = self._get_collection("dossiers").find(by_them, {"held": 1}, session=self._session)
        return {document["_id"]: document["held"] async for document in found.limit(_AT_ONCE)}

    async def find_late(self, now: datetime) -> Collection[str]:
        late = {"due": {"$lte": now}}
        found = self._get_collection("dossiers").find(late, {"_id": 1}, session=self._session)
        return [document["_id"] async for document in found]

    async def find_to_remind(self, now: datetime) -> Collection[str]:
        late = {"remind_at": {"$lte": now}}
        found = self._get_collection("dossiers").find(late, {"_id": 1}, session=self._session)
        return [document["_id"] async for document in found]

    async def _find_one(self, query: Document) -> Journey | None:
        document = await self._get_collection("dossiers").find_one(query, session=self._session)
        return self._read_journey(document) if document else None

    def _read_journey(self, document: Document) -> Journey:
        return JOURNEYS.read(document)

    async def _read_trail(self, dossier_id: str) -> Sequence[Document]:
        found = self._get_collection("audit").find(
            {
                "_id": {
                    "$gte": format_entry_id(dossier_id, 0),
                    "$lte": format_entry_id(dossier_id, LAST_VERSION),
                }
            },
            session=self._session,
        )
        return [document async for document in found.sort("_id", 1)]

    def _get_collection(self, name: str) -> Any:  # noqa: ANN401 - the driver's type is the runtime's
        return self._source.collection(name)


class MongoDossierChange(MongoDossiers):
    """Reads and writes of one transaction over dossiers."""

    def __init__(self, transaction: Transaction) -> None:
        """Use this transaction."""
        super().__init__(transaction)
        self._transaction = transaction
        self._sealed: list[Document] = []
        self._documents = RewrittenDocuments(JOURNEYS, transaction)

    @property
    def level(self) -> int:
        return self._transaction.level

    async def find_journeys(self, dossier_ids: Collection[str]) -> dict[str, Journey]:
        found = self._get_collection("dossiers").find(
            {"_id": {"$in": list(dossier_ids)}}, session=self._session
        )
        documents = await found.to_list(None)
        JOURNEYS.check(documents)
        return {document["_id"]: self._read_journey(document) for document in documents}

    async def find_directory(
        self, needed: Mapping[str, Collection[str]]
    ) -> Mapping[str, Structure]:
        try:
            return await Directory(self._transaction).find(chain.from_iterable(needed.values()))
        except NewerDocumentError as error:
            # The inbox postpones dossiers, and knows no structure.
            newer = error.dossiers
            waiting = [each for each, names in needed.items() if not newer.isdisjoint(names)]
            raise NewerDocumentError(STRUCTURES, waiting) from error

    async def find_mandates(self, needed: Mapping[str, Collection[str]]) -> Sequence[Mandate]:
        if not needed:
            return ()
        mandants = {*chain.from_iterable(needed.values())}
        try:
            return await Mandates(self._transaction).find(sorted(mandants))
        except NewerDocumentError as error:
            # The inbox postpones dossiers, and knows no mandate: all that name a mandant wait.
            raise NewerDocumentError(MANDATES.collection, needed) from error

    async def find_owners(self, pieces: Collection[str]) -> dict[str, str]:
        wanted = sorted(pieces)
        owners: dict[str, str] = {}
        for start in range(0, len(wanted), _READ_AT_ONCE):
            found = self._get_collection("dossiers").find(
                {"pieces": {"$in": wanted[start : start + _READ_AT_ONCE]}},
                {"pieces": 1},
                session=self._session,
            )
            async for document in found:
                owners |= dict.fromkeys(document["pieces"], document["_id"])
        return owners

    def seal(self, journey: Journey) -> None:
        for entry in journey.entries:
            document = write_entry(
                journey.dossier.id, entry, journey.trail, self._transaction.level
            )
            journey.trail = document["hash"]
            self._sealed.append(document)
        journey.entries.clear()

    async def keep(self, journeys: Collection[Journey]) -> None:
        if not journeys:
            return
        await self._get_collection("audit").insert_many(self._sealed, session=self._session)
        await self._get_collection("dossiers").bulk_write(
            [
                ReplaceOne(
                    {"_id": journey.dossier.id},
                    self._documents.write(journey.dossier.id, journey),
                    upsert=True,
                )
                for journey in journeys
            ],
            ordered=False,
            session=self._session,
        )

    async def keep_ranks(self, journey: Journey) -> None:
        await self._get_collection("dossiers").update_one(
            {"_id": journey.dossier.id},
            {"$set": {"ranks": _write_ranks(journey)}},
            session=self._session,
        )

    def _read_journey(self, document: Document) -> Journey:
        return self._documents.read(document)

    async def find_key_use(self, key: Key | None) -> UsedKey | None:
        return await find_key_use(self._transaction, key)

    async def record_key_use(self, key: Key | None, piece_id: str) -> None:
        await record_key_use(self._transaction, key, piece_id)

    def publish(self, message: Outgoing) -> None:
        self._transaction.publish(message)

    def log(self, event: str, **fields: object) -> None:
        self._transaction.facts.note_warning(event, **fields)


def _build_key(actor: Actor) -> str:
    """Build the key of a list of awaited pieces: a structure in a role, or one service of it."""
    key = f"{actor.role.value}|{actor.structure}"
    return key if actor.service is None else f"{key}|{actor.service}"


def _build_keys(actor: Actor) -> tuple[str, ...]:
    """Build the keys of the lists that show an awaited piece: by role, structure and service."""
    whole = Actor(actor.role, actor.structure)
    return (
        actor.role.value,
        _build_key(whole),
        _build_key(Actor(actor.role, actor.structure, actor.service or _NO_SERVICE)),
    )


def _write_ranks(journey: Journey) -> list[list[Any]]:
    # Names of topics hold dots, which the store reads as paths when they are in a field name.
    return [list(pair) for pair in journey.ranks.items()]


def _write_journey(journey: Journey) -> Document:
    dossier = journey.dossier
    document: Document = {
        "_id": dossier.id,
        "version": dossier.version,
        "state": write_dossier(dossier),
        "correlation_id": journey.correlation_id,
        "ranks": _write_ranks(journey),
        "enclosures": write_enclosures(journey.enclosures),
        "payment_not_reported": journey.payment_not_reported,
        "trail": journey.trail,
        "pieces": [piece.id for piece in dossier.pieces],
    }
    if dossier.awaited:
        keys = [key for turn in dossier.awaited.turns for key in _build_keys(turn.actor)]
        document |= {"awaited": keys, "since": dossier.awaited.since}
        if dossier.awaited.due and not dossier.hold:
            document["due"] = dossier.awaited.due
        if dossier.awaited.remind_at and not dossier.hold:
            document["remind_at"] = dossier.awaited.remind_at
    if dossier.hold:
        document["held"] = dossier.hold.structure
    return document


def _has_sound_keys(document: Document) -> bool:
    """Tell whether the search keys of a document agree with its dossier."""
    keys = {"version", "pieces", "awaited", "since", "due", "remind_at", "held"}
    expected = _write_journey(_read_journey(document))
    return {key: document[key] for key in keys & document.keys()} == {
        key: expected[key] for key in keys & expected.keys()
    }


def _read_journey(document: Document) -> Journey:
    return Journey(
        dossier=read_dossier(document["state"]),
        correlation_id=document["correlation_id"],
        ranks=dict(document["ranks"]),
        enclosures=read_enclosures(document["enclosures"]),
        payment_not_reported=document["payment_not_reported"],
        trail=document["trail"],
    )


JOURNEYS = DocumentFormat("dossiers", read=_read_journey, write=_write_journey)
