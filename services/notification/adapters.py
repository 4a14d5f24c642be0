"""Store of statuses."""

from collections.abc import Sequence

from services.notification.application import Scope, Subject
from services.notification.domain import Entry
from shared.runtime.messaging.projection import check_owners
from shared.runtime.notifier import Notifier
from shared.runtime.store.change_stream import watch_inserts
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.schema import DocumentFormat
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status

_FIELDS = {Scope.DOSSIER: "dossier_id", Scope.PIECE: "piece_id"}


class MongoStatuses:
    """Store of statuses, each one document."""

    def __init__(self, store: Store) -> None:
        """Use this store."""
        self._statuses = store.collection(STATUSES.collection)

    async def prepare(self) -> None:
        """Create the indexes."""
        await self._statuses.create_index([("dossier_id", 1), ("sequence", 1)], unique=True)
        await self._statuses.create_index([("piece_id", 1), ("sequence", 1)])

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

    async def find_last(self, subject: Subject) -> Entry | None:
        found = await self._statuses.find_one({_FIELDS[subject.scope]: subject.id})
        if found is None:
            return None
        latest = await self._statuses.find_one(
            {"dossier_id": found["dossier_id"]}, sort=[("sequence", -1)]
        )
        return STATUSES.read(latest or found)

    async def list_since(self, subject: Subject, after: int) -> Sequence[Entry]:
        condition = {_FIELDS[subject.scope]: subject.id, "sequence": {"$gt": after}}
        found = self._statuses.find(condition).sort("sequence")
        return [STATUSES.read(document) async for document in found]

    async def watch(self, notifier: Notifier) -> None:
        """Notify of every status that any replica stores (change stream), until cancelled."""

        def notify(status: Document) -> None:
            notifier.notify(status["dossier_id"])

        await watch_inserts(self._statuses, notify, notifier.notify_all)


def _to_document(entry: Entry) -> Document:
    return {
        "_id": f"{entry.dossier_id}|{entry.sequence}",
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
    )


STATUSES = DocumentFormat("statuses", read=_to_entry, write=_to_document)


def _from_actor(actor: Actor) -> Document:
    return {"role": actor.role.value, "structure": actor.structure}


def _to_actor(document: Document) -> Actor:
    return Actor(Role(document["role"]), document["structure"])
