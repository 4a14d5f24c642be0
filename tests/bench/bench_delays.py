"""Delays that pass together: in three replicas of routing, beside one.

`make bench`, or `python -m tests.bench.bench_delays`. Each round runs both, on a platform of its
own, in alternating order. Dossiers are opened, then the clocks of the replicas run a month ahead.
The time measured is that from the first delay to the last, by the audit trails, without the start
of the processes. How many delays each replica carried out is read from its metrics.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from statistics import median
from typing import Annotated, Any

import httpx
import typer
from pymongo import MongoClient

from deploy.local import Platform, choose
from shared.contracts import topics
from tests.kit.routing_load import STRUCTURES, build_deposits, build_structures, send
from tests.kit.waiting import wait_until

_DAYS = 30
_TIMEOUT_S = 120
_DONE = re.compile(r'^aiguillage_jobs_total\{kind="delays",outcome="done"\} (\S+)$', re.MULTILINE)


def main(
    rounds: Annotated[int, typer.Option(envvar="ROUNDS", min=1)] = 3,
    delays: Annotated[int, typer.Option(min=1)] = 300,
) -> None:
    """Run `rounds` of `delays` dossiers each, and print the times and their ratio."""
    runs: dict[int, list[float]] = {1: [], 3: []}
    for number in range(rounds):
        for replicas in [*runs] if number % 2 == 0 else [*runs][::-1]:
            took, shares = asyncio.run(_run(replicas, delays))
            runs[replicas].append(took)
            print(f"round {number + 1}, {replicas} replicas: {took:.2f} s, {shares}", flush=True)
    ratio = median(three / one for one, three in zip(*runs.values(), strict=True))
    print(f"{delays} delays, each once: time of three replicas / of one, median {ratio:.2f}")


async def _run(replicas: int, delays: int) -> tuple[float, Sequence[int]]:
    with Platform(choose().backend, services=("services.routing",), replicas=replicas) as platform:
        kafka = platform.addresses.kafka
        db = MongoClient[dict[str, Any]](platform.addresses.mongo)["routing"]
        await send(kafka, topics.STRUCTURE, [*build_structures()])
        await wait_until(lambda: db["structures"].count_documents({}) == STRUCTURES, "structures")
        await send(kafka, topics.PIECE_DEPOSEE, build_deposits(delays)[:delays])
        await wait_until(
            lambda: (
                db["dossiers"].count_documents({"due": {"$exists": True}}) == delays
                and db["outbox"].count_documents({}) == 0
            ),
            "the dossiers are open",
            _TIMEOUT_S,
        )
        await asyncio.to_thread(platform.advance, _DAYS)
        elapsed = {"events.type": "DelayElapsed"}
        await wait_until(
            lambda: (
                db["audit"].count_documents(elapsed) >= delays
                and db["jobs"].count_documents({"kind": "delays"}) == 0
            ),
            "the delays have passed",
            _TIMEOUT_S,
        )
        trails = list(db["audit"].find(elapsed))
        assert Counter(entry["dossier"] for entry in trails).most_common(1)[0][1] == 1
        assert len(trails) == delays
        at = [datetime.fromisoformat(entry["events"][0]["at"]) for entry in trails]
        return (max(at) - min(at)).total_seconds(), [
            await _count_done(url) for url in platform.addresses.replicas["routing"]
        ]


async def _count_done(url: str) -> int:
    """Read from the metrics of a replica how many delays it has carried out."""
    async with httpx.AsyncClient(base_url=url) as http:
        found = _DONE.search((await http.get("/metrics")).text)
    return int(float(found[1])) if found else 0


if __name__ == "__main__":
    typer.run(main)
