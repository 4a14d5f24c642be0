"""The service on a real broker and store, and a producer in the place of routing."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from deploy.local import Platform
from tests.integration.notification.subscribers import PUSH_KEY, Subscribers, open_subscribers
from tests.kit.access import run_services
from tests.kit.waiting import scale_timeout
from tests.kit.webhook_receiver import WebhookReceiver, open_webhook_receiver


@pytest.fixture(scope="package")
def platform() -> Iterator[Platform]:
    env = {
        "AIGUILLAGE_PUSH_KEYS": PUSH_KEY,
        "AIGUILLAGE_PUSH_LOOPBACK": "true",
        "AIGUILLAGE_PUSH_TIMEOUT_S": str(scale_timeout(3, 30)),
    }
    with run_services("services.notification", env=env) as running:
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


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with open_webhook_receiver() as opened:
        yield opened


@pytest.fixture
async def subscribers(platform: Platform) -> AsyncIterator[Subscribers]:
    async with open_subscribers(platform) as opened:
        yield opened
