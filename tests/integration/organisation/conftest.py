"""The service on a real broker and store."""

from collections.abc import AsyncIterator, Iterator
from itertools import count

import httpx
import pytest

from deploy.local import Addresses
from shared.vocabulary.siret import is_siret
from tests.kit.access import run_services
from tests.kit.waiting import scale_timeout

_SIRENS = count(100_000_000)


@pytest.fixture(scope="package")
def addresses() -> Iterator[Addresses]:
    with run_services("services.organisation") as platform:
        yield platform.addresses


@pytest.fixture(scope="package")
async def http(addresses: Addresses) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=addresses.services["organisation"], timeout=scale_timeout(30)
    ) as client:
        yield client


@pytest.fixture
def siret() -> str:
    """Give a SIRET that no other test uses."""
    start = f"{next(_SIRENS)}0000"
    return next(f"{start}{key}" for key in range(10) if is_siret(f"{start}{key}"))
