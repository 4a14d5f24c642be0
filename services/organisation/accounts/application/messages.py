"""The event of an account: what it may do, without name or address."""

from datetime import datetime

from services.organisation.accounts.domain.accounts import Account, Attachment
from shared.contracts.organisation_v1 import AttachmentV1, HabilitationV1, PrincipalChanged
from shared.contracts.outgoing import Outgoing
from shared.contracts.topics import HABILITATION
from shared.rights.model import PrincipalKind


def build_state(account: Account, at: datetime, correlation_id: str) -> Outgoing:
    """Build the message of an account, which holds the whole of what it may do."""
    payload = PrincipalChanged(
        principal=account.id,
        version=account.version,
        identity=account.identity,
        kind=PrincipalKind.USER,
        active=account.is_active,
        attachments=tuple(_build_attachment(each) for each in _list_active(account)),
        platform_roles=tuple(sorted(account.platform_roles)),
        at=at,
    )
    return Outgoing(
        topic=HABILITATION,
        key=account.id,
        subject=account.id,
        payload=payload,
        correlation_id=correlation_id,
    )


def _list_active(account: Account) -> list[Attachment]:
    active = [each for each in account.attachments if each.is_active and account.is_active]
    return sorted(active, key=lambda each: each.structure)


def _build_attachment(attachment: Attachment) -> AttachmentV1:
    return AttachmentV1(
        structure=attachment.structure,
        manager=attachment.manager,
        habilitations=tuple(
            HabilitationV1(application=each.application, level=each.level, service=each.service)
            for each in attachment.habilitations
        ),
    )
