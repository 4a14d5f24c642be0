"""Store of machines: one document for each machine, under its client id."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from services.organisation.audit.adapters.change import MongoAuditedChange
from services.organisation.machines.application.ports import MachineChange
from services.organisation.machines.domain.machines import Machine, Secret
from services.organisation.machines.domain.scopes import Scope
from shared.application.mail import Mail
from shared.rights.model import Level
from shared.runtime.mail.queue import MailQueue
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.idempotency_keys import prepare_keys, transact_once
from shared.runtime.store.schema import DocumentFormat, TransactionDocuments

T = TypeVar("T")
ListMainManagers = Callable[[Transaction, str], Awaitable[Mapping[str, str]]]
"""Reads the main managers of a structure: the address of each, by the id of its account."""
FindName = Callable[[Transaction, str], Awaitable[str]]
"""Reads the name of a structure."""


class MongoMachines:
    """Store of machines."""

    def __init__(
        self,
        store: Store,
        mails: MailQueue,
        list_main_managers: ListMainManagers,
        find_name: FindName,
    ) -> None:
        """Use this store, and these readers of the other features."""
        self._store = store
        self._machines = store.collection(MACHINES.collection)
        self._mails = mails
        self._list_main_managers = list_main_managers
        self._find_name = find_name

    async def prepare(self) -> None:
        """Create the indexes."""
        await prepare_keys(self._store)
        await self._machines.create_index([("structures", 1), ("_id", 1)])
        await self._machines.create_index("expires_at")

    async def change(self, work: Callable[[MachineChange], Awaitable[T]]) -> T:
        """Run `work` in a transaction; it may run several times."""

        async def attempt(transaction: Transaction) -> T:
            return await work(
                _MongoChange(transaction, self._mails, self._list_main_managers, self._find_name)
            )

        return await transact_once(self._store, attempt)

    async def find(self, client_id: str) -> Machine | None:
        """Read a machine."""
        found = await self._machines.find_one({"_id": client_id})
        return MACHINES.read(found) if found else None

    async def list_of(self, structure: str) -> Sequence[Machine]:
        """List the machines of a structure, those to which it grants scopes included."""
        found = self._machines.find({"structures": structure}).sort("_id", 1)
        return [MACHINES.read(document) async for document in found]

    async def find_expiring(self, before: datetime) -> Collection[str]:
        """Find the machines with a secret that expires before a moment, and is not announced."""
        found = self._machines.find({"expires_at": {"$lte": before}}, {"_id": 1})
        return [document["_id"] async for document in found]


class _MongoChange(MongoAuditedChange):
    """One transaction over machines."""

    def __init__(
        self,
        transaction: Transaction,
        mails: MailQueue,
        list_main_managers: ListMainManagers,
        find_name: FindName,
    ) -> None:
        super().__init__(transaction)
        self._machines = TransactionDocuments(MACHINES, transaction)
        self._mails = mails
        self._list_main_managers = list_main_managers
        self._find_name = find_name

    async def load(self, client_id: str) -> Machine | None:
        return await self._machines.find({"_id": client_id})

    async def save(self, machine: Machine) -> None:
        await self._machines.save(machine.client_id, machine)

    async def count(self, structure: str) -> int:
        return await self._machines.count({"structures": structure})

    async def list_main_managers(self, structure: str) -> Mapping[str, str]:
        return await self._list_main_managers(self._transaction, structure)

    async def find_name(self, structure: str) -> str:
        return await self._find_name(self._transaction, structure)

    async def queue_mail(self, mail: Mail) -> None:
        await self._mails.queue(self._transaction, mail)


def _to_document(machine: Machine) -> Document:
    waiting = [each.expires_at for each in machine.secrets if not each.announced]
    return {
        "_id": machine.client_id,
        "name": machine.name,
        "owner": machine.owner,
        "version": machine.version,
        "created_at": machine.created_at,
        "active": machine.is_active,
        "grants": [
            {"id": structure, "scopes": [str(each) for each in scopes]}
            for structure, scopes in sorted(machine.grants.items())
        ],
        "secrets": [
            {
                "id": each.id,
                "digest": each.digest,
                "created_at": each.created_at,
                "expires_at": each.expires_at,
                "announced": each.announced,
            }
            for each in machine.secrets
        ],
        # Those by which machines are found: a deleted one is nobody's.
        "structures": sorted({machine.owner, *machine.grants}) if machine.is_active else [],
        "expires_at": min(waiting, default=None),
    }


def _from_document(document: Document) -> Machine:
    return Machine(
        client_id=document["_id"],
        name=document["name"],
        owner=document["owner"],
        version=document["version"],
        created_at=document["created_at"],
        is_active=document["active"],
        grants={each["id"]: tuple(map(_read_scope, each["scopes"])) for each in document["grants"]},
        secrets=tuple(
            Secret(
                id=each["id"],
                digest=each["digest"],
                created_at=each["created_at"],
                expires_at=each["expires_at"],
                announced=each["announced"],
            )
            for each in document["secrets"]
        ),
    )


def _read_scope(text: str) -> Scope:
    """Read a scope as it was granted, whatever the catalogue holds today."""
    application, _, level = text.partition(":")
    return Scope(application, Level(level))


MACHINES = DocumentFormat("machines", read=_from_document, write=_to_document)
