"""Upgrade: the next version beside this one, alone, back to this one, and with its level written.

Traffic flows in each phase. `make upgrade-test` runs it alone.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from pymongo import MongoClient

from deploy.local.demo.journeys import JOURNEYS
from deploy.local.demo.steps import Journey, Step, Treatment
from deploy.local.platform import Platform
from shared.circuit.statuses import Act
from shared.vocabulary.levels import LEVEL
from shared.vocabulary.statuses import Status
from tests.kit.waiting import scale_timeout
from tests.parcours.clients import Retries
from tests.parcours.field_watch import FieldWatch
from tests.parcours.ledger import read_events, settle
from tests.parcours.next_version import ACT, CIRCUIT, FIELD, NEXT_LEVEL, STATUS, write_next_version
from tests.parcours.platforms import needs_kafka, run_platform
from tests.parcours.traffic import Traffic, open_traffic

PIECES_EACH = 30
"""Pieces that move in each phase, at least."""
_LEFT = "notification"
"""The service of which a replica of this version is left alone for a while after the switch."""
_BETWEEN = "while replicas start or end"
_POLL_S = 0.2
_SWITCH = {"AIGUILLAGE_WRITE_LEVEL": str(NEXT_LEVEL)}
_WRITTEN_FOR = {
    *("document", "state", "piece", "enclosure"),
    *("structure", "subscription", "ticket"),
}


def _use_next_act(journey: Journey) -> Journey:
    """Let the service financier do the new act in the place of its first one."""
    steps: list[Step] = [
        Treatment(step.by, cast("Act", ACT), then=(cast("Status", STATUS),))
        if isinstance(step, Treatment) and step.act is Act.SERVICE_FAIT
        else step
        for step in journey.steps
    ]
    return replace(journey, name=f"{journey.name}, visé", steps=tuple(steps))


NEXT_JOURNEYS = tuple(map(_use_next_act, JOURNEYS[:4]))


@needs_kafka
async def test_an_upgrade_loses_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = tmp_path / "next"
    write_next_version(tree)
    avoided: set[str] = set()
    async with (
        run_platform(tmp_path) as platform,
        open_traffic(platform, transport=partial(Retries, avoided=avoided)) as traffic,
        _watch(platform) as fields,
    ):
        upgrade = Upgrade(platform, traffic, tree, avoided)
        async with traffic.flow():
            await upgrade.run()
        findings = await settle(platform, traffic)
        told = await read_events(platform.addresses.kafka)
        later = await find_newer(platform)

    findings.wrong["dropped fields"] = fields.dropped
    used = Counter(event["data"].get("table_version") for _, event in told)
    stated = Counter(event["data"].get("status") for _, event in told)
    with capsys.disabled():
        print(f"\nupgrade: {findings.describe()}\n{traffic.describe()}")
        print(f"fields of the next version: {dict(fields.count_levels())}")
        print(f"events of circuit {CIRCUIT}: {used[CIRCUIT]}, of status {STATUS}: {stated[STATUS]}")
        print(f"messages that waited for the next version: {len(upgrade.waited)}")
    assert findings.list_wrong() == []
    assert fields.count_levels().keys() == _WRITTEN_FOR
    assert upgrade.early == []
    assert later
    assert used[CIRCUIT]
    assert stated[STATUS]
    assert any(STATUS.encode() in value for value in upgrade.waited)


class Upgrade:
    """Phases of an upgrade. The first replica of each service is of this version, the second one
    of the next."""

    def __init__(self, platform: Platform, traffic: Traffic, tree: Path, avoided: set[str]) -> None:
        """Take a platform of this version, its traffic, and the source tree of the next version.

        `avoided` is a set to which replicas are added that clients are not to ask.
        """
        self._platform = platform
        self._traffic = traffic
        self._tree = tree
        self._avoided = avoided
        self.early: list[str] = []
        """What was of the next level before the switch."""
        self.waited: list[bytes] = []
        """Messages that waited for the next version, where this one was left alone."""

    async def run(self) -> None:
        """Let traffic flow in each phase. Replicas start before others end."""
        current = tuple(self._platform.addresses.services)
        following = tuple(f"{name}-2" for name in current)

        await self._start_next(following)
        await self._move("side by side")

        await self._end(current)
        await self._move("by the next version alone")

        await self._start(current)
        await self._end(following)
        await self._move("by this version alone again")
        self.early = await find_newer(self._platform)

        await self._start_next(following, _SWITCH)
        await self._end([f"{_LEFT}-2"])
        # This version consumes messages as before, but knows no such act to do over HTTP.
        self._avoided.add(self._platform.addresses.roots["routing"])
        self._traffic.add(NEXT_JOURNEYS)
        await self._move("with this version left after the switch")
        with suppress(TimeoutError):
            async with asyncio.timeout(scale_timeout(30)):
                while not self._find_waiting():  # noqa: ASYNC110
                    await asyncio.sleep(_POLL_S)

        await self._start([f"{_LEFT}-2"])
        await self._end(current)
        await self._move("by the next version and its level alone")

    async def _move(self, phase: str) -> None:
        """Let pieces move in a phase, in which no replica starts or ends."""
        self._traffic.begin_phase(phase)
        await self._traffic.move(PIECES_EACH)
        self._traffic.begin_phase(_BETWEEN)

    async def _start_next(self, names: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        for name in names:
            self._platform.install(name, self._tree, env)
        await self._start(names)

    async def _start(self, names: Sequence[str]) -> None:
        for name in names:
            self._platform.spawn(name)
        await _for_each(self._platform.wait_until_ready, names)

    async def _end(self, names: Sequence[str]) -> None:
        await _for_each(self._platform.end, names)

    def _find_waiting(self) -> bool:
        """Look whether the new status is among what waits where this version was left alone."""
        with MongoClient[dict[str, Any]](self._platform.addresses.mongo) as client:
            waiting = client[_LEFT]["inbox"].find({"state": "newer"})
            self.waited = [entry["value"] for entry in waiting]
        return any(STATUS.encode() in value for value in self.waited)


async def _for_each(work: Callable[[str], object], names: Sequence[str]) -> None:
    await asyncio.gather(*(asyncio.to_thread(work, name) for name in names))


async def find_newer(platform: Platform) -> list[str]:
    """Find events and documents of a higher level than this version judges."""
    told = await read_events(platform.addresses.kafka)
    found = [f"{topic}: {event}" for topic, event in told if event.get("level", 1) > LEVEL]
    with MongoClient[dict[str, Any]](platform.addresses.mongo) as client:
        for service in platform.addresses.services:
            for collection in client[service].list_collection_names():
                newer = client[service][collection].find({"schema": {"$gt": LEVEL}})
                found += [f"{service}, {collection}: {document['_id']}" for document in newer]
    return found


@asynccontextmanager
async def _watch(platform: Platform) -> AsyncIterator[FieldWatch]:
    """Watch the fields of the next version until left, and a last time then."""
    fields = FieldWatch(platform.addresses.mongo, FIELD)
    watching = asyncio.create_task(fields.run())
    try:
        yield fields
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await asyncio.to_thread(fields.look)
        await asyncio.to_thread(fields.look_at_trails)
