"""The service on a real broker and store, and a producer in the place of routing."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from deploy.local import Platform, choose
from tests.kit.waiting import scale_timeout


@pytest.fixture(scope="package")
def platform() -> Iterator[Platform]:
    with Platform(choose().backend, services=["services.notification"]) as running:
        yield running


@pytest.fixture
async def http(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    url = platform.addresses.services["notification"]
    async with httpx.AsyncClient(base_url=url, timeout=scale_timeout(30)) as client:
        yield client


@pytest.fixture(scope="package")
async def producer(platform: Platform) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(bootstrap_servers=platform.addresses.kafka, acks="all") as sender:
        yield sender
