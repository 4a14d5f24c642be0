"""Directory of structures: a service's projection of the topic of organisation."""

from collections.abc import Iterable, Mapping, Sequence

from pydantic import TypeAdapter

from shared.circuit.parties import Structure
from shared.contracts.envelope import Event
from shared.contracts.organisation_v1 import StructureChanged
from shared.rights.model import KnownStructure
from shared.runtime.messaging.projection import keep_newest
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.schema import SCHEMA, DocumentFormat
from shared.vocabulary.structures import StructureKind, StructureStatus

STRUCTURES = "structures"
_STRUCTURE = TypeAdapter(Structure)


async def keep_structures(
    transaction: Transaction, events: Sequence[Event[StructureChanged]]
) -> frozenset[str]:
    """Keep the latest version of each structure; return the ids of those that were newer."""
    rows = [DIRECTORY.write(event.data.to_domain(), event.level) for event in events]
    return await keep_newest(transaction, STRUCTURES, rows)


async def project_structures(
    transaction: Transaction, events: Sequence[Event[StructureChanged]]
) -> None:
    """Keep the latest version of each structure: handler of a service that only looks them up."""
    await keep_structures(transaction, events)


class Directory:
    """Lookup of projected structures by id."""

    def __init__(self, source: Store | Transaction) -> None:
        """Read from a store, or from a transaction's snapshot of it."""
        self._rows = source.collection(STRUCTURES)
        self._session = source.session if isinstance(source, Transaction) else None

    async def find(self, structures: Iterable[str]) -> Mapping[str, Structure]:
        """Find structures by id; those that do not exist are left out."""
        found = self._rows.find(_filter_by_ids(structures), session=self._session)
        rows = await found.to_list(None)
        DIRECTORY.check(rows)
        return {row["_id"]: DIRECTORY.read(row) for row in rows}

    async def find_known(self, structure: str) -> KnownStructure | None:
        """Find the kind and the status of a structure, which access control needs; or None."""
        fields = {"structure.kind": 1, "structure.status": 1, SCHEMA: 1}
        row = await self._rows.find_one({"_id": structure}, fields, session=self._session)
        if row is None:
            return None
        DIRECTORY.check([row])
        kept = row["structure"]
        return KnownStructure(StructureKind(kept["kind"]), StructureStatus(kept["status"]))

    async def find_names(self, structures: Iterable[str]) -> Mapping[str, str]:
        """Find names of structures by id; those that do not exist are left out."""
        rows = self._rows.find(_filter_by_ids(structures), {"name": 1}, session=self._session)
        return {row["_id"]: row["name"] async for row in rows}


def _filter_by_ids(structures: Iterable[str]) -> Document:
    return {"_id": {"$in": list(set(structures))}}


def _build_row(structure: Structure) -> Document:
    return {
        "_id": structure.id,
        "version": structure.version,
        "name": structure.name,
        "structure": _STRUCTURE.dump_python(structure, mode="json", exclude={"name"}),
    }


def _read(row: Document) -> Structure:
    return _STRUCTURE.validate_python({**row["structure"], "name": row["name"]})


DIRECTORY = DocumentFormat(STRUCTURES, read=_read, write=_build_row)
