"""Transaction of a feature: audit trail, idempotency keys and outbox, the same for every one."""

from collections.abc import Sequence

from services.organisation.audit.adapters.mongo import record
from services.organisation.audit.domain.entries import AuditEntry
from shared.application.idempotency import Key, UsedKey
from shared.contracts.outgoing import Outgoing
from shared.runtime.store.database import Transaction
from shared.runtime.store.idempotency_keys import find_key_use, record_key_use


class MongoAuditedChange:
    """One transaction, with what every feature does in it besides its own documents."""

    def __init__(self, transaction: Transaction) -> None:
        """Work within this transaction."""
        self._transaction = transaction
        self._session = transaction.session

    async def record(self, entries: Sequence[AuditEntry]) -> None:
        await record(self._transaction, entries)

    async def find_key_use(self, key: Key | None) -> UsedKey | None:
        return await find_key_use(self._transaction, key)

    async def record_key_use(self, key: Key | None, subject: str) -> None:
        await record_key_use(self._transaction, key, subject)

    def publish(self, message: Outgoing) -> None:
        self._transaction.publish(message)
