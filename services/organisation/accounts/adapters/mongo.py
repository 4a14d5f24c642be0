"""Store of accounts in MongoDB: accounts, rosters, requests, invitations, links."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from services.organisation.accounts.adapters.change import MongoAccountChange, WriteStructure
from services.organisation.accounts.adapters.documents import (
    ACCOUNTS,
    ACTIVATIONS,
    CLAIMS,
    INVITATIONS,
    REQUESTS,
    ROSTERS,
)
from services.organisation.accounts.application.ports import AccountChange, Search
from services.organisation.accounts.domain.accounts import Account, AttachmentStatus
from services.organisation.accounts.domain.claims import Claim
from services.organisation.accounts.domain.links import Invitation, LinkStatus
from services.organisation.accounts.domain.requests import HabilitationRequest, RequestStatus
from services.organisation.structures.adapters.mongo import STRUCTURES
from shared.runtime.mail.queue import MailQueue
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.idempotency_keys import prepare_keys, transact_once

T = TypeVar("T")
_WAITING = RequestStatus.EN_COURS_DE_VALIDATION.value


class MongoAccounts:
    """Store of accounts."""

    def __init__(
        self, store: Store, mails: MailQueue, write_structure: WriteStructure | None = None
    ) -> None:
        """Use this store; `write_structure` declares a structure in a transaction."""
        self._store = store
        self._mails = mails
        self._write_structure = write_structure
        self._accounts = store.collection(ACCOUNTS.collection)
        self._requests = store.collection(REQUESTS.collection)
        self._invitations = store.collection(INVITATIONS.collection)
        self._claims = store.collection(CLAIMS.collection)
        self._structures = store.collection(STRUCTURES.collection)

    async def prepare(self) -> None:
        """Create the indexes, and the collections that transactions write first."""
        store = self._store
        await self._accounts.create_index("identity", unique=True)
        await self._accounts.create_index(
            [("attachments.structure", 1), ("attachments.status", 1), ("_id", 1)]
        )
        await self._accounts.create_index("attachments.remind_at", sparse=True)
        await self._requests.create_index([("structure", 1), ("status", 1), ("_id", 1)])
        await self._requests.create_index([("user", 1), ("status", 1), ("_id", 1)])
        await self._requests.create_index("remind_at", sparse=True)
        await self._invitations.create_index([("structure", 1), ("status", 1), ("_id", 1)])
        await self._invitations.create_index([("structure", 1), ("invited_at", 1)])
        await self._invitations.create_index("link.token_hash")
        activations = store.collection(ACTIVATIONS.collection)
        await activations.create_index("link.token_hash")
        await activations.create_index([("link.identity", 1), ("sent_at", 1)])
        await self._claims.create_index([("user", 1), ("status", 1), ("_id", 1)])
        await self._claims.create_index([("status", 1), ("_id", 1)])
        await self._claims.create_index("proof.sha256")
        await store.collection(ROSTERS.collection).create_index("main_managers")
        await prepare_keys(store)

    async def change(self, work: Callable[[AccountChange], Awaitable[T]]) -> T:
        async def attempt(transaction: Transaction) -> T:
            return await work(self.join(transaction))

        return await transact_once(self._store, attempt)

    def join(self, transaction: Transaction) -> AccountChange:
        """Work on accounts within a transaction of another feature."""
        return MongoAccountChange(transaction, self._mails, self._write_structure)

    async def find_account(self, identity: str) -> Account | None:
        row = await self._accounts.find_one({"identity": identity})
        return ACCOUNTS.read(row) if row else None

    async def list_attached(
        self, structure: str, status: AttachmentStatus | None, search: Search
    ) -> Sequence[Account]:
        match: Document = {"structure": structure}
        if status:
            match["status"] = status.value
        wanted: Document = {"attachments": {"$elemMatch": match}, "_id": {"$gt": search.after}}
        rows = self._accounts.find(wanted).sort("_id", 1).limit(search.limit)
        return [ACCOUNTS.read(row) async for row in rows]

    async def list_requests(
        self, structure: str, status: RequestStatus | None, search: Search
    ) -> Sequence[HabilitationRequest]:
        wanted: Document = {"structure": structure, "_id": {"$gt": search.after}}
        if status:
            wanted["status"] = status.value
        rows = self._requests.find(wanted).sort("_id", 1).limit(search.limit)
        return [REQUESTS.read(row) async for row in rows]

    async def list_own_requests(self, user: str, limit: int) -> Sequence[HabilitationRequest]:
        rows = self._requests.find({"user": user, "status": _WAITING}).sort("_id", 1).limit(limit)
        return [REQUESTS.read(row) async for row in rows]

    async def list_invitations(
        self, structure: str, status: LinkStatus | None, search: Search
    ) -> Sequence[Invitation]:
        wanted: Document = {"structure": structure, "_id": {"$gt": search.after}}
        if status:
            wanted["status"] = status.value
        rows = self._invitations.find(wanted).sort("_id", 1).limit(search.limit)
        return [INVITATIONS.read(row) async for row in rows]

    async def list_claims(
        self, user: str | None, status: RequestStatus | None, search: Search
    ) -> Sequence[Claim]:
        wanted: Document = {"_id": {"$gt": search.after}}
        if user is not None:
            wanted["user"] = user
        if status:
            wanted["status"] = status.value
        rows = self._claims.find(wanted).sort("_id", 1).limit(search.limit)
        return [CLAIMS.read(row) async for row in rows]

    async def find_claim(self, claim: str) -> Claim | None:
        row = await self._claims.find_one({"_id": claim})
        return CLAIMS.read(row) if row else None

    async def find_emails(self, users: Collection[str]) -> Mapping[str, tuple[str, str]]:
        rows = self._accounts.find({"_id": {"$in": list(users)}}, {"email": 1, "name": 1})
        return {row["_id"]: (row["email"], row["name"]) async for row in rows}

    async def find_structure_names(self, structures: Collection[str]) -> Mapping[str, str]:
        rows = self._structures.find({"_id": {"$in": list(structures)}}, {"name": 1})
        return {row["_id"]: row["name"] async for row in rows}

    async def find_due_structures(self, at: datetime) -> set[str]:
        """Find the structures of which something waits that is due for a reminder."""
        due = {"$lte": at}
        accounts = self._accounts.find(
            {"attachments.remind_at": due},
            {"attachments.structure": 1, "attachments.remind_at": 1},
        )
        requests = self._requests.find({"remind_at": due}, {"structure": 1})
        found = {
            each["structure"]
            async for row in accounts
            for each in row["attachments"]
            if each["remind_at"] is not None and each["remind_at"] <= at
        }
        return found | {row["structure"] async for row in requests}

    async def find_referenced_files(self, files: Iterable[str]) -> set[str]:
        """Find which of these files are proofs of a request."""
        wanted = set(files)
        rows = self._claims.find({"proof.sha256": {"$in": list(wanted)}}, {"proof.sha256": 1})
        return {row["proof"]["sha256"] async for row in rows} & wanted
