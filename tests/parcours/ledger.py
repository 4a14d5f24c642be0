"""Ledger of promises: what was accepted over HTTP, compared with what topics and services hold."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import httpx
from aiokafka import AIOKafkaConsumer
from pymongo import MongoClient

from deploy.local.demo.actor import expect
from deploy.local.demo.checks import Fault, find_differences, find_fault, find_service_differences
from deploy.local.demo.routing_events import TOPICS_OF_ROUTING, RoutingEvents
from deploy.local.demo.runs import JourneyRun
from deploy.local.demo.structures import TITULAIRE
from deploy.local.platform import Platform
from shared.contracts.deposit_v1 import PieceDeposited
from shared.contracts.topics import DOSSIER, PIECE_DEPOSEE, STRUCTURE, TICKET, TOPICS, Topic
from shared.runtime.clock import build_clock
from tests.kit.waiting import scale_timeout
from tests.parcours.traffic import Traffic

DEAD_LETTERS, STUCK = "dead letters", "stuck"
FIGURES = (*(fault.value for fault in Fault), DEAD_LETTERS, STUCK)

_PATIENCE_S, _PATIENCE_MAX_S = 60, 180
_PAUSE_S = 1.0
_ANSWERS_S = 60
"""Timeout of all that services are asked: while one answers 503 it is asked again."""
_PAGE = 200
_AT_ONCE = 8

Raw: TypeAlias = tuple[str, bytes]
"""A topic and the value of a record."""
Told: TypeAlias = tuple[str, dict[str, Any]]
"""Topic and event. The event is plain JSON: one of a newer version may not be readable here."""
Wrong: TypeAlias = Iterator[tuple[str, str]]
"""Faults: the figure and the text of each."""
Document: TypeAlias = dict[str, Any]


_LEFT: Mapping[str, Document] = {
    "outbox": {},
    "inbox": {"held": True},
    "jobs": {"$or": [{"attempts": {"$gt": 0}}, {"waits": {"$gt": 0}}]},
}
"""What waits in the store of a service, by collection: to be published, for what is before it,
to be tried again."""


@dataclass(slots=True)
class Findings:
    """Faults by figure, and numbers of records read and redelivered."""

    wrong: dict[str, list[str]] = field(default_factory=lambda: {each: [] for each in FIGURES})
    """Texts of the faults, by figure in the order of their description."""
    records: int = 0
    redelivered: int = 0

    def add(self, found: Iterable[tuple[str, str]]) -> None:
        """Add faults."""
        for figure, text in found:
            self.wrong[figure].append(text)

    def describe(self) -> str:
        """Describe the counts: `0 lost, 0 duplicated`…, and records delivered again."""
        counts = ", ".join(f"{len(texts)} {figure}" for figure, texts in self.wrong.items())
        return f"{counts}; {self.redelivered} redelivered of {self.records} records"

    def list_wrong(self) -> list[str]:
        """List the faults, each with its figure."""
        return [f"{figure}: {text}" for figure, texts in self.wrong.items() for text in texts]


async def settle(platform: Platform, traffic: Traffic) -> Findings:
    """Compare until nothing is wrong, traffic is stuck or a timeout; return the faults then."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + scale_timeout(_PATIENCE_S, most=_PATIENCE_MAX_S)
    while True:
        findings = await compare(platform, traffic)
        is_last = loop.time() > deadline or bool(traffic.stuck)
        if is_last or not findings.list_wrong():
            # Asked last: what topics miss, services miss as well.
            findings.add([(STUCK, each) for each in await ask_readers(platform, traffic)])
        if is_last or not findings.list_wrong():
            return findings
        await asyncio.sleep(_PAUSE_S)


async def compare(platform: Platform, traffic: Traffic) -> Findings:
    """Compare what was promised with all that topics hold, and find what waits in stores."""
    findings = Findings()
    records = await _read_topics(platform.addresses.kafka, [topic.name for topic in TOPICS])
    told = keep_first(records)
    findings.records, findings.redelivered = len(records), len(records) - len(told)
    dead = await _read_topics(platform.addresses.kafka, [topic.dead_letters for topic in TOPICS])
    findings.add((DEAD_LETTERS, f"{topic}: {value[:300]!r}") for topic, value in dead)
    findings.add(compare_ranks(told))
    findings.add(compare_versions(told))
    findings.add(compare_last_records(records))
    findings.add(compare_journeys(traffic.runs, told))
    findings.add(compare_pieces(traffic.pieces, told))
    findings.add(compare_structures(traffic.structures, told))
    findings.add(compare_tickets(traffic.tickets, told))
    findings.add(compare_dossiers(told, _read_dossier_versions(platform)))
    findings.add((STUCK, each) for each in [*traffic.stuck, *_list_left(platform)])
    return findings


async def read_events(kafka: str) -> list[Told]:
    """Read all published events, each once."""
    return keep_first(await _read_topics(kafka, [topic.name for topic in TOPICS]))


async def _read_topics(kafka: str, topics: Sequence[str]) -> list[Raw]:
    """Read topics from their beginning to their end."""
    read: list[Raw] = []
    async with AIOKafkaConsumer(
        *topics, bootstrap_servers=kafka, auto_offset_reset="earliest"
    ) as consumer:
        partitions = list(consumer.assignment())
        ends = await consumer.end_offsets(partitions)
        while any([await consumer.position(each) < ends[each] for each in partitions]):
            for partition, records in (await consumer.getmany(timeout_ms=500)).items():
                read += [(partition.topic, record.value or b"") for record in records]
    return read


def keep_first(records: Iterable[Raw]) -> list[Told]:
    """Keep the first delivery of each event: readers drop the others, by their id."""
    kept: dict[str, Told] = {}
    for topic, value in records:
        event = json.loads(value)
        kept.setdefault(event["id"], (topic, event))
    return list(kept.values())


def compare_ranks(told: Iterable[Told]) -> Wrong:
    """Find dossiers whose events on a topic do not count 1, 2, 3…"""
    ranks: dict[tuple[str, str], list[int]] = defaultdict(list)
    for topic, event in told:
        if "sequence" in event:
            ranks[topic, event["dossierid"]].append(int(event["sequence"]))
    for (topic, dossier), came in ranks.items():
        expected = [*range(1, max(came) + 1)]
        if came != expected:
            fault = find_fault(Counter(came), Counter(expected))
            yield fault, f"ranks of {dossier} on {topic} are {came}"


def compare_versions(told: Iterable[Told]) -> Wrong:
    """Find entities with a state published twice, or an older one after a newer one."""
    versions: dict[tuple[str, str], list[int]] = defaultdict(list)
    for topic, event in told:
        if "version" in event["data"]:
            versions[topic, event["subject"]].append(event["data"]["version"])
    for (topic, entity), came in versions.items():
        expected = sorted(set(came))
        if came != expected:
            fault = find_fault(Counter(came), Counter(expected))
            yield fault, f"versions of {entity} on {topic} are {came}"


def compare_last_records(records: Iterable[Raw]) -> Wrong:
    """Find entities whose last record on a compacted topic is not their newest version.

    It alone stays there, though readers of today have dropped it, if it came before with its id.
    """
    compacted = {topic.name for topic in TOPICS if topic.is_compacted}
    versions: dict[tuple[str, str], list[int]] = defaultdict(list)
    for topic, value in records:
        if topic in compacted:
            event = json.loads(value)
            versions[topic, event["subject"]].append(event["data"]["version"])
    for (topic, entity), came in versions.items():
        if came[-1] != max(came):
            yield Fault.OUT_OF_ORDER, f"the last records of {entity} on {topic} are {came[-5:]}"


def compare_journeys(runs: Sequence[JourneyRun], told: Iterable[Told]) -> Wrong:
    """Find hops and statuses of dossiers that are missing, too many, or in another order."""
    events = RoutingEvents(build_clock())
    names = {topic.name for topic in TOPICS_OF_ROUTING}
    for topic, event in told:
        if topic in names:
            events.record(topic, json.dumps(event).encode())
    for each in find_differences(runs, events):
        yield each.fault, each.text


def compare_pieces(accepted: Collection[str], told: Iterable[Told]) -> Wrong:
    """Find accepted pieces that were not published, and published ones that were not accepted."""
    came = Counter(
        event["data"]["piece_id"]
        for topic, event in told
        if topic == PIECE_DEPOSEE.name and event["type"] == PieceDeposited.event_type
    )
    expected = Counter(set(accepted))
    for piece in expected - came:
        yield Fault.LOST, f"deposit of piece {piece}"
    for piece in came - expected:
        yield Fault.DUPLICATED, f"deposit of piece {piece}"


def compare_structures(accepted: Mapping[str, int], told: Iterable[Told]) -> Wrong:
    """Find structures whose last version on their topic is not the last that was accepted."""
    last = _find_last_versions(STRUCTURE, told)
    for structure, version in accepted.items():
        if last.get(structure) != version:
            yield Fault.LOST, f"version {version} of {structure}, last is {last.get(structure)}"


def compare_dossiers(told: Iterable[Told], kept: Mapping[str, Mapping[str, int]]) -> Wrong:
    """Find services that keep another version of a dossier than the last that was told."""
    last = _find_last_versions(DOSSIER, told)
    for service, versions in kept.items():
        for dossier in last.keys() | versions.keys():
            told_version, version = last.get(dossier), versions.get(dossier)
            if version != told_version:
                yield Fault.LOST, f"{service} keeps {dossier} in {version}, told is {told_version}"


def _find_last_versions(topic: Topic, told: Iterable[Told]) -> dict[str, int]:
    return {
        event["subject"]: event["data"]["version"] for name, event in told if name == topic.name
    }


def compare_tickets(accepted: Mapping[str, Sequence[str]], told: Iterable[Told]) -> Wrong:
    """Find tickets whose events are not those of what was done to them, in that order."""
    names = {topic.name for topic in TICKET.values()}
    came: dict[str, list[str]] = defaultdict(list)
    for topic, event in told:
        if topic in names:
            came[event["data"]["number"]].append(event["type"])
    for number in accepted.keys() | came.keys():
        expected, found = list(accepted.get(number, ())), came[number]
        if found != expected:
            fault = find_fault(Counter(found), Counter(expected))
            yield fault, f"ticket {number} gave {found} instead of {expected}"


def _list_left(platform: Platform) -> Iterator[str]:
    with MongoClient[Document](platform.addresses.mongo) as client:
        for service in platform.addresses.services:
            for collection, query in _LEFT.items():
                waiting = client[service][collection].count_documents(query)
                if waiting:
                    yield f"{waiting} in the {collection} of {service}"


def _read_dossier_versions(platform: Platform) -> dict[str, dict[str, int]]:
    """Read the version of each dossier, by service: who tells of them, and who keeps a copy."""
    services = {DOSSIER.owner, *DOSSIER.consumers} & platform.addresses.services.keys()
    with MongoClient[Document](platform.addresses.mongo) as client:
        return {
            service: {
                row["_id"]: row["version"]
                for row in client[service]["dossiers"].find({}, {"version": 1})
            }
            for service in sorted(services)
        }


async def ask_readers(
    platform: Platform, traffic: Traffic, limit_s: float = _ANSWERS_S
) -> list[str]:
    """Ask each service what it shows of each dossier, and list what it shows otherwise."""
    try:
        async with asyncio.timeout(scale_timeout(limit_s)):
            return await _ask_readers(platform, traffic)
    except TimeoutError:
        return ["services do not answer"]


async def _ask_readers(platform: Platform, traffic: Traffic) -> list[str]:
    clients, places = traffic.clients, asyncio.Semaphore(_AT_ONCE)
    headers = traffic.context.build_member(TITULAIRE).headers
    expected = {
        piece_id: statuses[-1]
        for run in traffic.runs
        for piece_id, statuses in run.statuses.items()
    }

    async def ask(run: JourneyRun) -> list[str]:
        async with places:
            return await find_service_differences(run) if run.pieces else []

    async def ask_deposit(piece_id: str) -> list[str]:
        async with places:
            answer = await clients["deposit"].get(f"/pieces/{piece_id}", headers=headers)
        return _compare_status("deposit", piece_id, expect(answer, 200)["status"], expected)

    shown = [
        *await asyncio.gather(*map(ask, traffic.runs)),
        *await asyncio.gather(*map(ask_deposit, expected)),
        await _ask_portal(clients["portal"], headers, expected) if "portal" in clients else [],
        list(_compare_directories(platform, traffic.structures)),
    ]
    return [each for wrong in shown for each in wrong]


async def _ask_portal(
    portal: httpx.AsyncClient, headers: Mapping[str, str], expected: Mapping[str, str]
) -> list[str]:
    shown: dict[str, str] = {}
    asked = {"limit": str(_PAGE)}
    while True:
        page = expect(await portal.get("/pieces", params=asked, headers=headers), 200)
        shown |= {piece["piece_id"]: piece["status"] for piece in page["pieces"]}
        if not page.get("next"):
            break
        asked["after"] = page["next"]
    return [
        each
        for piece_id in expected
        for each in _compare_status("portal", piece_id, shown.get(piece_id), expected)
    ]


def _compare_directories(platform: Platform, accepted: Mapping[str, int]) -> Iterator[str]:
    """Find services that do not know the last version of a structure."""
    readers = set(STRUCTURE.consumers) & platform.addresses.services.keys()
    with MongoClient[Document](platform.addresses.mongo) as client:
        for reader in sorted(readers):
            known = {row["_id"]: row["version"] for row in client[reader]["structures"].find()}
            for structure, version in accepted.items():
                if known.get(structure) != version:
                    yield f"{reader} knows version {known.get(structure)} of {structure}"


def _compare_status(
    reader: str, piece_id: str, shown: str | None, expected: Mapping[str, str]
) -> list[str]:
    if shown == expected[piece_id]:
        return []
    return [f"{reader} shows {piece_id} {shown} instead of {expected[piece_id]}"]
