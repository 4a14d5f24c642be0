"""Store of mandates: one document for each mandate, and one for each mandant."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import TypeVar

from services.organisation.audit.adapters.change import MongoAuditedChange
from services.organisation.mandates.application.ports import MandateChange
from services.organisation.mandates.domain.mandates import FiledMandate, MandateRegister
from services.organisation.structures.adapters.mongo import find_structures
from services.organisation.structures.domain.structure import Structure
from shared.circuit.mandates import Mandate
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.idempotency_keys import prepare_keys, transact_once
from shared.runtime.store.schema import DocumentFormat, TransactionDocuments
from shared.vocabulary.attachments import StoredFile

T = TypeVar("T")


class MongoMandates:
    """Store of mandates."""

    def __init__(self, store: Store) -> None:
        """Use this store."""
        self._store = store
        self._mandates = store.collection(MANDATES.collection)

    async def prepare(self) -> None:
        """Create the indexes, and the collections that transactions write first."""
        await prepare_keys(self._store)
        await self._mandates.create_index([("parties", 1), ("_id", 1)])
        await self._mandates.create_index("mandant")
        await self._mandates.create_index("file.sha256")
        await self._store.collection(REGISTERS.collection).create_index("version")

    async def change(self, work: Callable[[MandateChange], Awaitable[T]]) -> T:
        """Run `work` in a transaction; it may run several times."""

        async def attempt(transaction: Transaction) -> T:
            return await work(_MongoChange(transaction))

        return await transact_once(self._store, attempt)

    async def find(self, mandate: str) -> FiledMandate | None:
        """Read a mandate."""
        found = await self._mandates.find_one({"_id": mandate})
        return MANDATES.read(found) if found else None

    async def list_of(self, structure: str, after: str, limit: int) -> Sequence[FiledMandate]:
        """List the mandates that a structure is a party of, by id, from the one after `after`."""
        wanted = {"parties": structure, "_id": {"$gt": after}}
        found = self._mandates.find(wanted).sort("_id", 1).limit(limit)
        return [MANDATES.read(document) async for document in found]

    async def find_referenced_files(self, files: Iterable[str]) -> set[str]:
        """Find which of these files are those of a mandate."""
        wanted = {"file.sha256": {"$in": list(files)}}
        found = self._mandates.find(wanted, {"file.sha256": 1})
        return {document["file"]["sha256"] async for document in found}


class _MongoChange(MongoAuditedChange):
    """One transaction over mandates."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self._mandates = TransactionDocuments(MANDATES, transaction)
        self._registers = TransactionDocuments(REGISTERS, transaction)

    @property
    def level(self) -> int:
        return self._transaction.level

    async def load(self, mandate: str) -> FiledMandate | None:
        return await self._mandates.find({"_id": mandate})

    async def save(self, filed: FiledMandate) -> None:
        await self._mandates.save(filed.mandate.id, filed)

    async def list_open(self, mandant: str) -> Sequence[FiledMandate]:
        # They are only compared: what they hold that is unknown here need not be kept.
        rows = self._transaction.collection(MANDATES.collection).find(
            {"mandant": mandant, "closed_on": None}, session=self._session
        )
        return [MANDATES.read(row) async for row in rows.sort("_id", 1)]

    async def load_register(self, mandant: str) -> MandateRegister:
        return await self._registers.find({"_id": mandant}) or MandateRegister(mandant)

    async def save_register(self, register: MandateRegister) -> None:
        await self._registers.save(register.mandant, register)

    async def find_structures(self, structures: Collection[str]) -> Mapping[str, Structure]:
        return await find_structures(self._transaction, structures)


def _to_document(filed: FiledMandate) -> Document:
    mandate = filed.mandate
    return {
        "_id": mandate.id,
        "version": mandate.version,
        "mandant": mandate.mandant,
        "delegate": mandate.delegate,
        "payer": mandate.payer,
        "valid_from": mandate.valid_from.isoformat(),
        "valid_until": mandate.valid_until.isoformat(),
        "contracts": None if mandate.contracts is None else sorted(mandate.contracts),
        "closed_on": mandate.closed_on.isoformat() if mandate.closed_on else None,
        "file": asdict(filed.file),
        "recorded_at": filed.recorded_at,
        "parties": sorted(filed.parties),
    }


def _from_document(document: Document) -> FiledMandate:
    contracts, closed_on = document["contracts"], document["closed_on"]
    file = document["file"]
    return FiledMandate(
        mandate=Mandate(
            id=document["_id"],
            version=document["version"],
            mandant=document["mandant"],
            delegate=document["delegate"],
            payer=document["payer"],
            valid_from=date.fromisoformat(document["valid_from"]),
            valid_until=date.fromisoformat(document["valid_until"]),
            contracts=None if contracts is None else frozenset(contracts),
            closed_on=date.fromisoformat(closed_on) if closed_on else None,
        ),
        file=StoredFile(file["sha256"], file["size_bytes"], file["name"], file["media_type"]),
        recorded_at=document["recorded_at"],
    )


def _write_register(register: MandateRegister) -> Document:
    return {"_id": register.mandant, "version": register.version}


def _read_register(document: Document) -> MandateRegister:
    return MandateRegister(document["_id"], document["version"])


MANDATES = DocumentFormat("mandates", read=_from_document, write=_to_document)
REGISTERS = DocumentFormat("mandate_registers", read=_read_register, write=_write_register)
