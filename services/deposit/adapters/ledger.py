"""Group commit of deposits: those that arrive together share one transaction.

The store limits the throughput of deposits, not HTTP: a transaction costs about the same for one
piece as for a hundred. Duplicates are removed from the group first, as one of them would abort the
whole transaction.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import Histogram

from services.deposit.adapters.documents import (
    PIECES,
    build_number_id,
    from_completion,
    list_files,
)
from services.deposit.adapters.pieces import RANKS
from services.deposit.adapters.settlements import find_settlements, record_settlements
from services.deposit.application.messages import build_addition_message, build_deposit_message
from services.deposit.application.ports import (
    RecordedAddition,
    RecordedDeposit,
    Refusal,
    SaturatedError,
)
from services.deposit.domain.piece import Completion, Piece
from shared.application.idempotency import Key, UsedKey
from shared.runtime.store.database import Store, Transaction
from shared.runtime.store.driver import BulkWriteError, DuplicateKeyError, UpdateOne
from shared.runtime.store.idempotency_keys import (
    find_key_use,
    find_key_uses,
    record_key_use,
    record_key_uses,
    transact_once,
)
from shared.runtime.store.schema import SCHEMA
from shared.runtime.tracing.spans import RootSpan, get_current_root, run_under

GROUP_SIZE = Histogram(
    "aiguillage_deposit_group_size",
    "Deposits kept by one transaction",
    buckets=(1, 2, 5, 10, 25, 50, 100, 200),
)

_TRANSACTION_S = 10.0
_OUTCOME_TIMEOUT_S = 15.0
_DUPLICATE_KEY = 11000

Outcome = RecordedDeposit | Refusal


@dataclass(frozen=True, slots=True)
class PendingDeposit:
    """A deposit that waits for its transaction."""

    piece: Piece
    key: Key | None
    level: int
    """Level of the state of the dossier by which it was judged."""
    outcome: "asyncio.Future[Outcome]"
    root: RootSpan | None
    """Root span of the request that sent the deposit; its transaction writes other deposits too."""
    freed: frozenset[str] = frozenset()
    """Pieces that were refused: the deposit may take over the dossiers that they settled."""

    @property
    def number_id(self) -> str:
        """Unique key of the number of the piece."""
        draft = self.piece.draft
        return build_number_id(draft.depositor.structure, draft.number)


class MongoLedger:
    """Writes deposits, in groups, and completions."""

    def __init__(self, store: Store, *, max_group: int, max_waiting: int) -> None:
        """Prepare a ledger; `run` writes the deposits that `record` queues."""
        self._store = store
        self._max_group = max_group
        self._waiting: asyncio.Queue[PendingDeposit] = asyncio.Queue(max_waiting)

    async def record(
        self, piece: Piece, key: Key | None, level: int, freed: frozenset[str] = frozenset()
    ) -> Outcome:
        """Queue a deposit for the next transaction, and wait for its outcome.

        Raises SaturatedError when the queue is full, and TimeoutError when no outcome comes in
        time.
        """
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        entry = PendingDeposit(piece, key, level, outcome, get_current_root(), freed)
        try:
            self._waiting.put_nowait(entry)
        except asyncio.QueueFull:
            raise SaturatedError from None
        # The timeout cancels the future, and `run` leaves out deposits whose future is done.
        return await asyncio.wait_for(entry.outcome, _OUTCOME_TIMEOUT_S)

    async def run(self) -> None:
        """Write the queued deposits, group after group, until cancelled."""
        while True:
            group = [await self._waiting.get()]
            while len(group) < self._max_group and not self._waiting.empty():
                group.append(self._waiting.get_nowait())
            await self._settle([entry for entry in group if not entry.outcome.done()])

    async def complete(
        self, piece: Piece, completion: Completion, key: Key | None, level: int
    ) -> RecordedAddition:
        """Write a completion or a contest, unless its key was used or the dossier has one."""

        async def work(transaction: Transaction) -> RecordedAddition:
            if used := await find_key_use(transaction, key):
                return RecordedAddition(is_written=False, used=used)
            transaction.raise_level(level)
            unanswered = {
                "_id": piece.id,
                "piece.completions.dossier_version": {"$ne": completion.dossier_version},
            }
            result = await transaction.collection(PIECES.collection).update_one(
                unanswered,
                {
                    "$push": {
                        "piece.completions": from_completion(completion),
                        "files": {"$each": list_files(completion)},
                    },
                    "$max": {SCHEMA: transaction.level},
                },
                session=transaction.session,
            )
            if not result.modified_count:
                return RecordedAddition(is_written=False)
            ranks = await self._read_ranks(transaction, [piece.dossier_id])
            rank = ranks[piece.dossier_id] + 1
            transaction.publish(build_addition_message(piece, completion, rank))
            await self._keep_ranks(transaction, {piece.dossier_id: rank})
            await record_key_use(transaction, key, str(completion.dossier_version))
            return RecordedAddition(is_written=True)

        return await asyncio.wait_for(transact_once(self._store, work), _TRANSACTION_S)

    async def _settle(self, group: Sequence[PendingDeposit]) -> None:
        try:
            outcomes = await self._keep(group)
        except Exception as error:  # noqa: BLE001 - raised in each request that waits
            for entry in group:
                if not entry.outcome.done():
                    entry.outcome.set_exception(error)
            return
        for entry, outcome in zip(group, outcomes, strict=True):
            if not entry.outcome.done():
                entry.outcome.set_result(outcome)

    async def _keep(self, group: Sequence[PendingDeposit]) -> list[Outcome]:
        outcomes = await self._decide_outcomes(group)
        fresh = [entry for entry in group if outcomes[entry.piece.id] == _build_outcome(entry)]
        try:
            if fresh:
                await asyncio.wait_for(self._commit(fresh), _TRANSACTION_S)
        except (DuplicateKeyError, BulkWriteError) as error:
            # Another replica has just used the same number or key, or settled the same dossier.
            # Retried one by one, only the duplicates are refused.
            if not _is_duplicate(error):
                raise
            if len(group) == 1:
                return await self._recheck(group[0], error)
            return [outcome for entry in group for outcome in await self._keep([entry])]
        return [outcomes[entry.piece.id] for entry in group]

    async def _recheck(self, entry: PendingDeposit, error: Exception) -> list[Outcome]:
        outcome = (await self._decide_outcomes([entry]))[entry.piece.id]
        if outcome == _build_outcome(entry):
            raise error
        return [outcome]

    async def _decide_outcomes(self, group: Sequence[PendingDeposit]) -> dict[str, Outcome]:
        """Decide the outcome of each deposit, by the store and by those before it in the group."""
        keys = await find_key_uses(self._store, [entry.key for entry in group if entry.key])
        numbers = await self._find_numbers(group)
        claims = await self._find_settlements(group)
        outcomes: dict[str, Outcome] = {}
        for entry in group:
            key, piece = entry.key, entry.piece
            if key and (used := keys.get(key.id)):
                is_same = used.is_of(key)
                again = RecordedDeposit(used.subject, is_replay=True)
                outcomes[piece.id] = again if is_same else Refusal.KEY_REUSED
            elif entry.number_id in numbers:
                outcomes[piece.id] = Refusal.NUMBER_SPENT
            elif any(claims.get(each, "") not in {"", *entry.freed} for each in _settles(entry)):
                outcomes[piece.id] = Refusal.ALREADY_SETTLED
            else:
                outcomes[piece.id] = _build_outcome(entry)
                numbers.add(entry.number_id)
                claims |= dict.fromkeys(_settles(entry), piece.id)
                if key:
                    keys[key.id] = UsedKey(key.fingerprint, piece.id)
        return outcomes

    async def _find_numbers(self, group: Sequence[PendingDeposit]) -> set[str]:
        wanted = [entry.number_id for entry in group]
        found = self._store.collection(PIECES.collection).find(
            {"number_id": {"$in": wanted}}, {"number_id": 1}
        )
        return {row["number_id"] async for row in found}

    async def _find_settlements(self, group: Sequence[PendingDeposit]) -> dict[str, str]:
        wanted = {dossier for entry in group for dossier in _settles(entry)}
        return dict(await find_settlements(self._store, wanted)) if wanted else {}

    async def _commit(self, entries: Sequence[PendingDeposit]) -> None:
        async def work(transaction: Transaction) -> None:
            session = transaction.session
            transaction.raise_level(max(entry.level for entry in entries))
            dossiers = {entry.piece.dossier_id for entry in entries}
            ranks = await self._read_ranks(transaction, dossiers)
            for entry in entries:
                ranks[entry.piece.dossier_id] += 1
                message = build_deposit_message(entry.piece, ranks[entry.piece.dossier_id])
                with run_under(entry.root):
                    transaction.publish(message)
            rows = [PIECES.write(entry.piece, transaction.level) for entry in entries]
            await transaction.collection(PIECES.collection).insert_many(rows, session=session)
            uses = [(entry.key, entry.piece.id) for entry in entries if entry.key]
            await record_key_uses(transaction, uses)
            await record_settlements(transaction, [(entry.piece, entry.freed) for entry in entries])
            await self._keep_ranks(transaction, ranks)

        await self._store.transaction(work)
        GROUP_SIZE.observe(len(entries))

    async def _read_ranks(
        self, transaction: Transaction, dossiers: Sequence[str] | set[str]
    ) -> dict[str, int]:
        """Read the rank of the last event of each dossier.

        A transaction that writes a rank conflicts with any other that has written it since.
        """
        found = transaction.collection(RANKS).find(
            {"_id": {"$in": list(dossiers)}}, session=transaction.session
        )
        return dict.fromkeys(dossiers, 0) | {row["_id"]: row["told"] async for row in found}

    async def _keep_ranks(self, transaction: Transaction, ranks: dict[str, int]) -> None:
        await transaction.collection(RANKS).bulk_write(
            [
                UpdateOne({"_id": dossier}, {"$set": {"told": rank}}, upsert=True)
                for dossier, rank in ranks.items()
            ],
            ordered=False,
            session=transaction.session,
        )


def _build_outcome(entry: PendingDeposit) -> Outcome:
    return RecordedDeposit(entry.piece.id, is_replay=False)


def _settles(entry: PendingDeposit) -> tuple[str, ...]:
    return entry.piece.draft.settles


def _is_duplicate(error: DuplicateKeyError | BulkWriteError) -> bool:
    if isinstance(error, DuplicateKeyError):
        return True
    errors = (error.details or {}).get("writeErrors", [])
    return any(each.get("code") == _DUPLICATE_KEY for each in errors)
