"""The audit trail of organisation on a real store: concurrent writers, and what was tampered."""

import asyncio
from datetime import UTC, datetime

import pytest

from services.organisation.audit.adapters.mongo import AuditTrail, record
from services.organisation.audit.domain.entries import AuditEntry
from shared.application.audit_chain import compute_hash
from shared.runtime.store.database import Store, Transaction
from shared.runtime.store.idempotency_keys import transact_once

NOW = datetime(2026, 11, 30, 16, tzinfo=UTC)
SIRET = "35600000000048"


@pytest.fixture
def trail(store: Store) -> AuditTrail:
    return AuditTrail(store)


def entry(act: str, entity: str = SIRET) -> AuditEntry:
    return AuditEntry(entity, act, by="u1", at=NOW, details={"habilitations": ("a:b", "c:d")})


async def write(store: Store, *entries: AuditEntry) -> None:
    async def work(transaction: Transaction) -> None:
        await record(transaction, entries)

    await transact_once(store, work)


async def test_entries_are_read_in_order_and_verify(store: Store, trail: AuditTrail) -> None:
    await write(store, entry("un"), entry("autre", "u1"), entry("deux"))
    await write(store, entry("trois"))

    recorded = await trail.list(SIRET, 0, 10)
    assert [(each.rank, each.entry.act) for each in recorded] == [
        (1, "un"),
        (2, "deux"),
        (3, "trois"),
    ]
    assert recorded[0].entry == entry("un")
    assert [each.rank for each in await trail.list(SIRET, 1, 1)] == [2]
    assert [each async for each in trail.list_entities()] == [SIRET, "u1"]
    assert await trail.verify(SIRET) is None
    assert await trail.verify("u1") is None


async def test_writers_of_one_entity_follow_one_another(store: Store, trail: AuditTrail) -> None:
    await asyncio.gather(*(write(store, entry(f"acte {rank}")) for rank in range(8)))

    assert [each.rank for each in await trail.list(SIRET, 0, 20)] == list(range(1, 9))
    assert await trail.verify(SIRET) is None


async def test_a_changed_a_missing_and_a_forged_entry_are_found(
    store: Store, trail: AuditTrail
) -> None:
    for entity in ("changed", "missing", "cut", "forged"):
        await write(store, *(entry(f"acte {rank}", entity) for rank in (1, 2, 3)))
    entries = store.collection("audit")
    await entries.update_one({"entity": "changed", "rank": 2}, {"$set": {"by": "u2"}})
    await entries.delete_one({"entity": "missing", "rank": 2})
    await entries.delete_one({"entity": "cut", "rank": 3})
    found = await entries.find_one({"entity": "forged", "rank": 2})
    assert found is not None
    forged = {**found, "by": "u2"}
    forged["hash"] = compute_hash(forged)
    await entries.replace_one({"_id": found["_id"]}, forged)

    faults = {
        entity: await trail.verify(entity) for entity in ("changed", "missing", "cut", "forged")
    }
    assert {entity: fault and (fault.rank, fault.fault) for entity, fault in faults.items()} == {
        "changed": (2, "Le contenu de cette entrée a changé depuis qu'elle a été écrite."),
        "missing": (
            2,
            "Cette entrée ne suit pas celle qui la précède : l'une d'elles a été remplacée.",
        ),
        "cut": (None, "La fin de la piste manque."),
        "forged": (
            3,
            "Cette entrée ne suit pas celle qui la précède : l'une d'elles a été remplacée.",
        ),
    }
