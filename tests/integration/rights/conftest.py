"""Organisation and notification on a real broker and store, with an issuer that is away."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from deploy.local import Platform
from deploy.local.ports import HOST, find_free_port
from tests.kit.access import get_access, run_services
from tests.kit.waiting import scale_timeout


@dataclass(frozen=True, slots=True)
class Site:
    """Two services, an issuer that they trust, and one that does not answer."""

    platform: Platform
    away: str
    organisation: httpx.AsyncClient
    notification: httpx.AsyncClient
    producer: AIOKafkaProducer


@pytest.fixture(scope="package")
def away() -> str:
    return f"http://{HOST}:{find_free_port()}"


@pytest.fixture(scope="package")
def platform(away: str) -> Iterator[Platform]:
    issuers = json.loads(get_access().issuers)
    trusted = json.dumps([*issuers, {**issuers[0], "url": away}])
    with run_services(
        "services.organisation", "services.notification", env={"AIGUILLAGE_ISSUERS": trusted}
    ) as running:
        yield running


@pytest.fixture(scope="package")
async def site(platform: Platform, away: str) -> AsyncIterator[Site]:
    at, timeout = platform.addresses, scale_timeout(30)
    async with (
        AIOKafkaProducer(bootstrap_servers=at.kafka, acks="all") as producer,
        httpx.AsyncClient(base_url=at.services["organisation"], timeout=timeout) as organisation,
        httpx.AsyncClient(base_url=at.services["notification"], timeout=timeout) as notification,
    ):
        yield Site(platform, away, organisation, notification, producer)
