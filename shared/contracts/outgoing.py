"""Outgoing message of a use case, before the runtime adds its id, source and time."""

from dataclasses import dataclass

from shared.contracts.envelope import Payload
from shared.contracts.topics import Topic


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Payload with its topic, its key and its rank in the dossier.

    The runtime adds the event's id, time and source when it writes the outbox row.
    """

    topic: Topic
    key: str
    subject: str
    payload: Payload
    correlation_id: str
    dossier_id: str | None = None
    sequence: int | None = None
    causation_id: str | None = None
    act: str | None = None
    """Act of an actor whose outcome the message states: it is logged as a fact of its own."""
