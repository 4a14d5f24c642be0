"""From a status that is committed to its webhook received, beside subscribers that are sick.

`make bench-push`, or `python -m tests.bench.bench_push`. Fifty subscribers of one structure are
told each status. Runs alternate: they alone, and they beside five whose receiver is dead and five
whose receiver answers late. The ratio of the p99s of each pair says what the sick ones cost. A
status is committed when the bench's own change stream saw its commit, somewhat later than the
store: times are shorter by as much. Where a webhook came again, its first receipt counts.
"""

import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Annotated

import typer
from aiokafka import AIOKafkaProducer

from deploy.local import Platform
from deploy.local.ports import HOST, find_free_port
from services.notification.subscriptions.application.book import Asker, Done
from services.notification.subscriptions.domain.subscription import Channel, Terms
from shared.contracts.common_v1 import PartiesV1, PartyV1
from shared.runtime.ids import new_id
from shared.runtime.store.change_stream import watch_inserts
from shared.runtime.store.database import Document
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from tests.integration.notification.dossiers import Dossier
from tests.integration.notification.subscribers import PUSH_KEY, Subscribers, open_subscribers
from tests.kit.access import build_email, get_access, run_services
from tests.kit.waiting import scale_timeout
from tests.kit.webhook_receiver import RemoteReceiver, run_webhook_receiver

_HEALTHY, _DEAD, _SLOW = 50, 5, 5
_SLOW_S = 3
"""Time after which a slow receiver answers, in seconds: within the timeout of an attempt."""
_RATES = (200, 150, 100, 75, 50, 25)
"""Deliveries a second to the healthy subscribers; the first is taken that is sustained beside the
sick ones for the length of a run: above it, a queue grows, and its length is what is compared."""
_WARMING_S = 6
_SUSTAINED_S = 1.0
"""A rate is sustained while the p99 stays below, in seconds."""
_DOSSIERS = 40
_REST_S = 3.0
"""Rest between the last status that is told and the first look, in seconds."""
_LOOK_S = 0.5
"""Interval of the looks at what was received, in seconds."""


def main(
    rounds: Annotated[int, typer.Option(envvar="ROUNDS", min=1)] = 5,
    seconds: Annotated[int, typer.Option(envvar="SECONDS", min=2)] = 20,
) -> None:
    """Alternate `rounds` pairs of runs of `seconds`, and print p50, p99 and their ratios."""
    env = {
        "AIGUILLAGE_PUSH_KEYS": PUSH_KEY,
        "AIGUILLAGE_PUSH_LOOPBACK": "true",
    }
    with (
        run_services("services.notification", env=env) as platform,
        run_webhook_receiver() as receiver,
    ):
        asyncio.run(_compare(platform, receiver, rounds, seconds))


async def _compare(platform: Platform, receiver: RemoteReceiver, rounds: int, seconds: int) -> None:
    async with _open_bench(platform, receiver) as bench:
        rate = await _find_rate(bench, seconds)
        ratios = []
        for number in range(1, rounds + 1):
            order = (False, True) if number % 2 else (True, False)
            runs = {
                is_beside: await bench.run(rate, seconds, is_beside=is_beside)
                for is_beside in order
            }
            alone, beside = runs[False], runs[True]
            ratios.append(beside.p99 / alone.p99)
            print(
                f"push, run {number}: {rate} deliveries/s to {_HEALTHY} subscribers; alone p50 "
                f"{alone.p50 * 1000:.0f} ms, p99 {alone.p99 * 1000:.0f} ms; beside {_DEAD} dead "
                f"and {_SLOW} slow p50 {beside.p50 * 1000:.0f} ms, p99 {beside.p99 * 1000:.0f} ms; "
                f"ratio of the p99s {ratios[-1]:.2f}; repeats {alone.repeats} and {beside.repeats}"
            )
        print(
            f"push: median ratio of the p99s {statistics.median(ratios):.2f} (at most 1.2 wanted)"
        )


async def _find_rate(bench: "_Bench", seconds: int) -> int:
    await bench.run(_RATES[-1], _WARMING_S, is_beside=False)
    for rate in _RATES:
        found = await bench.run(rate, seconds, is_beside=True)
        print(f"push, {rate} deliveries/s beside the sick ones: p99 {found.p99 * 1000:.0f} ms")
        if found.p99 < _SUSTAINED_S:
            return rate
    return _RATES[-1]


@dataclass(frozen=True, slots=True)
class _Run:
    """Times from commit to receipt of one run, in seconds, in their order."""

    took: Sequence[float]
    repeats: int
    """Webhooks that came again, of all that came to the healthy subscribers."""

    @property
    def p50(self) -> float:
        return statistics.median(self.took)

    @property
    def p99(self) -> float:
        return self.took[int(len(self.took) * 0.99)]


@dataclass
class _Bench:
    producer: AIOKafkaProducer
    subscribers: Subscribers
    receiver: RemoteReceiver
    committed: dict[str, float] = field(default_factory=dict)
    """When each status was seen committed, by its id in the store."""
    read: int = 0
    """Requests of the receiver that were read already."""

    async def run(self, rate: int, seconds: int, *, is_beside: bool) -> _Run:
        """Tell statuses to fresh subscribers, at a steady rate, and wait for all of them."""
        name = f"moa-{new_id()}"
        ours = await self._subscribe(name, is_beside=is_beside)
        self.committed.clear()
        told = rate * seconds // _HEALTHY
        dossiers = [Dossier(self.producer) for _ in range(_DOSSIERS)]
        begin = time.monotonic()
        for number in range(told):
            dossier = dossiers[number % _DOSSIERS]
            party = PartyV1(structure=name)
            await dossier.tell(
                Status.A_ASSOCIER_MOE,
                parties=PartiesV1(
                    titulaire=PartyV1(structure="t"), moa=party, service_financier=party
                ),
            )
            await asyncio.sleep(max(0.0, begin + (number + 1) * _HEALTHY / rate - time.monotonic()))
        received: dict[tuple[str, str], float] = {}
        repeats = 0

        async def is_complete() -> bool:
            nonlocal repeats
            new = await asyncio.to_thread(self.receiver.list_requests, self.read)
            self.read += len(new)
            for each in new:
                if each.path.startswith(f"/accept/{name}/"):
                    told_of = json.loads(each.body)["data"]
                    key = f"{told_of['dossier_id']}|{told_of['sequence']}"
                    repeats += (each.path, key) in received
                    received.setdefault((each.path, key), each.at)
            return len(received) >= told * _HEALTHY

        # Looking costs the machine that is measured: seldom, and not before the last is received.
        await asyncio.sleep(_REST_S)
        async with asyncio.timeout(scale_timeout(120)):
            await _repeat_until(is_complete)
        for subscription in ours:
            await self.subscribers.store.collection("subscriptions").delete_one(
                {"_id": subscription}
            )
        took = [at - self.committed[key] for (_, key), at in received.items()]
        return _Run(sorted(took), repeats)

    async def _subscribe(self, structure: str, *, is_beside: bool) -> Sequence[str]:
        """Subscribe the healthy ones, and the sick ones beside them."""
        get_access().headers(structure, Role.MOA)  # puts the rights of its user
        urls = [self.receiver.build_url(f"/accept/{structure}/{n}") for n in range(_HEALTHY)]
        if is_beside:
            closed = find_free_port()
            urls += [f"http://{HOST}:{closed}/{structure}/{n}" for n in range(_DEAD)]
            urls += [
                self.receiver.build_url(f"/slow/{_SLOW_S}/{structure}/{n}") for n in range(_SLOW)
            ]
        asker = Asker(
            f"essai-{build_email(structure)}", Actor(Role.MOA, structure), None, may_modify=True
        )
        done = [
            await self.subscribers.book.create(asker, Channel.WEBHOOK, Terms(url, "qui@exemple.fr"))
            for url in urls
        ]
        return [each.subscription.id for each in done if isinstance(each, Done)]


async def _repeat_until(look: Callable[[], Awaitable[bool]]) -> None:
    if not await look():
        await asyncio.sleep(_LOOK_S)
        await _repeat_until(look)


@asynccontextmanager
async def _open_bench(platform: Platform, receiver: RemoteReceiver) -> AsyncIterator[_Bench]:
    async with (
        AIOKafkaProducer(bootstrap_servers=platform.addresses.kafka, acks="all") as producer,
        open_subscribers(platform) as subscribers,
    ):
        bench = _Bench(producer, subscribers, receiver)

        def note(status: Document) -> None:
            bench.committed[status["_id"]] = time.time()

        watching = asyncio.create_task(
            watch_inserts(subscribers.store.collection("statuses"), note, lambda: None)
        )
        try:
            yield bench
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching


if __name__ == "__main__":
    typer.run(main)
