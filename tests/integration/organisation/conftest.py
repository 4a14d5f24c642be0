"""The service on a real broker and store."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from deploy.local import Addresses, Platform, choose
from tests.kit.waiting import scale_timeout


@pytest.fixture(scope="package")
def addresses() -> Iterator[Addresses]:
    with Platform(choose().backend, services=["services.organisation"]) as platform:
        yield platform.addresses


@pytest.fixture(scope="package")
async def http(addresses: Addresses) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=addresses.services["organisation"], timeout=scale_timeout(30)
    ) as client:
        yield client
