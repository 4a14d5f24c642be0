"""A small service on the runtime: keeps statuses, fails on some, and has one route."""

import gc
import os
import signal
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, FastAPI

from shared.contracts.envelope import Event
from shared.contracts.topics import PIECE_DEPOSEE, STATUT, STRUCTURE
from shared.runtime.logs import get_logger
from shared.runtime.messaging.projection import ProjectionConfig
from shared.runtime.service import Runtime, run
from shared.runtime.settings import RuntimeSettings
from shared.runtime.store.database import Transaction
from shared.runtime.web.caller import Caller
from shared.runtime.web.request_validation import DescribedRoute
from tests.kit.fake_access import build_rights

_log = get_logger("services.toy")


async def keep(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
    """Keep statuses. The motive `BOGUE` is a bug, until the collection `fixed` holds anything.

    The motive `MORT` kills the process in its transaction, once.
    """
    is_fixed = await transaction.collection("fixed").find_one(session=transaction.session)
    for event in events:
        if event.data.motive == "BOGUE" and not is_fixed:
            raise ValueError("a bug of the handler")
        if event.data.motive == "MORT" and await _is_first_time(transaction, event.id):
            os.kill(os.getpid(), signal.SIGKILL)
        await transaction.collection("kept").insert_one(
            {"dossier": event.dossierid, "rank": event.sequence}, session=transaction.session
        )


async def _is_first_time(transaction: Transaction, event_id: str) -> bool:
    # Outside the transaction, which ends with the process.
    deaths = transaction.collection("deaths")
    before = await deaths.update_one({"_id": event_id}, {"$set": {"seen": True}}, upsert=True)
    return not before.matched_count


async def project(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
    """Keep the names of structures."""
    for event in events:
        await transaction.collection("structures").update_one(
            {"_id": event.data.structure},
            {"$set": {"name": event.data.name}},
            upsert=True,
            session=transaction.session,
        )


def build() -> tuple[Runtime, FastAPI]:
    """Put it together."""
    runtime = Runtime("toy", RuntimeSettings())
    runtime.consume({STATUT: keep})
    runtime.project({STRUCTURE: ProjectionConfig(project, "structures")})
    router = APIRouter(route_class=DescribedRoute)

    @router.post("/things")
    async def make(me: Caller) -> str:
        async def work(transaction: Transaction) -> None:
            await transaction.collection("things").insert_one({}, session=transaction.session)
            transaction.publish_raw(PIECE_DEPOSEE.name, me.structure, b"{}", {})

        _log.info("thing.made")
        await runtime.store.transaction(work)
        return me.structure

    @router.get("/settled")
    async def settled(_: Caller) -> int:
        return gc.get_freeze_count()

    return runtime, runtime.build_app(
        title="toy", description="", routers=[router], rights=build_rights([router])
    )


if __name__ == "__main__":
    run("toy", build)
