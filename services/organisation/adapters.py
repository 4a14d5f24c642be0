"""Store of structures; the MOA parameter is stored as two booleans."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from typing import TypeVar

from pydantic import TypeAdapter

from services.organisation.application import Change
from services.organisation.domain.structure import (
    Declaration,
    Parameters,
    Service,
    Structure,
)
from shared.circuit.parties import read_moa_parameter, write_moa_booleans
from shared.contracts.outgoing import Outgoing
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.driver import DuplicateKeyError
from shared.runtime.store.schema import DocumentFormat, RewrittenDocuments
from shared.vocabulary.structures import IdentifierType, StructureKind, StructureStatus
from shared.vocabulary.texts import fold, make_one_line

T = TypeVar("T")
_PARAMETERS, _SERVICE = TypeAdapter(Parameters), TypeAdapter(Service)


class MongoStructures:
    """Store of structures: one document for each structure, under its id."""

    def __init__(self, store: Store) -> None:
        """Use this store."""
        self._store = store
        self._structures = store.collection(STRUCTURES.collection)

    async def prepare(self) -> None:
        """Create the indexes."""
        await self._structures.create_index([("kind", 1), ("_id", 1)])

    async def change(self, work: Callable[[Change], Awaitable[T]]) -> T:
        async def attempt(transaction: Transaction) -> T:
            return await work(MongoChange(transaction))

        try:
            return await self._store.transaction(attempt)
        except DuplicateKeyError:
            # Another request has just created the structure: the retry finds it.
            return await self._store.transaction(attempt)

    async def find(self, structure: str) -> Structure | None:
        found = await self._structures.find_one({"_id": structure})
        return STRUCTURES.read(found) if found else None

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

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
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

    def publish(self, message: Outgoing) -> None:
        self._transaction.publish(message)


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
        "parameters": {
            "est_moa": est_moa,
            "est_moa_uniquement": est_moa_uniquement,
            **parameters,
        },
        "services": [asdict(service) for service in declared.services],
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
        ),
    )


STRUCTURES = DocumentFormat("structures", read=_from_document, write=_to_document)
