"""A replica that only carries out jobs: moves in a transaction, calls to an HTTP server.

python -m tests.integration.runtime.jobs_replica MONGO NAMESPACE NAME URL
"""

import asyncio
import sys
from collections.abc import Sequence

import httpx

from shared.runtime.clock import build_clock
from shared.runtime.jobs.kinds import Effect, InTransaction
from shared.runtime.jobs.rows import Job
from shared.runtime.jobs.worker import Jobs
from shared.runtime.logs import configure_logging
from shared.runtime.store.database import Store, Transaction
from tests.kit.waiting import wait_until

LEASE_S = 2.0


async def main(mongo: str, namespace: str, name: str, url: str) -> None:
    """Carry out jobs until killed. While `gates` names the replica its batches stop midway."""
    async with (
        Store(mongo, "essai", build_clock(), namespace) as store,
        httpx.AsyncClient(base_url=url, timeout=60) as http,
    ):

        async def is_open() -> bool:
            return await store.collection("gates").find_one({"_id": name}) is None

        async def move(transaction: Transaction, jobs: Sequence[Job]) -> None:
            for job in jobs:
                done = {"key": job.key, "by": name}
                await transaction.collection("done").insert_one(done, session=transaction.session)
                if job.payload.get("locks"):
                    await transaction.collection("counts").update_one(
                        {"_id": job.key}, {"$inc": {"count": 1}}, session=transaction.session
                    )
            await store.collection("begun").insert_one({"by": name})
            await wait_until(is_open, "the gate opens", 120)

        async def call(job: Job) -> None:
            answer = await http.post("/", headers={"Idempotency-Key": job.id})
            answer.raise_for_status()

        jobs = Jobs(store)
        jobs.add("moves", InTransaction(move, batch_size=5, lease_s=LEASE_S))
        jobs.add("calls", Effect(call, effect_timeout_s=1))
        for worker in jobs.workers:
            await worker.prepare()
        await asyncio.gather(*(worker.run() for worker in jobs.workers))


if __name__ == "__main__":
    configure_logging("essai", "INFO")
    with asyncio.Runner() as runner:
        runner.run(main(*sys.argv[1:5]))
