"""The ledger by itself: replicas that race, and more deposits than it can keep."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from deploy.local import Platform
from services.deposit.adapters.ledger import MongoLedger
from services.deposit.adapters.pieces import MongoPieces
from services.deposit.application.ports import RecordedDeposit, Refusal, SaturatedError
from services.deposit.domain.piece import Completion, Piece
from shared.application.idempotency import Key
from shared.runtime.clock import build_clock
from shared.runtime.ids import new_id
from shared.runtime.store.database import Store
from shared.vocabulary.levels import LEVEL
from shared.vocabulary.roles import Role
from tests.kit.outbox import read_outbox
from tests.unit.deposit.builders import a_piece

clock = build_clock()


def numbered(number: str) -> Piece:
    piece = a_piece(id_=new_id())
    return replace(piece, dossier_id=new_id(), draft=replace(piece.draft, number=number))


@pytest.fixture
async def store(platform: Platform) -> AsyncIterator[Store]:
    async with Store(platform.addresses.mongo, "ledger", clock) as own:
        await MongoPieces(own).prepare()
        yield own


@asynccontextmanager
async def running(store: Store, number: int) -> AsyncIterator[list[MongoLedger]]:
    """Run as many replicas of the ledger."""
    ledgers = [MongoLedger(store, max_group=50, max_waiting=100) for _ in range(number)]
    tasks = [asyncio.create_task(ledger.run()) for ledger in ledgers]
    try:
        yield ledgers
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_when_replicas_race_for_a_number_one_wins_and_no_neighbour_suffers(
    store: Store,
) -> None:
    async with running(store, 3) as ledgers:
        for turn in range(10):
            contested = [ledger.record(numbered(f"X-{turn}"), None, LEVEL) for ledger in ledgers]
            calm = [
                ledger.record(numbered(f"N-{turn}-{rank}-{n}"), None, LEVEL)
                for rank, ledger in enumerate(ledgers)
                for n in range(5)
            ]
            outcomes = await asyncio.gather(*contested, *calm)

            raced, kept = outcomes[:3], outcomes[3:]
            assert sum(isinstance(each, RecordedDeposit) for each in raced) == 1
            assert raced.count(Refusal.NUMBER_SPENT) == 2
            assert all(isinstance(each, RecordedDeposit) for each in kept)
    rows = store.collection("pieces").find({"number_key": {"$regex": "^[XN]-"}})
    assert len(await rows.to_list(None)) == 160


def settling(*dossiers: str) -> Piece:
    piece = numbered(new_id())
    return replace(piece, draft=replace(piece.draft, settles=dossiers))


async def test_when_replicas_race_to_settle_a_dossier_one_wins(store: Store) -> None:
    async with running(store, 3) as ledgers:
        for _ in range(10):
            contested, own = new_id(), [new_id() for _ in ledgers]
            pieces = [settling(each, contested) for each in own]
            outcomes = await asyncio.gather(
                *(
                    ledger.record(piece, None, LEVEL)
                    for ledger, piece in zip(ledgers, pieces, strict=True)
                )
            )

            (winner,) = (each.piece_id for each in outcomes if isinstance(each, RecordedDeposit))
            assert outcomes.count(Refusal.ALREADY_SETTLED) == 2
            # Those who lose keep nothing: the dossiers that they alone settle stay free.
            rows = store.collection("settlements").find({"_id": {"$in": [contested, *own]}})
            assert [row["piece_id"] async for row in rows] == [winner, winner]
            kept = store.collection("pieces").find({"_id": {"$in": [each.id for each in pieces]}})
            assert [row["_id"] async for row in kept] == [winner]


async def test_when_replicas_race_to_take_a_settlement_over_one_wins(store: Store) -> None:
    async with running(store, 3) as ledgers:
        for _ in range(10):
            dossier = new_id()
            rejected = settling(dossier)
            await ledgers[0].record(rejected, None, LEVEL)
            freed = frozenset({rejected.id})

            outcomes = await asyncio.gather(
                *(ledger.record(settling(dossier), None, LEVEL, freed) for ledger in ledgers)
            )

            (winner,) = (each.piece_id for each in outcomes if isinstance(each, RecordedDeposit))
            assert outcomes.count(Refusal.ALREADY_SETTLED) == 2
            row = await store.collection("settlements").find_one({"_id": dossier})
            assert row
            assert row["piece_id"] == winner


async def test_when_replicas_race_for_a_key_all_get_the_piece_of_the_winner(store: Store) -> None:
    key = Key("moe|structure", new_id(), "fingerprint")
    async with running(store, 3) as ledgers:
        number = new_id()
        outcomes = await asyncio.gather(
            *(ledger.record(numbered(number), key, LEVEL) for ledger in ledgers)
        )

    assert all(isinstance(each, RecordedDeposit) for each in outcomes)
    assert len({each.piece_id for each in outcomes if isinstance(each, RecordedDeposit)}) == 1
    assert sum(isinstance(each, RecordedDeposit) and each.is_replay for each in outcomes) == 2


async def test_a_key_is_the_structures_in_one_role_in_one_transaction_too(store: Store) -> None:
    text = new_id()
    keys = [Key(f"{role}|structure", text, "fingerprint") for role in (Role.MOE, Role.MOA) * 2]
    numbers = [new_id(), new_id()] * 2
    async with running(store, 1) as [ledger]:
        outcomes = await asyncio.gather(
            *(
                ledger.record(numbered(number), key, LEVEL)
                for number, key in zip(numbers, keys, strict=True)
            )
        )

    kept = [each for each in outcomes if isinstance(each, RecordedDeposit)]
    assert [each.is_replay for each in kept] == [False, False, True, True]
    moe, moa, moe_again, moa_again = (each.piece_id for each in kept)
    assert (moe_again, moa_again) == (moe, moa)
    assert moe != moa


async def test_a_piece_is_written_at_the_level_of_the_state_that_it_was_judged_by(
    store: Store,
) -> None:
    piece = numbered(new_id())
    completion = Completion((), "voici", clock(), "2" * 64, 4)
    async with running(store, 1) as (ledger,):
        await ledger.record(piece, None, LEVEL)
        await ledger.record(numbered(new_id()), None, LEVEL + 1)
        await ledger.complete(piece, completion, None, LEVEL + 1)

    rows = [row async for row in store.collection("pieces").find({}).sort("_id", -1).limit(2)]
    assert [row["schema"] for row in rows] == [LEVEL + 1, LEVEL + 1]
    told = [json.loads(each["value"]) for each in await read_outbox(store)][-3:]
    assert [each["level"] for each in told] == [LEVEL, LEVEL + 1, LEVEL + 1]


async def test_a_ledger_takes_no_more_than_it_can_keep(store: Store) -> None:
    ledger = MongoLedger(store, max_group=1, max_waiting=2)
    waiting = [
        asyncio.create_task(ledger.record(numbered(new_id()), None, LEVEL)) for _ in range(2)
    ]
    await asyncio.gather(
        *(asyncio.wait_for(asyncio.shield(each), 0.05) for each in waiting), return_exceptions=True
    )

    with pytest.raises(SaturatedError):
        await ledger.record(numbered(new_id()), None, LEVEL)

    for each in waiting:
        each.cancel()
    task = asyncio.create_task(ledger.run())
    late = await ledger.record(numbered("late"), None, LEVEL) if await _drained(ledger) else None
    task.cancel()
    assert isinstance(late, RecordedDeposit)
    assert await store.collection("pieces").count_documents({"number_key": "LATE"}) == 1


async def _drained(ledger: MongoLedger) -> bool:
    """Wait until the ledger has passed over what nobody waits for."""
    for _ in range(100):
        try:
            await ledger.record(numbered(new_id()), None, LEVEL)
        except SaturatedError:
            await asyncio.sleep(0.01)
        else:
            return True
    return False
