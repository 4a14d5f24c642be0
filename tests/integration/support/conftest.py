"""The service on a real broker and store."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from deploy.local import Addresses, Platform, choose
from tests.kit.waiting import scaled


@pytest.fixture(scope="session")
def support() -> Iterator[Platform]:
    with Platform(choose().backend, services=["services.support"]) as platform:
        yield platform


@pytest.fixture(scope="session")
def addresses(support: Platform) -> Addresses:
    return support.addresses


@pytest.fixture
async def http(support: Platform) -> AsyncIterator[httpx.AsyncClient]:
    url = support.addresses.services["support"]
    async with httpx.AsyncClient(base_url=url, timeout=scaled(30)) as client:
        yield client
