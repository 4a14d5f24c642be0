"""The event of a machine: a principal whose habilitations are its scopes in each structure."""

from datetime import datetime

from services.organisation.machines.domain.machines import Machine
from shared.contracts.organisation_v1 import AttachmentV1, HabilitationV1, PrincipalChanged
from shared.contracts.outgoing import Outgoing
from shared.contracts.topics import HABILITATION
from shared.rights.identity import compute_identity
from shared.rights.model import PrincipalKind


def build_state(machine: Machine, at: datetime, correlation_id: str) -> Outgoing:
    """Build the message of a machine, which holds the whole of what it may do."""
    payload = PrincipalChanged(
        principal=machine.client_id,
        version=machine.version,
        identity=compute_identity(PrincipalKind.MACHINE, machine.client_id),
        kind=PrincipalKind.MACHINE,
        active=machine.is_active,
        attachments=tuple(
            AttachmentV1(
                structure=structure,
                habilitations=tuple(
                    HabilitationV1(application=each.application, level=each.level)
                    for each in scopes
                ),
            )
            for structure, scopes in sorted(machine.grants.items())
        ),
        at=at,
    )
    return Outgoing(
        topic=HABILITATION,
        key=machine.client_id,
        subject=machine.client_id,
        payload=payload,
        correlation_id=correlation_id,
    )
