"""Answers of the routes of accounts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Self

from pydantic import Field

from services.organisation.accounts.application.attachments import AttachedUser
from services.organisation.accounts.domain.accounts import Account, Attachment, AttachmentStatus
from services.organisation.accounts.domain.claims import Claim
from services.organisation.accounts.domain.links import Invitation, LinkStatus
from services.organisation.accounts.domain.requests import HabilitationRequest, RequestStatus
from services.organisation.audit.domain.entries import Detail, RecordedEntry
from shared.answers.answer import Answer
from shared.rights.catalogue import ApplicationEntry
from shared.rights.model import Level, ManagerRole, PlatformRole
from shared.vocabulary.structures import IdentifierType, StructureKind

_NEXT = "À redonner dans `after` ; absent sur la dernière page."
People = Mapping[str, tuple[str, str]]
"""Address and name of accounts, by id."""
Names = Mapping[str, str]
"""Names of structures, by id."""


class HabilitationAnswer(Answer):
    """A habilitation: a level on an application, for one service or for all."""

    application: str
    level: Level
    service: str | None


class _Attachment(Answer):
    structure_id: str
    status: AttachmentStatus
    version: int
    manager: ManagerRole | None
    has_public_management_account: bool = Field(
        description="Un compte au portail internet de la gestion publique (PIGP) est enregistré."
    )
    habilitations: list[HabilitationAnswer]
    asked_at: datetime
    decided_at: datetime | None
    reason: str


class AttachmentAnswer(_Attachment):
    """An attachment of one's own."""

    structure_name: str

    @classmethod
    def of(cls, attachment: Attachment, names: Names) -> Self:
        """Show an attachment."""
        name = names.get(attachment.structure, attachment.structure)
        return cls.model_validate({**_show_attachment(attachment), "structure_name": name})


class AttachedUserAnswer(_Attachment):
    """A user who is attached to a structure, or asks to be."""

    user_id: str
    email: str
    name: str

    @classmethod
    def of(cls, account: Account, attachment: Attachment) -> Self:
        """Show a user and the attachment."""
        return cls.model_validate(
            {
                **_show_attachment(attachment),
                "user_id": account.id,
                "email": account.email,
                "name": account.name,
            }
        )

    @classmethod
    def show(cls, attached: AttachedUser) -> Self:
        """Show the result of a use case."""
        return cls.of(attached.account, attached.attachment)


class AttachedUsersAnswer(Answer):
    """A page of the users of a structure."""

    attachments: list[AttachedUserAnswer]
    next: str | None = Field(description=_NEXT)


class HabilitationRequestAnswer(Answer):
    """A request for habilitations."""

    request_id: str
    structure_id: str
    user_id: str
    email: str
    name: str
    habilitations: list[HabilitationAnswer]
    status: RequestStatus
    asked_at: datetime
    decided_at: datetime | None
    reason: str

    @classmethod
    def of(cls, request: HabilitationRequest, people: People) -> Self:
        """Show a request."""
        email, name = people.get(request.user, ("", ""))
        return cls(
            request_id=request.id,
            structure_id=request.structure,
            user_id=request.user,
            email=email,
            name=name,
            habilitations=_show_habilitations(request.habilitations),
            status=request.status,
            asked_at=request.asked_at,
            decided_at=request.decided_at,
            reason=request.reason,
        )


class HabilitationRequestsAnswer(Answer):
    """A page of the requests for habilitations in a structure."""

    requests: list[HabilitationRequestAnswer]
    next: str | None = Field(description=_NEXT)


class AccountAnswer(Answer):
    """One's own account."""

    user_id: str | None = Field(description="Absent tant que la personne n'est pas inscrite.")
    email: str
    name: str
    platform_roles: list[PlatformRole]
    attachments: list[AttachmentAnswer]
    requests: list[HabilitationRequestAnswer] = Field(
        description="Demandes d'habilitation qui attendent."
    )

    @classmethod
    def of(
        cls, account: Account, names: Names, requests: Sequence[HabilitationRequest] = ()
    ) -> Self:
        """Show an account."""
        people = {account.id: (account.email, account.name)}
        return cls(
            user_id=account.id,
            email=account.email,
            name=account.name,
            platform_roles=sorted(account.platform_roles),
            attachments=[AttachmentAnswer.of(each, names) for each in account.attachments],
            requests=[HabilitationRequestAnswer.of(each, people) for each in requests],
        )

    @classmethod
    def show_unregistered(cls, email: str, name: str) -> Self:
        """Show a person who has no account yet."""
        return cls(
            user_id=None, email=email, name=name, platform_roles=[], attachments=[], requests=[]
        )


class InvitationAnswer(Answer):
    """An invitation; its link is in the mail alone."""

    invitation_id: str
    structure_id: str
    email: str
    manager: ManagerRole | None
    habilitations: list[HabilitationAnswer]
    status: LinkStatus
    invited_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, invitation: Invitation) -> Self:
        """Show an invitation."""
        return cls(
            invitation_id=invitation.id,
            structure_id=invitation.structure,
            email=invitation.email,
            manager=invitation.approval.manager,
            habilitations=_show_habilitations(invitation.approval.build_habilitations()),
            status=invitation.status,
            invited_at=invitation.invited_at,
            expires_at=invitation.link.expires_at,
        )


class InvitationsAnswer(Answer):
    """A page of the invitations of a structure."""

    invitations: list[InvitationAnswer]
    next: str | None = Field(description=_NEXT)


class ProofAnswer(Answer):
    """The file that proves who asks for a structure."""

    sha256: str
    name: str
    size_bytes: int
    media_type: str


class StructureRequestAnswer(Answer):
    """A request of a structure, with its proof."""

    request_id: str
    structure_id: str
    identifier_type: IdentifierType
    identifier: str
    name: str
    kind: StructureKind
    proof: ProofAnswer
    user_id: str
    email: str
    user_name: str
    status: RequestStatus
    asked_at: datetime
    decided_at: datetime | None
    reason: str

    @classmethod
    def of(cls, claim: Claim, people: People) -> Self:
        """Show a request."""
        email, name = people.get(claim.user, ("", ""))
        return cls.model_validate(
            {
                **claim.declared,
                "request_id": claim.id,
                "structure_id": claim.structure,
                "proof": claim.proof,
                "user_id": claim.user,
                "email": email,
                "user_name": name,
                "status": claim.status,
                "asked_at": claim.asked_at,
                "decided_at": claim.decided_at,
                "reason": claim.reason,
            }
        )


class StructureRequestsAnswer(Answer):
    """A page of the requests of structures."""

    requests: list[StructureRequestAnswer]
    next: str | None = Field(description=_NEXT)


class ApplicationAnswer(Answer):
    """An application, for which a habilitation is given."""

    application: str
    label: str
    levels: list[Level]


class DomainAnswer(Answer):
    """A domain of applications."""

    domain: str
    label: str
    applications: list[ApplicationAnswer]


class ApplicationsAnswer(Answer):
    """The catalogue of domains and applications."""

    domains: list[DomainAnswer]

    @classmethod
    def of(cls, entries: Sequence[ApplicationEntry]) -> Self:
        """Show the catalogue, by domain."""
        labels = {each.domain: each.domain_label for each in entries}
        return cls(
            domains=[
                DomainAnswer(
                    domain=domain,
                    label=label,
                    applications=[
                        ApplicationAnswer(
                            application=each.code, label=each.label, levels=list(each.levels)
                        )
                        for each in entries
                        if each.domain == domain
                    ],
                )
                for domain, label in labels.items()
            ]
        )


class AuditEntryAnswer(Answer):
    """An entry of the audit trail of a structure."""

    rank: int
    act: str
    by: str = Field(description="Identifiant du compte ou de la machine, ou `plateforme`.")
    at: datetime
    details: dict[str, Detail]
    hash: str

    @classmethod
    def of(cls, recorded: RecordedEntry) -> Self:
        """Show an entry."""
        entry = recorded.entry
        return cls(
            rank=recorded.rank,
            act=entry.act,
            by=entry.by,
            at=entry.at,
            details=dict(entry.details),
            hash=recorded.hash,
        )


class AuditAnswer(Answer):
    """A page of the audit trail of a structure, oldest first."""

    entries: list[AuditEntryAnswer]
    next: int | None = Field(description=_NEXT)


def _show_attachment(attachment: Attachment) -> Mapping[str, object]:
    return {
        "structure_id": attachment.structure,
        "status": attachment.status,
        "version": attachment.version,
        "manager": attachment.manager,
        "has_public_management_account": attachment.has_public_management_account,
        "habilitations": _show_habilitations(attachment.habilitations),
        "asked_at": attachment.asked_at,
        "decided_at": attachment.decided_at,
        "reason": attachment.reason,
    }


def _show_habilitations(habilitations: Sequence[object]) -> list[HabilitationAnswer]:
    return [HabilitationAnswer.model_validate(each) for each in habilitations]
