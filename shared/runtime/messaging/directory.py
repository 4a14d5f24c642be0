"""The directory as a service keeps it: each structure whole, in the latest version told."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter

from shared.circuit.parties import Structure
from shared.contracts.envelope import Event
from shared.contracts.organisation_v1 import StructureChanged
from shared.runtime.messaging.projection import keep_newest
from shared.runtime.store.database import Store, Transaction
from shared.vocabulary.texts import one_line

_STRUCTURES = "structures"
_STRUCTURE = TypeAdapter(Structure)


@dataclass(frozen=True, slots=True)
class Listed:
    """A structure, and what people call it."""

    name: str
    structure: Structure


async def project_structures(
    transaction: Transaction, events: Sequence[Event[StructureChanged]]
) -> None:
    """Keep each structure's latest version."""
    rows = [
        {
            "_id": event.data.structure,
            "version": event.data.version,
            "name": one_line(event.data.name),
            "structure": _STRUCTURE.dump_python(event.data.to_domain(), mode="json"),
        }
        for event in events
    ]
    await keep_newest(transaction, _STRUCTURES, rows)


class Directory:
    """The structures that `project_structures` has kept."""

    def __init__(self, store: Store) -> None:
        """Read from this store."""
        self._rows = store.collection(_STRUCTURES)

    async def listed(self, structures: Iterable[str]) -> Mapping[str, Listed]:
        """Find those that exist, by id."""
        rows = self._rows.find({"_id": {"$in": list(set(structures))}})
        return {
            row["_id"]: Listed(row["name"], _STRUCTURE.validate_python(row["structure"]))
            async for row in rows
        }

    async def find(self, structures: Iterable[str]) -> Mapping[str, Structure]:
        """Find what the rules read of those that exist, by id."""
        found = await self.listed(structures)
        return {structure: each.structure for structure, each in found.items()}
