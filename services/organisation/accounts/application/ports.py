"""Ports of accounts: their store, and one transaction over it."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from services.organisation.accounts.domain.accounts import Account, AttachmentStatus, Roster
from services.organisation.accounts.domain.claims import Claim
from services.organisation.accounts.domain.links import Activation, Invitation, LinkStatus
from services.organisation.accounts.domain.requests import HabilitationRequest, RequestStatus
from services.organisation.audit.application.ports import AuditedChange
from services.organisation.structures.domain.structure import Structure
from shared.application.mail import Mail
from shared.application.uploads import FileStore
from shared.vocabulary.rules import Violation

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Search:
    """Page of a list, and the status that it is limited to."""

    after: str = ""
    """Cursor: where the previous page ended."""
    limit: int = 50


class AccountChange(AuditedChange, Protocol):
    """One transaction over accounts: what it saves, publishes and queues is committed together.

    What changes a structure's attachments or requests saves its roster too: two such transactions
    run one after the other.
    """

    async def load_account(self, user: str) -> Account | None:
        """Read an account by its id."""

    async def find_account(self, identity: str) -> Account | None:
        """Read the account of an identity."""

    async def save_account(self, account: Account) -> None:
        """Write the new version of an account."""

    async def list_managers(self, structure: str) -> Sequence[Account]:
        """Read the accounts of the managers of a structure, main and secondary."""

    async def load_roster(self, structure: str) -> Roster:
        """Read the roster of a structure; one without managers where there is none."""

    async def save_roster(self, roster: Roster) -> None:
        """Write the new version of a roster."""

    async def find_structure(self, structure: str) -> Structure | None:
        """Read a structure."""

    async def declare_structure(
        self, declared: Mapping[str, Any], by: str
    ) -> tuple[Violation, ...]:
        """Create a structure by an operator's decision. Returns the rules that it breaks."""

    async def load_request(self, request: str) -> HabilitationRequest | None:
        """Read a request for habilitations."""

    async def save_request(self, request: HabilitationRequest) -> None:
        """Write a request for habilitations."""

    async def list_requests_of(self, user: str, structure: str) -> Sequence[HabilitationRequest]:
        """List the requests of a user in a structure that wait."""

    async def count_waiting(self, structure: str) -> int:
        """Count what waits for a structure: attachments and habilitations."""

    async def count_asked(self, user: str) -> int:
        """Count the requests for habilitations of a user that wait."""

    async def load_invitation(self, invitation: str) -> Invitation | None:
        """Read an invitation."""

    async def find_invitation(self, token_hash: str) -> Invitation | None:
        """Read the invitation of a link."""

    async def save_invitation(self, invitation: Invitation) -> None:
        """Write an invitation."""

    async def list_invitations_to(self, structure: str, email: str) -> Sequence[Invitation]:
        """List the invitations of an address to a structure that were sent and not ended."""

    async def count_invitations(self, structure: str, since: datetime) -> int:
        """Count the invitations of a structure since a moment."""

    async def find_activation(self, token_hash: str) -> Activation | None:
        """Read the activation of a link."""

    async def has_activation(self, activation: str) -> bool:
        """Tell whether a link was sent for a request already."""

    async def save_activation(self, activation: Activation) -> None:
        """Write an activation."""

    async def count_activations(self, identity: str, since: datetime) -> int:
        """Count the activation links of an identity since a moment."""

    async def load_claim(self, claim: str) -> Claim | None:
        """Read a request of a structure."""

    async def save_claim(self, claim: Claim) -> None:
        """Write a request of a structure."""

    async def count_claims(self, user: str) -> int:
        """Count the requests of structures of a user that wait."""

    async def find_due_attachments(self, structure: str, at: datetime) -> Sequence[Account]:
        """Read the accounts whose request to be attached is due for a reminder."""

    async def find_due_requests(
        self, structure: str, at: datetime
    ) -> Sequence[HabilitationRequest]:
        """Read the requests for habilitations that are due for a reminder."""

    async def queue_mail(self, mail: Mail) -> None:
        """Queue a mail, sent once the transaction has committed."""


class Accounts(Protocol):
    """Store of accounts."""

    async def change(self, work: Callable[[AccountChange], Awaitable[T]]) -> T:
        """Run `work` in a transaction; it may run several times."""

    async def find_account(self, identity: str) -> Account | None:
        """Read the account of an identity."""

    async def list_attached(
        self, structure: str, status: AttachmentStatus | None, search: Search
    ) -> Sequence[Account]:
        """List the accounts that are attached to a structure, or ask to be, by id."""

    async def list_requests(
        self, structure: str, status: RequestStatus | None, search: Search
    ) -> Sequence[HabilitationRequest]:
        """List the requests for habilitations in a structure, oldest first."""

    async def list_own_requests(self, user: str, limit: int) -> Sequence[HabilitationRequest]:
        """List the requests for habilitations of a user that wait."""

    async def list_invitations(
        self, structure: str, status: LinkStatus | None, search: Search
    ) -> Sequence[Invitation]:
        """List the invitations of a structure, oldest first."""

    async def list_claims(
        self, user: str | None, status: RequestStatus | None, search: Search
    ) -> Sequence[Claim]:
        """List the requests of structures, oldest first; those of a user, or of all."""

    async def find_claim(self, claim: str) -> Claim | None:
        """Read a request of a structure."""

    async def find_emails(self, users: Collection[str]) -> Mapping[str, tuple[str, str]]:
        """Find the address and the name of accounts, by id."""

    async def find_structure_names(self, structures: Collection[str]) -> Mapping[str, str]:
        """Find the names of structures, by id."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds and durations that an operator sets."""

    remind_after: timedelta
    """Time after which managers are reminded of a request that waits, and again."""
    link_life: timedelta
    """Time for which a link that was sent by e-mail can be used."""
    invitations_a_day: int
    """Limit of the invitations of a structure in a day."""
    waiting: int
    """Limit of the requests that wait for one structure."""
    asked: int
    """Limit of the requests for habilitations of one user that wait."""
    activations_a_day: int
    """Limit of the activation links sent to one address in a day."""


NOTHING_ASKED = Limits(timedelta(), timedelta(), 0, 0, 0, 0)
"""Limits of a command, which asks for nothing and sends no link."""


@dataclass(frozen=True, slots=True)
class AccountPorts:
    """Dependencies of the use cases of accounts."""

    accounts: Accounts
    vault: FileStore
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    create_token: Callable[[], str]
    origin: str
    """Origin of the links in mails."""
    limits: Limits
