"""The service on a real broker and store, and a producer in the place of its neighbours."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from deploy.local import Platform
from shared.runtime.store.database import Store
from tests.integration.portal.whole_platform import World as Whole
from tests.integration.portal.whole_platform import a_world
from tests.integration.portal.world import World
from tests.kit.access import run_services
from tests.kit.namespaces import Namespace, build_namespace
from tests.kit.waiting import scale_timeout


@pytest.fixture(scope="package")
def portal() -> Iterator[Platform]:
    with run_services("services.portal") as running:
        yield running


@pytest.fixture
async def http(portal: Platform) -> AsyncIterator[httpx.AsyncClient]:
    url = portal.addresses.services["portal"]
    async with httpx.AsyncClient(base_url=url, timeout=scale_timeout(30)) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def whole() -> AsyncIterator[Whole]:
    """The platform whole, for a module."""
    async with a_world() as world:
        yield world


@pytest.fixture(scope="package")
async def producer(portal: Platform) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(bootstrap_servers=portal.addresses.kafka, acks="all") as sender:
        yield sender


@pytest.fixture
def world(producer: AIOKafkaProducer, http: httpx.AsyncClient) -> World:
    return World(producer, http)


@pytest.fixture
def namespace(portal: Platform) -> Namespace:
    """A namespace for one test, beside the service."""
    return build_namespace(portal)


@pytest.fixture
async def store(namespace: Namespace) -> AsyncIterator[Store]:
    """An empty database."""
    async with namespace.store("portal") as opened:
        yield opened
