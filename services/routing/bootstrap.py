"""Composition root."""

import asyncio
from collections.abc import Sequence

from fastapi import FastAPI

from services.routing.adapters.dossiers import MongoDossierChange, MongoDossiers, create_indexes
from services.routing.adapters.peers import Addresses, open_http_peers
from services.routing.application.copy_verification import find_copy_differences
from services.routing.application.ports import Report
from services.routing.application.router import Router
from services.routing.entrypoints import consumers, gauges, jobs
from services.routing.entrypoints.http import dossiers, treatments
from services.routing.settings import Settings
from shared.contracts import topics
from shared.runtime.clock import build_clock
from shared.runtime.jobs.kinds import Finder
from shared.runtime.messaging.mandates import Mandates
from shared.runtime.messaging.projection import ProjectionConfig
from shared.runtime.service import Runtime
from shared.runtime.store.database import Store, Transaction

_MEASURE_S = 5
_HELD_S = 30
_DELAYS_S = 2
"""Intervals of the gauges, and of the searches for held dossiers, and for passed delays and
reminders."""
_WAITS_S = (1, 3, 0)
"""Delay between two comparisons of the copies of a dossier, in seconds."""


def build(settings: Settings | None = None) -> tuple[Runtime, FastAPI]:
    """Build the service."""
    settings = settings or Settings()
    runtime = Runtime("routing", settings)
    store, clock = runtime.store, runtime.clock
    dossier_store, level = MongoDossiers(store), settings.write_level

    def build_router(transaction: Transaction) -> Router:
        return Router(
            MongoDossierChange(transaction), clock(), settings.require_moa, settings.remind_days
        )

    runtime.prepare(lambda: create_indexes(store))
    runtime.project(
        {
            topics.STRUCTURE: ProjectionConfig(
                consumers.project_structures(MongoDossiers), "structures"
            ),
            topics.MANDAT: ProjectionConfig(
                consumers.project_mandates(MongoDossiers),
                "mandates",
                prepare=Mandates(store).prepare,
            ),
        }
    )
    runtime.consume({topics.PIECE_DEPOSEE: consumers.route_pieces(build_router)})
    runtime.run_every(_MEASURE_S, "measure", gauges.build_gauges_task(dossier_store, clock))
    delays = Finder(lambda: dossier_store.find_late(clock()), _DELAYS_S)
    runtime.run_jobs(jobs.DELAYS, jobs.build_delays_work(build_router), delays)
    due_soon = Finder(lambda: dossier_store.find_to_remind(clock()), _DELAYS_S)
    runtime.run_jobs(jobs.REMINDERS, jobs.build_reminders_work(build_router), due_soon)
    # A changed structure or mandate enqueues the dossiers held because of it, up to a limit. The
    # finder finds the rest, those that a concurrent transaction held by the version before the
    # change, and those whose mandate has begun since.
    held = Finder(dossier_store.find_held, _HELD_S)
    runtime.run_jobs(jobs.HELD_DOSSIERS, jobs.build_rejudge_work(build_router), held)
    return runtime, runtime.build_app(
        title="Aiguillage : acheminement",
        description="Les dossiers de facturation de travaux : où en est chaque pièce, qui est "
        "attendu, et les traitements de celui qui l'est.",
        routers=[
            dossiers.create_router(dossier_store, level),
            treatments.create_router(dossier_store, store, build_router, clock, level),
        ],
    )


async def verify(mongo: str, dossier_id: str) -> Report | None:
    """Verify the audit trail of a dossier, the service running or not."""
    async with Store(mongo, "routing", build_clock()) as store:
        return await MongoDossiers(store).verify(dossier_id)


async def republish(mongo: str, dossier_id: str, namespace: str, level: int) -> int | None:
    """Publish the state of a dossier again, with the acts of a write level.

    Returns its version, None without such a dossier.
    """
    clock = build_clock()
    async with Store(mongo, "routing", clock, namespace, level=level) as store:
        return await store.transaction(
            lambda transaction: Router(
                MongoDossierChange(transaction), clock(), require_moa=False
            ).republish(dossier_id)
        )


async def compare(
    mongo: str, dossier_id: str, addresses: Addresses, tokens: Sequence[str]
) -> Sequence[str]:
    """Compare the copies of a dossier in other services with its audit trail.

    Other services are asked with the token that may act for each party. Retries for some time:
    messages may still be on their way.
    """
    async with (
        Store(mongo, "routing", build_clock()) as store,
        open_http_peers(addresses, tokens) as peers,
    ):
        for wait_s in _WAITS_S:
            found = await find_copy_differences(MongoDossiers(store), dossier_id, peers)
            if not found:
                break
            await asyncio.sleep(wait_s)
        return found
