"""One transaction over accounts in MongoDB."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from services.organisation.accounts.adapters.documents import (
    ACCOUNTS,
    ACTIVATIONS,
    CLAIMS,
    INVITATIONS,
    REQUESTS,
    ROSTERS,
)
from services.organisation.accounts.domain.accounts import Account, AttachmentStatus, Roster
from services.organisation.accounts.domain.claims import Claim
from services.organisation.accounts.domain.links import Activation, Invitation, LinkStatus
from services.organisation.accounts.domain.requests import HabilitationRequest, RequestStatus
from services.organisation.audit.adapters.change import MongoAuditedChange
from services.organisation.structures.adapters.mongo import STRUCTURES
from services.organisation.structures.domain.structure import Structure
from shared.application.mail import Mail
from shared.rights.model import ManagerRole
from shared.runtime.mail.queue import MailQueue
from shared.runtime.store.database import Transaction
from shared.runtime.store.schema import TransactionDocuments
from shared.vocabulary.rules import Violation

WriteStructure = Callable[[Transaction, Mapping[str, Any], str], Awaitable[tuple[Violation, ...]]]
"""Declares a structure in a transaction, by an operator's decision: returns the broken rules."""
_ASKED = AttachmentStatus.EN_COURS_DE_VALIDATION.value
_WAITING = RequestStatus.EN_COURS_DE_VALIDATION.value


class MongoAccountChange(MongoAuditedChange):
    """One transaction over accounts."""

    def __init__(
        self, transaction: Transaction, mails: MailQueue, write_structure: WriteStructure | None
    ) -> None:
        """Work within this transaction."""
        super().__init__(transaction)
        self._mails = mails
        self._write_structure = write_structure
        self._accounts = TransactionDocuments(ACCOUNTS, transaction)
        self._rosters = TransactionDocuments(ROSTERS, transaction)
        self._requests = TransactionDocuments(REQUESTS, transaction)
        self._invitations = TransactionDocuments(INVITATIONS, transaction)
        self._activations = TransactionDocuments(ACTIVATIONS, transaction)
        self._claims = TransactionDocuments(CLAIMS, transaction)

    async def load_account(self, user: str) -> Account | None:
        return await self._accounts.find({"_id": user})

    async def find_account(self, identity: str) -> Account | None:
        return await self._accounts.find({"identity": identity})

    async def save_account(self, account: Account) -> None:
        await self._accounts.save(account.id, account)

    async def list_managers(self, structure: str) -> Sequence[Account]:
        managing = {
            "structure": structure,
            "status": AttachmentStatus.VALIDEE.value,
            "manager": {"$in": [each.value for each in ManagerRole]},
        }
        return await self._accounts.list({"attachments": {"$elemMatch": managing}})

    async def load_roster(self, structure: str) -> Roster:
        return await self._rosters.find({"_id": structure}) or Roster(structure)

    async def save_roster(self, roster: Roster) -> None:
        await self._rosters.save(roster.structure, roster)

    async def find_structure(self, structure: str) -> Structure | None:
        row = await self._transaction.collection(STRUCTURES.collection).find_one(
            {"_id": structure}, session=self._session
        )
        return STRUCTURES.read(row) if row else None

    async def declare_structure(
        self, declared: Mapping[str, Any], by: str
    ) -> tuple[Violation, ...]:
        if self._write_structure is None:
            raise RuntimeError("structures are not declared here")
        return await self._write_structure(self._transaction, declared, by)

    async def load_request(self, request: str) -> HabilitationRequest | None:
        return await self._requests.find({"_id": request})

    async def save_request(self, request: HabilitationRequest) -> None:
        await self._requests.save(request.id, request)

    async def list_requests_of(self, user: str, structure: str) -> Sequence[HabilitationRequest]:
        wanted = {"user": user, "structure": structure, "status": _WAITING}
        return await self._requests.list(wanted)

    async def count_waiting(self, structure: str) -> int:
        asked = {"attachments": {"$elemMatch": {"structure": structure, "status": _ASKED}}}
        return await self._accounts.count(asked) + await self._requests.count(
            {"structure": structure, "status": _WAITING}
        )

    async def count_asked(self, user: str) -> int:
        return await self._requests.count({"user": user, "status": _WAITING})

    async def load_invitation(self, invitation: str) -> Invitation | None:
        return await self._invitations.find({"_id": invitation})

    async def find_invitation(self, token_hash: str) -> Invitation | None:
        return await self._invitations.find({"link.token_hash": token_hash})

    async def save_invitation(self, invitation: Invitation) -> None:
        await self._invitations.save(invitation.id, invitation)

    async def list_invitations_to(self, structure: str, email: str) -> Sequence[Invitation]:
        sent = LinkStatus.ENVOYEE.value
        wanted = {"structure": structure, "status": sent, "email": email}
        return await self._invitations.list(wanted)

    async def count_invitations(self, structure: str, since: datetime) -> int:
        return await self._invitations.count({"structure": structure, "invited_at": {"$gt": since}})

    async def find_activation(self, token_hash: str) -> Activation | None:
        return await self._activations.find({"link.token_hash": token_hash})

    async def has_activation(self, activation: str) -> bool:
        return await self._activations.count({"_id": activation}) > 0

    async def save_activation(self, activation: Activation) -> None:
        await self._activations.save(activation.id, activation)

    async def count_activations(self, identity: str, since: datetime) -> int:
        return await self._activations.count({"link.identity": identity, "sent_at": {"$gt": since}})

    async def load_claim(self, claim: str) -> Claim | None:
        return await self._claims.find({"_id": claim})

    async def save_claim(self, claim: Claim) -> None:
        await self._claims.save(claim.id, claim)

    async def count_claims(self, user: str) -> int:
        return await self._claims.count({"user": user, "status": _WAITING})

    async def find_due_attachments(self, structure: str, at: datetime) -> Sequence[Account]:
        due = {"structure": structure, "status": _ASKED, "remind_at": {"$lte": at}}
        return await self._accounts.list({"attachments": {"$elemMatch": due}})

    async def find_due_requests(
        self, structure: str, at: datetime
    ) -> Sequence[HabilitationRequest]:
        due = {"structure": structure, "status": _WAITING, "remind_at": {"$lte": at}}
        return await self._requests.list(due)

    async def queue_mail(self, mail: Mail) -> None:
        await self._mails.queue(self._transaction, mail)
