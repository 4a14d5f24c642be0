"""Mandates: a service's projection of the topic of organisation."""

from collections.abc import Sequence

from pydantic import TypeAdapter

from shared.circuit.mandates import Mandate
from shared.contracts.envelope import Event
from shared.contracts.organisation_v1 import MandateChanged
from shared.runtime.messaging.projection import keep_newest
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.schema import DocumentFormat

_COLLECTION = "mandates"
_MANDATE = TypeAdapter(Mandate)


async def keep_mandates(
    transaction: Transaction, events: Sequence[Event[MandateChanged]]
) -> frozenset[str]:
    """Keep the latest version of each mandate; return the ids of those that were newer."""
    rows = [MANDATES.write(event.data.to_domain(), event.level) for event in events]
    return await keep_newest(transaction, _COLLECTION, rows)


async def project_mandates(
    transaction: Transaction, events: Sequence[Event[MandateChanged]]
) -> None:
    """Keep the latest version of each mandate: handler of a service that only looks them up."""
    await keep_mandates(transaction, events)


class Mandates:
    """Lookup of projected mandates by their mandant."""

    def __init__(self, source: Store | Transaction) -> None:
        """Read from a store, or from a transaction's snapshot of it."""
        self._rows = source.collection(_COLLECTION)
        self._session = source.session if isinstance(source, Transaction) else None

    async def prepare(self) -> None:
        """Create the index of mandants."""
        await self._rows.create_index("mandant")

    async def find(self, mandants: Sequence[str]) -> tuple[Mandate, ...]:
        """Find every mandate of these mandants, whatever its days, its delegate or its scope."""
        found = self._rows.find({"mandant": {"$in": [*mandants]}}, session=self._session)
        rows = await found.sort("_id", 1).to_list(None)
        MANDATES.check(rows)
        return tuple(MANDATES.read(row) for row in rows)


def _build_row(mandate: Mandate) -> Document:
    return {
        "_id": mandate.id,
        "version": mandate.version,
        "mandant": mandate.mandant,
        "mandate": _MANDATE.dump_python(mandate, mode="json"),
    }


def _read(row: Document) -> Mandate:
    return _MANDATE.validate_python(row["mandate"])


MANDATES = DocumentFormat(_COLLECTION, read=_read, write=_build_row)
