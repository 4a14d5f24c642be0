"""Deposit alone, on a real broker and a real store."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from deploy.local import Platform
from tests.integration.deposit.world import World
from tests.kit.access import run_services


@pytest.fixture(scope="package")
def platform() -> Iterator[Platform]:
    """A broker, a store, and deposit."""
    with run_services("services.deposit") as running:
        yield running


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def world(platform: Platform) -> AsyncIterator[World]:
    """What surrounds it."""
    async with World(platform.addresses) as around:
        yield around
