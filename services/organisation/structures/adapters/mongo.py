"""Stores of structures and of SIRENE's establishments, in MongoDB."""

import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter

from services.organisation.audit.adapters.mongo import record
from services.organisation.audit.domain.entries import AuditEntry
from services.organisation.structures.application.ports import Act, Change
from services.organisation.structures.domain.establishment import Establishment
from services.organisation.structures.domain.structure import (
    Address,
    Declaration,
    Parameters,
    Service,
    Structure,
)
from shared.circuit.parties import read_moa_parameter, write_moa_booleans
from shared.contracts.outgoing import Outgoing
from shared.rights.model import KnownStructure, Requester
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.driver import DuplicateKeyError, ReplaceOne
from shared.runtime.store.schema import DocumentFormat, RewrittenDocuments
from shared.vocabulary.structures import IdentifierType, Pipe, StructureKind, StructureStatus
from shared.vocabulary.texts import fold, make_one_line

T = TypeVar("T")
AppointFirstManager = Callable[[Transaction, Structure, Requester], Awaitable[str]]
"""Makes a caller the first main manager of a structure, in a transaction: given by accounts."""
FindUnreadyManagers = Callable[[Transaction, str], Awaitable[Sequence[str]]]
"""Finds the managers without a recorded account on the PIGP: given by accounts."""

_IN_ONE_QUERY = 50
"""Structures read at once: `$in` over a primary key costs some stores the square of the list."""
_PARAMETERS, _SERVICE = TypeAdapter(Parameters), TypeAdapter(Service)
_ADDRESS = TypeAdapter(Address)


class MongoStructures:
    """Store of structures: one document for each structure, under its id."""

    def __init__(
        self,
        store: Store,
        now: Callable[[], datetime],
        appoint_first_manager: AppointFirstManager | None = None,
        find_unready_managers: FindUnreadyManagers | None = None,
    ) -> None:
        """Use this store.

        Without `appoint_first_manager` a new structure has no manager; without
        `find_unready_managers` none becomes public.
        """
        self._store = store
        self._now = now
        self._appoint = appoint_first_manager
        self._find_unready_managers = find_unready_managers
        self._structures = store.collection(STRUCTURES.collection)

    async def prepare(self) -> None:
        """Create the indexes."""
        await self._structures.create_index([("kind", 1), ("_id", 1)])

    async def change(self, work: Callable[[Change], Awaitable[T]]) -> T:
        async def attempt(transaction: Transaction) -> T:
            return await work(self.join(transaction))

        try:
            return await self._store.transaction(attempt)
        except DuplicateKeyError:
            # Another request has just created the structure: the retry finds it.
            return await self._store.transaction(attempt)

    def join(self, transaction: Transaction) -> "MongoChange":
        """Change structures in a transaction that does something else besides."""
        return MongoChange(transaction, self._now, self._appoint, self._find_unready_managers)

    async def find(self, structure: str) -> Structure | None:
        found = await self._structures.find_one({"_id": structure})
        return STRUCTURES.read(found) if found else None

    async def find_existing(self, structures: Collection[str]) -> Collection[Structure]:
        found = self._structures.find({"_id": {"$in": list(structures)}})
        return [STRUCTURES.read(document) async for document in found]

    async def find_known(self, structure: str) -> KnownStructure | None:
        """Find what access control needs of a structure."""
        found = await self._structures.find_one({"_id": structure}, {"kind": 1, "status": 1})
        if found is None:
            return None
        return KnownStructure(StructureKind(found["kind"]), StructureStatus(found["status"]))

    async def search(
        self, query: str, kind: StructureKind | None, after: str, limit: int
    ) -> Sequence[Structure]:
        condition: Document = {"_id": {"$gt": after}}
        if query:
            condition["search"] = {"$regex": re.escape(fold(query))}
        if kind:
            condition["kind"] = kind.value
        found = self._structures.find(condition).sort("_id", 1).limit(limit)
        return [STRUCTURES.read(document) async for document in found]


class MongoChange:
    """One transaction over structures."""

    def __init__(
        self,
        transaction: Transaction,
        now: Callable[[], datetime],
        appoint_first_manager: AppointFirstManager | None,
        find_unready_managers: FindUnreadyManagers | None,
    ) -> None:
        self._transaction = transaction
        self._now = now
        self._appoint = appoint_first_manager
        self._find_unready_managers = find_unready_managers
        self._structures = transaction.collection(STRUCTURES.collection)
        self._documents = RewrittenDocuments(STRUCTURES, transaction)

    async def load(self, structure: str) -> Structure | None:
        session = self._transaction.session
        found = await self._structures.find_one({"_id": structure}, session=session)
        return self._documents.read(found) if found else None

    async def save(self, structure: Structure) -> None:
        document = self._documents.write(structure.id, structure)
        if structure.version == 1:
            await self._structures.insert_one(document, session=self._transaction.session)
        else:
            await self._structures.replace_one(
                {"_id": structure.id}, document, session=self._transaction.session
            )

    async def find_establishment(self, siret: str) -> Establishment | None:
        establishments = self._transaction.collection(ESTABLISHMENTS.collection)
        found = await establishments.find_one({"_id": siret}, session=self._transaction.session)
        return ESTABLISHMENTS.read(found) if found else None

    async def record(self, structure: str, act: Act) -> None:
        entry = AuditEntry(structure, act.name, act.by, self._now(), act.details)
        await record(self._transaction, [entry])

    async def appoint_first_manager(self, structure: Structure, requester: Requester) -> str:
        if self._appoint is None:
            return requester.user or ""
        return await self._appoint(self._transaction, structure, requester)

    async def find_unready_managers(self, structure: str) -> Sequence[str]:
        if self._find_unready_managers is None:
            raise RuntimeError("structures do not become public here")
        return await self._find_unready_managers(self._transaction, structure)

    def publish(self, message: Outgoing) -> None:
        self._transaction.publish(message)


async def find_structures(
    transaction: Transaction, structures: Collection[str]
) -> Mapping[str, Structure]:
    """Find those of these structures that exist, by id, in a transaction of another feature."""
    rows, wanted = transaction.collection(STRUCTURES.collection), sorted(structures)
    found: dict[str, Structure] = {}
    for start in range(0, len(wanted), _IN_ONE_QUERY):
        ids = {"_id": {"$in": wanted[start : start + _IN_ONE_QUERY]}}
        async for row in rows.find(ids, session=transaction.session):
            found[row["_id"]] = STRUCTURES.read(row)
    return found


class MongoEstablishments:
    """Store of SIRENE's establishments: one document for each, under its SIRET."""

    def __init__(self, store: Store) -> None:
        """Use this store."""
        self._establishments = store.collection(ESTABLISHMENTS.collection)
        self._level = store.level

    async def find(self, siret: str) -> Establishment | None:
        found = await self._establishments.find_one({"_id": siret})
        return ESTABLISHMENTS.read(found) if found else None

    async def find_known(self, sirets: Collection[str]) -> Mapping[str, Establishment]:
        found = self._establishments.find({"_id": {"$in": list(sirets)}})
        return {document["_id"]: ESTABLISHMENTS.read(document) async for document in found}

    async def save(self, establishments: Sequence[Establishment]) -> None:
        documents = [ESTABLISHMENTS.write(each, self._level) for each in establishments]
        writes = [ReplaceOne({"_id": each["_id"]}, each, upsert=True) for each in documents]
        await self._establishments.bulk_write(writes, ordered=False)


def _to_document(structure: Structure) -> Document:
    declared = structure.declared
    parameters = asdict(declared.parameters)
    est_moa, est_moa_uniquement = write_moa_booleans(parameters.pop("moa"))
    return {
        "_id": structure.id,
        "version": structure.version,
        "identifier_type": declared.identifier_type.value,
        "identifier": declared.identifier,
        "name": declared.name,
        "kind": declared.kind.value,
        "status": declared.status.value,
        "address": asdict(declared.address) if declared.address else None,
        "email": declared.email,
        "pipes": sorted(pipe.value for pipe in declared.pipes),
        "parameters": {
            "est_moa": est_moa,
            "est_moa_uniquement": est_moa_uniquement,
            **parameters,
            # A version before pipes reads and writes this one alone.
            "recoit_via_edi": declared.receives_by_edi,
        },
        "services": [_write_service(service) for service in declared.services],
        "search": fold(f"{declared.name}\n{declared.identifier}"),
    }


def _from_document(document: Document) -> Structure:
    parameters = dict(document["parameters"])
    moa = read_moa_parameter(
        est_moa=parameters.pop("est_moa"),
        est_moa_uniquement=parameters.pop("est_moa_uniquement"),
    )
    return Structure(
        version=document["version"],
        declared=Declaration(
            identifier_type=IdentifierType(document["identifier_type"]),
            identifier=document["identifier"],
            name=make_one_line(document["name"]),
            kind=StructureKind(document["kind"]),
            status=StructureStatus(document["status"]),
            # Pydantic ignores the fields that a newer version of the service has added.
            parameters=_PARAMETERS.validate_python({**parameters, "moa": moa}),
            services=tuple(
                _SERVICE.validate_python({**service, "name": make_one_line(service["name"])})
                for service in document["services"]
            ),
            address=_read_address(document.get("address")),
            email=document.get("email"),
            pipes=_read_pipes(document, is_receiving=parameters["recoit_via_edi"]),
        ),
    )


def _read_pipes(document: Document, *, is_receiving: bool) -> frozenset[Pipe]:
    """Read the open pipes, by which `recoit_via_edi` is derived.

    A version of before has no pipes and writes that parameter: what it says prevails, as the pipe
    of works, the one kind of piece that the platform carried then.
    """
    if not is_receiving:
        return frozenset()
    return frozenset(map(Pipe, document.get("pipes") or (Pipe.TRAVAUX,)))


def _read_address(stored: Mapping[str, Any] | None) -> Address | None:
    return None if stored is None else _ADDRESS.validate_python(stored)


def _write_service(service: Service) -> Document:
    dates = {"valid_from": service.valid_from, "valid_until": service.valid_until}
    return {
        **asdict(service),
        **{name: day.isoformat() if day else None for name, day in dates.items()},
    }


def _write_establishment(establishment: Establishment) -> Document:
    address = establishment.address
    return {
        "_id": establishment.siret,
        "name": establishment.name,
        "address": asdict(address) if address else None,
        "closed": establishment.is_closed,
    }


def _read_establishment(document: Document) -> Establishment:
    return Establishment(
        siret=document["_id"],
        name=document["name"],
        address=_read_address(document["address"]),
        is_closed=document["closed"],
    )


STRUCTURES = DocumentFormat("structures", read=_from_document, write=_to_document)
ESTABLISHMENTS = DocumentFormat(
    "establishments", read=_read_establishment, write=_write_establishment
)
