"""Export and erasure of a person in the store of organisation, by the address that identifies it.

What a person did stays in the audit trails, under the id of its account: they still verify.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from services.organisation.accounts.adapters.documents import (
    ACTIVATIONS,
    CLAIMS,
    INVITATIONS,
    REQUESTS,
)
from services.organisation.accounts.adapters.mongo import MongoAccounts
from services.organisation.accounts.application.messages import build_state
from services.organisation.accounts.application.ports import AccountChange, Search
from services.organisation.accounts.domain.accounts import Account, AttachmentStatus
from services.organisation.accounts.domain.claims import Claim
from services.organisation.accounts.domain.erasure import erase_account, erase_invitation
from services.organisation.accounts.domain.links import Activation, Invitation
from services.organisation.accounts.domain.requests import HabilitationRequest, RequestStatus
from services.organisation.audit.adapters.mongo import AuditTrail
from services.organisation.audit.domain.entries import PLATFORM, AuditEntry
from services.organisation.structures.adapters.mongo import STRUCTURES
from shared.rights.identity import compute_identity, normalise_email
from shared.rights.model import ManagerRole, PrincipalKind
from shared.runtime.clock import Clock
from shared.runtime.ids import new_id
from shared.runtime.jobs.rows import COLLECTION as JOBS
from shared.runtime.mail.queue import KIND, MailQueue
from shared.runtime.store.database import Document, Store, Transaction
from shared.runtime.store.idempotency_keys import find_keys_of, forget_keys
from shared.runtime.store.schema import DocumentFormat, RewrittenDocuments

_ACCOUNT, _INVITATION = TypeAdapter(Account), TypeAdapter(Invitation)
_REQUEST, _ACTIVATION = TypeAdapter(HabilitationRequest), TypeAdapter(Activation)
_CLAIM = TypeAdapter(Claim)
_ENTRIES_LIMIT = 10_000
"""Limit of the entries of a trail that are exported."""
_SUCCESSORS = 10
"""Limit of the people who are named to succeed a manager."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased of a person."""

    account: str | None
    invitations: int
    activations: int
    claims: int
    mails: int
    keys: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The person is the last main manager of structures; who could succeed it in each."""

    successors: Mapping[str, Sequence[Account]]
    """Who else is attached, by structure; managers first."""


class PersonalData:
    """Personal data of one person in the store of organisation."""

    def __init__(self, store: Store, email: str, clock: Clock) -> None:
        """Search this store for this address."""
        self._store = store
        self._email = normalise_email(email)
        self._identity = compute_identity(PrincipalKind.USER, self._email)
        self._clock = clock
        self._accounts = MongoAccounts(store, MailQueue(clock))

    async def export(self) -> dict[str, Any]:
        """Export all that is kept of the person, as JSON values; files by their SHA-256."""
        account = await self._accounts.find_account(self._identity)
        user = account.id if account else ""
        trail = AuditTrail(self._store)
        entries = await trail.list(user, 0, _ENTRIES_LIMIT) if user else []
        return {
            "service": "organisation",
            "email": self._email,
            "account": _ACCOUNT.dump_python(account, mode="json") if account else None,
            "habilitation_requests": await self._dump(REQUESTS, _REQUEST, {"user": user}),
            "structure_requests": await self._dump(CLAIMS, _CLAIM, {"user": user}),
            "invitations": await self._dump(INVITATIONS, _INVITATION, self._addressed),
            "activations": await self._dump(ACTIVATIONS, _ACTIVATION, self._linked),
            "mails_that_wait": [row["payload"]["subject"] for row in await self._find_mails()],
            "audit": [
                {"act": each.entry.act, "by": each.entry.by, "at": each.entry.at.isoformat()}
                for each in entries
            ],
            "contact_of_structures": await self._find_structures(),
        }

    async def erase(self) -> Erased | Refused:
        """Erase the person; done again, it erases nothing more."""
        keys = await find_keys_of(self._store, f"user:{self._identity}", lambda _: True)
        mails = [row["_id"] for row in await self._find_mails()]
        erased = await self._store.transaction(lambda tx: self._erase(tx, mails, len(keys)))
        if not isinstance(erased, Erased):
            return Refused({each: await self._find_successors(each) for each in erased})
        await forget_keys(self._store, keys)
        return erased

    async def _erase(
        self, transaction: Transaction, mails: Collection[str], keys: int
    ) -> Erased | Sequence[str]:
        """Erase in a transaction. Returns the structures that would be without a main manager."""
        change, session = self._accounts.join(transaction), transaction.session
        account = await change.find_account(self._identity)
        if account is not None and (unmanaged := await self._erase_account(change, account)):
            return unmanaged
        claims = 0
        if account is not None:
            await self._withdraw_requests(transaction, change, account.id)
            rows = transaction.collection(CLAIMS.collection)
            claims = (await rows.delete_many({"user": account.id}, session=session)).deleted_count
        links = transaction.collection(ACTIVATIONS.collection)
        activations = await links.delete_many(self._linked, session=session)
        waiting = {"_id": {"$in": list(mails)}, "kind": KIND}
        unsent = await transaction.collection(JOBS).delete_many(waiting, session=session)
        return Erased(
            account=account.id if account else None,
            invitations=await self._erase_invitations(transaction),
            activations=activations.deleted_count,
            claims=claims,
            mails=unsent.deleted_count,
            keys=keys,
        )

    async def _erase_account(self, change: AccountChange, account: Account) -> Sequence[str]:
        """Close and erase an account, but return the structures that it alone manages."""
        now = self._clock()
        structures = [each.structure for each in account.open_attachments]
        rosters = [await change.load_roster(each) for each in structures]
        erased = erase_account(account, rosters, now)
        if isinstance(erased, tuple):
            return [each.structure for each in rosters if each.is_last(account.id)]
        await change.save_account(erased)
        change.publish(build_state(erased, now, new_id()))
        for roster in rosters:
            await change.save_roster(roster.take_note(erased))
        told = {"compte": account.id}
        await change.record(
            [
                AuditEntry(account.id, "compte.efface", PLATFORM, now),
                *(AuditEntry(each, "compte.efface", PLATFORM, now, told) for each in structures),
            ]
        )
        return []

    async def _withdraw_requests(
        self, transaction: Transaction, change: AccountChange, user: str
    ) -> None:
        waiting = {"user": user, "status": RequestStatus.EN_COURS_DE_VALIDATION.value}
        rows = transaction.collection(REQUESTS.collection).find(
            waiting, {"_id": 1}, session=transaction.session
        )
        for found in await rows.to_list(None):
            request = await change.load_request(found["_id"])
            if request is not None:
                ended = request.end(RequestStatus.SUPPRIMEE, PLATFORM, self._clock())
                await change.save_request(ended)

    async def _erase_invitations(self, transaction: Transaction) -> int:
        rows, session = transaction.collection(INVITATIONS.collection), transaction.session
        documents = RewrittenDocuments(INVITATIONS, transaction)
        found = await rows.find(self._addressed, session=session).to_list(None)
        for row in found:
            erased = erase_invitation(documents.read(row), self._clock())
            document = {**documents.write(row["_id"], erased), "_id": row["_id"]}
            await rows.replace_one({"_id": row["_id"]}, document, session=session)
        return len(found)

    async def _find_successors(self, structure: str) -> Sequence[Account]:
        """Find who else is attached to a structure."""
        search = Search(limit=_SUCCESSORS)
        attached = await self._accounts.list_attached(structure, AttachmentStatus.VALIDEE, search)
        others = [each for each in attached if each.identity != self._identity]
        return sorted(others, key=lambda each: not _is_manager(each, structure))

    async def _dump(
        self,
        documents: DocumentFormat[Any],
        adapter: TypeAdapter[Any],
        wanted: Document,
    ) -> list[Any]:
        rows = self._store.collection(documents.collection).find(wanted).sort("_id", 1)
        return [adapter.dump_python(documents.read(row), mode="json") async for row in rows]

    async def _find_mails(self) -> Sequence[Document]:
        """Find the mails that wait to be sent, to the person or about the person."""
        rows = self._store.collection(JOBS).find({"kind": KIND})
        # Not within a longer address, which is another person's.
        about = re.compile(rf"(?<![\w.+'-]){re.escape(self._email)}(?!\.?[\w-])")
        return [
            row
            async for row in rows
            if normalise_email(row["payload"]["to"]) == self._email
            or about.search(row["payload"]["text"])
        ]

    async def _find_structures(self) -> Sequence[str]:
        """Find the structures whose contact has this address: it is theirs to change."""
        rows = self._store.collection(STRUCTURES.collection).find({"email": {"$gt": ""}})
        return [row["_id"] async for row in rows if normalise_email(row["email"]) == self._email]

    @property
    def _addressed(self) -> Document:
        return {"$or": [{"link.identity": self._identity}, {"email": self._email}]}

    @property
    def _linked(self) -> Document:
        return {"link.identity": self._identity}


def _is_manager(account: Account, structure: str) -> bool:
    attachment = account.find_active(structure)
    return attachment is not None and attachment.manager is not None


async def export_person(store: Store, email: str, clock: Clock) -> str:
    """Export a person as a JSON text."""
    async with store:
        found = await PersonalData(store, email, clock).export()
    return json.dumps(found, ensure_ascii=False, indent=2)


async def erase_person(store: Store, email: str, clock: Clock) -> Erased | Refused:
    """Erase a person."""
    async with store:
        return await PersonalData(store, email, clock).erase()


def describe_erasure(outcome: Erased | Refused) -> str:
    """Describe what was erased, or why nothing was and whom to appoint first."""
    if isinstance(outcome, Erased):
        account = f"account {outcome.account}" if outcome.account else "no account"
        return (
            f"{account}, {outcome.invitations} invitations, {outcome.activations} activation "
            f"links, {outcome.claims} requests of structures, {outcome.mails} mails that waited, "
            f"{outcome.keys} idempotency keys"
        )
    lines = []
    for structure, accounts in outcome.successors.items():
        names = [_describe(each, structure) for each in accounts]
        who = "; ".join(names) or "nobody else is attached to it: invite somebody"
        lines.append(
            f"nothing is erased: this is the last main manager of {structure}. "
            f"Appoint another one first: {who}"
        )
    return "\n".join(lines)


def _describe(account: Account, structure: str) -> str:
    attachment = account.find_active(structure)
    role = attachment.manager if attachment else None
    what = "secondary manager" if role is ManagerRole.SECONDAIRE else "user"
    return f"{account.name or account.email} <{account.email}>, {what}, account {account.id}"
