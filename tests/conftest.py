"""What any test may ask for: a broker and a store, started once, with a namespace for each test."""

import asyncio
import gc
import os
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from deploy.local import Platform, choose
from shared.runtime.logs import configure_logging
from shared.runtime.store.database import Store
from tests.kit.namespaces import Namespace, build_namespace
from tests.kit.scheduling import pytest_xdist_make_scheduler
from tests.kit.waiting import measure_slowness

__all__ = ["pytest_xdist_make_scheduler"]
"""Hooks that pytest finds here."""

_TESTS = Path(__file__).parent
_WORKERS_MAX = 4
_REASON_LINES, _LINE_MAX = 12, 300
_REASON = re.compile(r"E  |\S+\.py:\d+: ")
"""A line that says what was wrong, or where."""


class _FailurePrinter:
    """Prints the reason of a failed test at once: a run that is ended early prints no summary."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            lines = report.longreprtext.splitlines()
            reason = [line for line in lines if _REASON.match(line)] or lines
            terminal = self._config.get_terminal_writer()
            terminal.line(f"\n{report.when} of {report.nodeid} failed")
            for line in reason[-_REASON_LINES:]:
                terminal.line(line[:_LINE_MAX])


def pytest_configure(config: pytest.Config) -> None:
    """Print failures at once, in the process that reports the tests of all workers.

    The machine is measured before an event loop runs, which the measure would stop.
    """
    measure_slowness()
    # What is imported from here to the end of the collection lives as long as the process.
    gc.disable()
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_FailurePrinter(config))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Limit the workers of `-n auto`: each starts a broker, a store and services of its own."""
    return min(_WORKERS_MAX, os.cpu_count() or 1)


def pytest_collection_finish() -> None:
    """Freeze what the libraries have made, so that a garbage collection looks at a test's own.

    They hold over a million objects: a test that collects them all takes a third of a second.
    """
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Take the current event loop away, as a test that ran before may have.

    A fixture that needs one is then refused whatever the order, not only where CI happens to run
    its test after such a test. What is awaited runs in the loop that pytest-asyncio keeps.
    """
    asyncio.set_event_loop(None)


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
