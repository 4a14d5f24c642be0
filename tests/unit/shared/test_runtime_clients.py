"""A Kafka client that cannot connect is closed, wherever one is started."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress

import pytest
from aiokafka.errors import KafkaError

from deploy.local.demo.topic_reader import follow_topics
from deploy.topics import is_serving, provision
from shared.runtime.messaging.broker import Broker
from shared.runtime.messaging.parsing import Record
from shared.runtime.messaging.topic_reader import TopicReader
from shared.runtime.settings import RuntimeSettings
from tests.kit.events import NOTES

Start = Callable[[str], Awaitable[object]]


class TakesNothing:
    """Processor of a topic that is never read."""

    async def process(self, records: Sequence[Record]) -> None:
        raise AssertionError(records)


def settings(kafka: str) -> RuntimeSettings:
    return RuntimeSettings(kafka=kafka, mongo="mongodb://127.0.0.1:1")


async def start_service(kafka: str) -> None:
    """Start as a service does, which retries; three attempts of each client fail."""
    broker = Broker("essai", settings(kafka))
    group = broker.subscribe("", {NOTES: TakesNothing()})
    with suppress(TimeoutError):
        await asyncio.wait_for(broker.start(), 0.3)
    # The broker may be there when the service connects, and away when the group joins.
    await broker._kafka.connect()  # noqa: SLF001
    with suppress(KafkaError):
        await group.start()
    with suppress(KafkaError):
        await broker.renew_producer()
    await broker.stop()


async def read_topic(kafka: str) -> None:
    async with TopicReader(NOTES, settings(kafka)):
        pass


async def follow(kafka: str) -> None:
    async with follow_topics(kafka, [NOTES], lambda *_: None):
        pass


async def create_topics(kafka: str) -> None:
    await asyncio.to_thread(provision, kafka, [NOTES])


async def look_whether_it_serves(kafka: str) -> None:
    assert not await asyncio.to_thread(is_serving, kafka)


@pytest.fixture(params=["refuses", "hangs up"])
async def broken_broker(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """Address where no broker is, or one that ends each connection."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    address, port = server.sockets[0].getsockname()
    if request.param == "refuses":
        server.close()
    yield f"{address}:{port}"
    server.close()


@pytest.mark.parametrize(
    "start", [start_service, read_topic, follow, create_topics, look_whether_it_serves]
)
async def test_what_was_begun_is_closed_when_the_broker_is_away(
    broken_broker: str, start: Start, recwarn: pytest.WarningsRecorder
) -> None:
    with suppress(KafkaError):
        await start(broken_broker)
    gc.collect()

    assert [str(each.message) for each in recwarn if "nclosed" in str(each.message)] == []
