"""An account, its attachments to structures, and the roster of a structure."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from shared.rights.catalogue import ORGANISATION
from shared.rights.model import Habilitation, Level, ManagerRole, PlatformRole

ATTACHMENTS_LIMIT = 50
"""Limit of the structures to which a user is attached, or asks to be."""
HABILITATIONS_LIMIT = 100
"""Limit of the habilitations of a user in one structure."""
_ENDED_KEPT = 50
"""Ended attachments that an account keeps; the audit trail keeps all of them."""


class AttachmentStatus(StrEnum):
    """Status of an attachment, as on the portal."""

    EN_COURS_DE_VALIDATION = "EN_COURS_DE_VALIDATION"
    VALIDEE = "VALIDEE"
    REFUSEE = "REFUSEE"
    DESACTIVEE = "DESACTIVEE"
    """Ended by the structure."""
    SUPPRIMEE = "SUPPRIMEE"
    """Ended, or withdrawn, by the user."""


_OPEN = (AttachmentStatus.EN_COURS_DE_VALIDATION, AttachmentStatus.VALIDEE)


@dataclass(frozen=True, slots=True)
class Attachment:
    """Attachment of a user to a structure: its status, and what the user may do there."""

    structure: str
    status: AttachmentStatus
    asked_at: datetime
    version: int = 1
    manager: ManagerRole | None = None
    habilitations: tuple[Habilitation, ...] = ()
    decided_at: datetime | None = None
    decided_by: str | None = None
    reason: str = ""
    """Why it was refused or ended, for the user."""
    remind_at: datetime | None = None
    """When the managers are reminded of a request that waits."""
    has_public_management_account: bool = False
    """Whether an account of the user on the PIGP, the public management's portal, is recorded."""

    @property
    def is_active(self) -> bool:
        """Whether the user may act for the structure."""
        return self.status is AttachmentStatus.VALIDEE

    @property
    def is_waiting(self) -> bool:
        """Whether somebody must decide about it."""
        return self.status is AttachmentStatus.EN_COURS_DE_VALIDATION

    @property
    def can_decide(self) -> bool:
        """Whether the user decides for the structure: requests, invitations, habilitations.

        A main manager, or who has `organisation` in modification.
        """
        return self.is_active and (
            self.manager is ManagerRole.PRINCIPAL
            or any(
                each.application == ORGANISATION
                and each.level is Level.MODIFICATION
                and each.service is None
                for each in self.habilitations
            )
        )

    def decide(self, by: str, at: datetime) -> "Attachment":
        """Build the next version, in which somebody has decided something."""
        return replace(self, version=self.version + 1, decided_by=by, decided_at=at)


@dataclass(frozen=True, slots=True)
class Account:
    """Account of a user, known by an e-mail address."""

    id: str
    email: str
    """The address, in the form that identifies (`normalise_email`)."""
    identity: str
    """SHA-256 of the address, by which services recognise the user."""
    name: str
    created_at: datetime
    version: int = 1
    is_active: bool = True
    platform_roles: frozenset[PlatformRole] = frozenset()
    attachments: tuple[Attachment, ...] = ()

    def find(self, structure: str) -> Attachment | None:
        """Find the attachment to a structure, in whatever status."""
        return next((each for each in self.attachments if each.structure == structure), None)

    def find_active(self, structure: str) -> Attachment | None:
        """Find the attachment to a structure for which the user may act."""
        found = self.find(structure)
        return found if found and found.is_active and self.is_active else None

    @property
    def open_attachments(self) -> tuple[Attachment, ...]:
        """Attachments that hold, or wait for a decision."""
        return tuple(each for each in self.attachments if each.status in _OPEN)

    def put(self, attachment: Attachment) -> "Account":
        """Build the next version, with this attachment in the place of the one before."""
        others = tuple(each for each in self.attachments if each.structure != attachment.structure)
        kept = _drop_old_ends((*others, attachment))
        return replace(self, version=self.version + 1, attachments=kept)


@dataclass(frozen=True, slots=True)
class Roster:
    """Main managers of a structure: what decisions about it are taken upon, one after the other."""

    structure: str
    version: int = 0
    main_managers: frozenset[str] = field(default_factory=frozenset)
    """Ids of their accounts."""

    @property
    def is_managed(self) -> bool:
        """Whether somebody can decide for the structure."""
        return bool(self.main_managers)

    def is_last(self, user: str) -> bool:
        """Tell whether a user is the last main manager."""
        return self.main_managers == {user}

    def renew(self) -> "Roster":
        """Build the next version, where no main manager comes or goes."""
        return replace(self, version=self.version + 1)

    def take_note(self, account: Account) -> "Roster":
        """Build the next version, once an account has changed."""
        attachment = account.find_active(self.structure)
        is_main = attachment is not None and attachment.manager is ManagerRole.PRINCIPAL
        others = self.main_managers - {account.id}
        return replace(
            self,
            version=self.version + 1,
            main_managers=others | {account.id} if is_main else others,
        )


@dataclass(frozen=True, slots=True)
class Decider:
    """Who decides for a structure, as the transaction reads it: an account, or a machine."""

    id: str
    can_decide: bool
    is_main_manager: bool = False

    @classmethod
    def of(cls, account: Account, structure: str) -> "Decider":
        """Read what an account may decide for a structure."""
        attachment = account.find_active(structure)
        if attachment is None:
            return cls(account.id, can_decide=False)
        return cls(
            account.id,
            attachment.can_decide,
            is_main_manager=attachment.manager is ManagerRole.PRINCIPAL,
        )


def postpone_reminder(account: Account, structure: str, until: datetime) -> Account:
    """Set the next reminder of a request to be attached. What the user may do stays as it is."""
    return replace(
        account,
        attachments=tuple(
            replace(each, remind_at=until) if each.structure == structure else each
            for each in account.attachments
        ),
    )


def _drop_old_ends(attachments: Iterable[Attachment]) -> tuple[Attachment, ...]:
    """Keep every open attachment, and the latest of those that have ended."""
    in_order = sorted(attachments, key=lambda each: each.asked_at)
    ended = [each for each in in_order if each.status not in _OPEN]
    dropped = {each.structure for each in ended[:-_ENDED_KEPT]}
    return tuple(each for each in in_order if each.structure not in dropped)
