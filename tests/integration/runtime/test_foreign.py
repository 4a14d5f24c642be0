"""What other programs do to our topics on a real Kafka: transactions, and settings they change."""

import asyncio

import pytest
from aiokafka import AIOKafkaProducer

from tests.integration.runtime.test_broker import Basket, consuming
from tests.kit.backbone import Room
from tests.kit.events import NOTES
from tests.kit.waiting import wait_until

pytestmark = [pytest.mark.native, pytest.mark.usefixtures("native_backbone")]


@pytest.mark.parametrize("ending", ["commit", "abort"])
async def test_a_topic_that_ends_by_the_mark_of_a_transaction_is_read_to_its_end(
    room: Room, ending: str
) -> None:
    room.provision([NOTES])
    basket = Basket()
    async with (
        AIOKafkaProducer(
            bootstrap_servers=room.platform.addresses.kafka, transactional_id=room.namespace
        ) as producer,
        consuming(room, basket) as group,
    ):
        await producer.begin_transaction()
        await producer.send_and_wait(room.namespace + NOTES.name, b"one", key=b"d1")
        # Taken and acknowledged before the mark is written, as no reader waits for one.
        await wait_until(lambda: basket.taken, "it is taken")
        await asyncio.wait_for(group.caught_up(), 15)
        await getattr(producer, f"{ending}_transaction")()

        await asyncio.wait_for(group.caught_up(), 15)

    assert basket.values == [b"one"]
