"""Port of a transaction: audit trail, idempotency keys and outbox, the same for every feature."""

from collections.abc import Sequence
from typing import Protocol

from services.organisation.audit.domain.entries import AuditEntry
from shared.application.idempotency import Key, UsedKey
from shared.contracts.outgoing import Outgoing


class AuditedChange(Protocol):
    """One transaction: all that it writes, records and publishes is committed together."""

    async def record(self, entries: Sequence[AuditEntry]) -> None:
        """Append entries to the audit trail."""

    async def find_key_use(self, key: Key | None) -> UsedKey | None:
        """Find what an idempotency key was used for; None without a key."""

    async def record_key_use(self, key: Key | None, subject: str) -> None:
        """Record that an idempotency key was used; nothing without a key."""

    def publish(self, message: Outgoing) -> None:
        """Publish a message through the outbox, when the transaction commits."""
