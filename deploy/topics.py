"""Provisioning of a broker: creates the topics of the registry, and their dead-letter topics.

python -m deploy.topics --kafka HOST:PORT --replication 3
"""

import asyncio
import sys
import time
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, TypeVar

import typer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from deploy.errors import LaunchError
from shared.contracts.topics import DEAD_LETTERS_MAX_BYTES, TOPIC_MAX_BYTES, TOPICS, Topic
from shared.runtime.settings import check_servers

_DAY_MS = 24 * 3600 * 1000
_DEAD_LETTERS_RETENTION_MS = 30 * _DAY_MS
_TIMEOUT_S = 30.0
_POLL_S = 0.2
_CLEANUP = "cleanup.policy"
_DELETE = "delete"
"""Cleanup policy of a topic that names none."""
_REPLICAS_THAT_SURVIVE_ONE = 3
_CODES_OF_EXISTING = (0, TopicAlreadyExistsError.errno)
"""Error codes of the broker's answer for a topic that is there: just created, or before."""

_Result = TypeVar("_Result")


def provision(kafka: str, topics: Iterable[Topic] = TOPICS, replication: int = 1) -> Sequence[str]:
    """Create the missing topics, with `replication` copies; existing ones do not change.

    Returns how the settings of existing ones differ, as those of an operator may. Raises
    LaunchError when the broker does not create one within 30 s, and when some exist with another
    number of partitions or another cleanup policy: it names them all.
    """
    wanted = [
        new
        for topic in topics
        for new in (_build_stream(topic, replication), _build_dead_letters(topic, replication))
    ]
    return _run_in_thread(_create(kafka, wanted))


def is_serving(kafka: str) -> bool:
    """Whether the broker serves requests: it then lists itself in its cluster."""
    return _run_in_thread(_has_brokers(kafka))


def _build_stream(topic: Topic, replication: int) -> NewTopic:
    kept = (
        {_CLEANUP: "compact"}
        if topic.retention_ms is None
        else {"retention.ms": str(topic.retention_ms)}
    )
    # Producer, broker and consumers have the same size limit.
    return _build_topic(topic.name, topic.partitions, replication, kept, TOPIC_MAX_BYTES)


def _build_dead_letters(topic: Topic, replication: int) -> NewTopic:
    kept = {"retention.ms": str(_DEAD_LETTERS_RETENTION_MS)}
    # The largest message of the topic must fit, with the reason in a header.
    return _build_topic(topic.dead_letters, 1, replication, kept, DEAD_LETTERS_MAX_BYTES)


def _build_topic(
    name: str, partitions: int, replication: int, kept: dict[str, str], max_bytes: int
) -> NewTopic:
    configs = kept | {
        "max.message.bytes": str(max_bytes),
        # The broker stores batches uncompressed, so the size limit holds for their contents.
        "compression.type": "uncompressed",
        # The broker's clock dates the records: dated by the producer, one of the year 3000 would
        # never expire, and all those of a service whose clock is an hour ahead would be refused.
        "message.timestamp.type": "LogAppendTime",
    }
    if replication >= _REPLICAS_THAT_SURVIVE_ONE:
        # A record is acknowledged once all copies but one have it: the loss of a node loses none.
        configs = {**configs, "min.insync.replicas": str(replication - 1)}
    return NewTopic(name, partitions, replication, topic_configs=configs)


async def _create(kafka: str, wanted: list[NewTopic]) -> Sequence[str]:
    """Retry until all topics exist: a broker may start before it has found its controller."""
    deadline = time.monotonic() + _TIMEOUT_S
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    try:
        await admin.start()
        while True:
            answer = await admin.create_topics(wanted)
            codes = {name: code for name, code, *_ in answer.topic_errors}
            refused = {name: code for name, code in codes.items() if code not in _CODES_OF_EXISTING}
            if not refused:
                existing = [each for each in wanted if codes[each.name]]
                await _compare_partitions(admin, existing, deadline)
                return await _compare_settings(admin, existing)
            if time.monotonic() > deadline:
                name, code = next(iter(refused.items()))
                raise LaunchError(f"the broker does not create {name}: {for_code(code).__name__}")
            await asyncio.sleep(_POLL_S)
    finally:
        await admin.close()


async def _compare_partitions(
    admin: AIOKafkaAdminClient, wanted: list[NewTopic], deadline: float
) -> None:
    """Raise LaunchError for topics that exist with another number of partitions.

    None are added: keys would change their partition, and lose the order of their records.
    """
    counts = await _count_partitions(admin, wanted)
    # The broker does not know for a moment what the controller has just created.
    while not all(counts.values()) and time.monotonic() < deadline:
        await asyncio.sleep(_POLL_S)
        counts = await _count_partitions(admin, wanted)
    _refuse(
        f"{each.name} has {counts[each.name]} partitions instead of {each.num_partitions}"
        for each in wanted
        if counts[each.name] != each.num_partitions
    )


async def _compare_settings(admin: AIOKafkaAdminClient, wanted: list[NewTopic]) -> Sequence[str]:
    """Return how the settings of topics differ; raise LaunchError for another cleanup policy.

    By it the states of a compacted topic would expire, or messages of another be compacted away.
    """
    found = await _describe_settings(admin, wanted)
    differing = [
        (name, f"{each.name} has {name}={ours[name]} instead of {value}")
        for each in wanted
        for ours in (found[each.name],)
        for name, value in ({_CLEANUP: _DELETE} | each.topic_configs).items()
        if ours.get(name) not in {None, value}
    ]
    _refuse(text for name, text in differing if name == _CLEANUP)
    return [text for _, text in differing]


def _refuse(faults: Iterable[str]) -> None:
    if wrong := "; ".join(faults):
        raise LaunchError(
            f"{wrong}. None was changed: keys would change their partition. Either the broker "
            "made these topics by itself, as auto.create.topics.enable is on: turn it off, stop "
            "the services, delete these topics, which are new, and run this again. Or they are "
            'of an earlier release. See "Start the topics afresh" in docs/operate.md'
        )


async def _describe_settings(
    admin: AIOKafkaAdminClient, topics: list[NewTopic]
) -> Mapping[str, Mapping[str, str | None]]:
    """Read the settings of topics; a broker may leave some out."""
    asked = [ConfigResource(ConfigResourceType.TOPIC, each.name) for each in topics]
    answers = await admin.describe_configs(asked) if asked else []
    return {
        name: {entry[0]: entry[1] for entry in entries}
        for answer in answers
        for _, _, _, name, entries in answer.resources
    }


async def _count_partitions(admin: AIOKafkaAdminClient, topics: list[NewTopic]) -> dict[str, int]:
    found = await admin.describe_topics([each.name for each in topics]) if topics else []
    return {each["topic"]: len(each["partitions"]) for each in found}


async def _has_brokers(kafka: str) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka, request_timeout_ms=2_000)
    try:
        await admin.start()
        return bool((await admin.describe_cluster())["brokers"])
    except (KafkaError, OSError):
        return False
    finally:
        await admin.close()


def _run_in_thread(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Run a coroutine to its end in a new thread: the caller may have a running event loop."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, work).result()


def main(
    kafka: Annotated[str, typer.Option(envvar="AIGUILLAGE_KAFKA", help="Bootstrap servers.")],
    replication: Annotated[int, typer.Option(min=1, help="Copies of each partition.")] = 1,
) -> None:
    """Create the missing topics; print the reason and exit 1 when that fails."""
    try:
        remarks = provision(check_servers(kafka), replication=replication)
    except (LaunchError, KafkaError, ValueError) as error:
        sys.exit(f"error: {error}")
    for remark in remarks:
        print(f"note: {remark}")
    print(f"{len(TOPICS)} topics and their dead letters are there")


if __name__ == "__main__":
    typer.run(main)
