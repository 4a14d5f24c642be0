"""Platforms for whole journeys, on a real Kafka."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deploy.local.backends import Backend, choose
from deploy.local.platform import SERVICES, Platform
from tests.parcours.support_model import train_support

BACKEND = Backend.DOCKER if choose().backend is Backend.DOCKER else Backend.NATIVE
"""Backend: docker, with a real store as well, where it is chosen, else native."""

_MISSING = BACKEND.find_missing()
needs_kafka = pytest.mark.skipif(_MISSING is not None, reason=f"needs a real Kafka: {_MISSING}")


@asynccontextmanager
async def run_platform(
    folder: Path, *, services: Sequence[str] = SERVICES, replicas: int = 1
) -> AsyncIterator[Platform]:
    """Run a platform within the block; its logs are then copied to the folder `logs`."""
    platform = Platform(
        BACKEND,
        services=services,
        replicas=replicas,
        env=train_support(folder),
    )
    await asyncio.to_thread(platform.start)
    try:
        yield platform
    finally:
        shutil.copytree(platform.logs, folder / "logs")
        await asyncio.to_thread(platform.stop)
