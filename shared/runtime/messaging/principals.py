"""Read model of the principals: a service's projection of the topic of habilitations."""

from collections.abc import Sequence

from pydantic import TypeAdapter

from shared.contracts.envelope import Event
from shared.contracts.organisation_v1 import PrincipalChanged
from shared.rights.model import Principal
from shared.runtime.messaging.projection import ProjectionConfig, keep_newest
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.schema import DocumentFormat

_COLLECTION = "principals"
_PRINCIPAL = TypeAdapter(Principal)


async def project_principals(
    transaction: Transaction, events: Sequence[Event[PrincipalChanged]]
) -> None:
    """Keep the latest version of each principal: the handler of the projection."""
    rows = [PRINCIPALS.write(event.data.to_domain(), event.level) for event in events]
    await keep_newest(transaction, _COLLECTION, rows)


class Principals:
    """Lookup of projected principals by the identity that a token proves."""

    def __init__(self, store: Store) -> None:
        """Read from a store."""
        self._rows = store.collection(_COLLECTION)

    async def prepare(self) -> None:
        """Create the index of identities."""
        # Not unique: an event replayed or a person erased and registered again must not stop
        # the projection.
        await self._rows.create_index("identity")

    async def find(self, identity: str) -> Principal | None:
        """Find the principal of an identity; an active one before a closed one."""
        rows = await self._rows.find({"identity": identity}).to_list(None)
        PRINCIPALS.check(rows)
        found = [PRINCIPALS.read(row) for row in rows]
        return max(found, key=lambda each: (each.active, each.version), default=None)

    async def find_by_id(self, principal: str) -> Principal | None:
        """Find a principal by its id."""
        row = await self._rows.find_one({"_id": principal})
        if row is None:
            return None
        PRINCIPALS.check([row])
        return PRINCIPALS.read(row)


def build_principals_config(principals: Principals) -> ProjectionConfig:
    """Build the configuration of the projection."""
    return ProjectionConfig(project_principals, _COLLECTION, prepare=principals.prepare)


def _build_row(principal: Principal) -> Document:
    return {
        "_id": principal.id,
        "version": principal.version,
        "identity": principal.identity,
        "principal": _PRINCIPAL.dump_python(
            principal, mode="json", exclude={"id", "version", "identity"}
        ),
    }


def _read(row: Document) -> Principal:
    stated = {"id": row["_id"], "version": row["version"], "identity": row["identity"]}
    return _PRINCIPAL.validate_python({**row["principal"], **stated})


PRINCIPALS = DocumentFormat(_COLLECTION, read=_read, write=_build_row)
