"""What any test may ask for: a broker and a store, started once, with a namespace for each test."""

import gc
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from deploy.local import Platform, choose
from shared.runtime.logs import configure_logging
from shared.runtime.store.database import Store
from tests.kit.namespaces import Namespace, build_namespace
from tests.kit.waiting import measure_slowness

_TESTS = Path(__file__).parent
_WORKERS_MAX = 4


def pytest_configure() -> None:
    """Measure the machine before an event loop runs, which the measure would stop."""
    measure_slowness()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Limit the workers of `-n auto`: each starts a broker, a store and services of its own."""
    return min(_WORKERS_MAX, os.cpu_count() or 1)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group the tests for pytest-xdist: one worker runs a file, or a folder that is a package."""
    for item in items:
        folder = item.path.parent
        group = folder if (folder / "__init__.py").exists() else item.path
        item.add_marker(pytest.mark.xdist_group(str(group.relative_to(_TESTS))))


def pytest_collection_finish() -> None:
    """Freeze what the libraries have made, so that a garbage collection looks at a test's own.

    They hold over a million objects: a test that collects them all takes a third of a second.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _plain_logs() -> None:
    """Log as services do: structlog's own default draws every traceback with its variables."""
    configure_logging("essai", "INFO")


@pytest.fixture(scope="session")
def backbone() -> Iterator[Platform]:
    """A broker and a store, without services, on the backend that BACKEND or the machine says."""
    with Platform(choose().backend, services=()) as running:
        yield running


@pytest.fixture(scope="session")
def native_backbone(backbone: Platform) -> Platform:
    """Skip, with the reason, where there is no real Kafka."""
    if not backbone.backend.has_real_kafka:
        pytest.skip("needs the real Apache Kafka")
    return backbone


@pytest.fixture
def namespace(backbone: Platform) -> Namespace:
    """A namespace for one test."""
    return build_namespace(backbone)


@pytest.fixture
async def store(namespace: Namespace) -> AsyncIterator[Store]:
    """An empty database."""
    async with namespace.store() as opened:
        yield opened
