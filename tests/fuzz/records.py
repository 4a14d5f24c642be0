"""Malformed records on each consumed topic; checks that every service goes on after them."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import httpx
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from deploy.local.demo.actor import Unexpected
from deploy.local.demo.pieces import write_ubl
from deploy.local.demo.structures import ONE_SIRET
from deploy.local.platform import SERVICES, Platform
from shared.contracts.topics import TOPICS, Key, Topic
from tests.fuzz.faults import SLOW_S, Fault, Sort, Tally
from tests.fuzz.fixtures import open_scene
from tests.fuzz.groups import open_groups
from tests.fuzz.malform import malform
from tests.fuzz.memory import Watched
from tests.fuzz.stopwatch import Stopwatch
from tests.kit.malformed import RawRecord
from tests.kit.waiting import scale_timeout, wait_until

GOLDEN = Path(__file__).parents[1] / "contracts" / "golden"
_ROUND = 100
_TIMEOUT_S = 30.0
_ENTITIES = 12
_BODY_BYTES = 4_000_000
_FIGURE = re.compile(r"^(aiguillage_\w+)(?:\{[^}]*\})? ([0-9.e+]+)$", re.MULTILINE)
_NAMES = frozenset(module.rpartition(".")[2] for module in SERVICES)
_GROUPS = {
    f"{name}{suffix}": {
        topic.name: topic.partitions
        for topic in TOPICS
        if name in topic.consumers and topic.is_compacted is bool(suffix)
    }
    for name in _NAMES
    for suffix in ("", ".projections")
}
"""Topics that each consumer group reads, with their numbers of partitions."""
CONSUMED = tuple(topic for topic in TOPICS if _NAMES & {*topic.consumers})


async def fuzz_records(platform: Platform, seed: int, inputs: int) -> Tally:
    """Send `inputs` records in rounds, then check that a sound piece travels."""
    run = _Run(platform, seed)
    async with open_scene(platform, first=500) as scene:
        await run.send_all(inputs)
        await run.check_readiness()
        try:
            await scene.follow(await scene.open("A4", ONE_SIRET, write_ubl), ONE_SIRET)
        except (Unexpected, httpx.HTTPError) as error:
            run.report(Sort.UNHEALTHY, "a healthy piece", repr(error)[:1500])
    await run.check_dead_letters()
    return run.tally


class _Run:
    """Rounds of records on a platform, and their figures."""

    def __init__(self, platform: Platform, seed: int) -> None:
        self.tally = Tally("records")
        self._platform = platform
        self._rng = Random(f"records/{seed}")
        self._watched = Watched.watch_services(platform)
        self._sent: dict[tuple[str, int, int], tuple[str, RawRecord]] = {}
        self._bases = {topic: list(_read_golden(topic)) for topic in CONSUMED}
        self._ranks: dict[tuple[str, str], int] = {}

    async def send_all(self, inputs: int) -> None:
        """Send records until there are enough, or a fault."""
        kafka = self._platform.addresses.kafka
        has_offsets = self._platform.backend.has_real_kafka
        async with (
            AIOKafkaProducer(
                bootstrap_servers=kafka, enable_idempotence=False, max_request_size=_BODY_BYTES
            ) as plain,
            AIOKafkaProducer(
                bootstrap_servers=kafka, enable_idempotence=False, compression_type="gzip",
                max_request_size=10 * _BODY_BYTES,
            ) as packing,
            open_groups(kafka) as groups,
        ):  # fmt: skip
            while self.tally.inputs < inputs and not self.tally.faults:
                looking = asyncio.create_task(self._watch_liveness())
                for _ in range(min(_ROUND, inputs - self.tally.inputs)):
                    await self._send(plain if self._rng.random() < 0.9 else packing)
                still = (
                    await groups.find_stalled_groups(_GROUPS, scale_timeout(_TIMEOUT_S))
                    if has_offsets
                    else []
                )
                looking.cancel()
                await asyncio.gather(looking, return_exceptions=True)
                for place in still:
                    at = (place.topic, place.partition, place.offset)
                    name, raw = self._sent.get(
                        at, ("a record of the platform", RawRecord("", None, None))
                    )
                    where = f"{place.group} at {at}: {name}"
                    self.report(Sort.STILL, where, repr(raw)[:500], raw.value or b"")
                self._watched.look(self.tally, f"records up to {self.tally.inputs}")

    async def check_readiness(self) -> None:
        """Check that every service becomes ready within 30 s, and its outbox empty in as long."""
        for service, url in self._platform.addresses.roots.items():
            async with httpx.AsyncClient(base_url=url, timeout=scale_timeout(2 * SLOW_S)) as client:
                try:
                    await wait_until(partial(_is_ready, client), "200", _TIMEOUT_S)
                    await wait_until(partial(_has_sent_all, client), "empty", _TIMEOUT_S)
                except AssertionError as error:
                    self.report(Sort.UNHEALTHY, f"{service}, readiness and outbox", str(error))

    async def check_dead_letters(self) -> None:
        """Count the dead letters of all services, from their metrics: none at all is a fault."""
        for url in self._platform.addresses.roots.values():
            figures = await _read_metrics(url)
            self.tally.outcomes["dead letters"] += figures["aiguillage_dead_letters"]
        if not self.tally.outcomes["dead letters"]:
            self.report(Sort.UNHEALTHY, "dead letters", "none is counted")

    def report(self, sort: Sort, name: str, detail: str, content: bytes = b"") -> None:
        """Record a fault."""
        self.tally.faults.append(Fault(sort, name, detail, content))

    async def _send(self, producer: AIOKafkaProducer) -> None:
        topic = self._rng.choice(CONSUMED)
        how, raw = malform(self._rng, self._build_sound_record(topic))
        self.tally.inputs += 1
        times = self._rng.choice((1, 1, 1, 1, 2))
        name = f"{self.tally.inputs} {topic.name} {how}" + " twice" * (times - 1)
        for _ in range(times):
            try:
                at = await producer.send_and_wait(
                    topic.name, raw.value, raw.key, headers=list(raw.headers)
                )
            except KafkaError as error:
                self.tally.outcomes[f"refused by the broker: {type(error).__name__}"] += 1
            else:
                self._sent[at.topic, at.partition, at.offset] = (name, raw)

    def _build_sound_record(self, topic: Topic) -> RawRecord:
        """Build a valid record, of a dossier or structure that only this run knows."""
        golden = self._rng.choice(self._bases[topic])
        name = f"fuzz-{self._rng.randrange(_ENTITIES)}"
        text = json.dumps(golden)
        for old, new in (
            (golden["id"], f"fuzz-event-{self.tally.inputs}"),
            (golden.get("dossierid", golden["subject"]), name),
            (golden["subject"], name if topic.key is Key.ENTITY else f"{name}-piece"),
        ):
            text = text.replace(json.dumps(old), json.dumps(new))
        event = json.loads(text)
        rank = self._ranks[topic.name, name] = self._ranks.get((topic.name, name), 0) + 1
        if "sequence" in event:
            event["sequence"] = f"{rank:010d}"
        if "version" in event["data"]:
            event["data"]["version"] = rank
        return RawRecord("sound", json.dumps(event).encode(), name.encode())

    async def _watch_liveness(self) -> None:
        """Send liveness checks to every service until cancelled; a slow answer is a fault."""
        async with httpx.AsyncClient(timeout=scale_timeout(4 * SLOW_S)) as client:
            while True:
                for service, url in self._platform.addresses.roots.items():
                    watch = Stopwatch([self._watched.pids[service]])
                    with suppress(httpx.HTTPError):
                        await client.get(f"{url}/health/live")
                    taken_s, is_slow = watch.taken_s, watch.is_over()
                    name = f"/health/live of {service} near record {self.tally.inputs}"
                    self.tally.record_time(name, 1000 * taken_s)
                    if is_slow:
                        self.report(Sort.SLOW, name, f"{taken_s:.1f} s")
                await asyncio.sleep(0.2)


def _read_golden(topic: Topic) -> Iterator[dict[str, Any]]:
    for payload in topic.payloads:
        for path in sorted((GOLDEN / payload.event_type).glob("*.json")):
            yield json.loads(path.read_text(encoding="utf-8"))


async def _is_ready(client: httpx.AsyncClient) -> bool:
    return (await client.get("/health/ready")).is_success


async def _has_sent_all(client: httpx.AsyncClient) -> bool:
    return not (await _read_metrics(str(client.base_url)))["aiguillage_outbox_depth"]


async def _read_metrics(url: str) -> Counter[str]:
    """Read the metrics of a service, summed over their labels."""
    async with httpx.AsyncClient(base_url=url, timeout=scale_timeout(2 * SLOW_S)) as client:
        page = (await client.get("/metrics")).text
    figures: Counter[str] = Counter()
    for name, value in _FIGURE.findall(page):
        figures[name] += int(float(value))
    return figures
