"""The event of a mandate, which holds all of it but its file."""

from datetime import datetime

from shared.circuit.mandates import Mandate
from shared.contracts.organisation_v1 import MandateChanged
from shared.contracts.outgoing import Outgoing
from shared.contracts.topics import MANDAT


def build_state(mandate: Mandate, at: datetime, correlation_id: str) -> Outgoing:
    """Build the message of a mandate."""
    payload = MandateChanged(
        mandate=mandate.id,
        version=mandate.version,
        mandant=mandate.mandant,
        delegate=mandate.delegate,
        payer=mandate.payer,
        valid_from=mandate.valid_from,
        valid_until=mandate.valid_until,
        contracts=None if mandate.contracts is None else tuple(sorted(mandate.contracts)),
        closed_on=mandate.closed_on,
        at=at,
    )
    return Outgoing(
        topic=MANDAT,
        key=mandate.id,
        subject=mandate.id,
        payload=payload,
        correlation_id=correlation_id,
    )
