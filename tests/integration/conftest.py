"""Where the suite was asked to run in containers and no engine answers, each test says so."""

import pytest

from deploy.local import Backend, choose


@pytest.fixture(scope="session", autouse=True)
def _engine() -> None:
    """Skip, with the reason, what would run in containers."""
    backend = choose().backend
    missing = backend.find_missing() if backend is Backend.DOCKER else None
    if missing is not None:
        pytest.skip(missing)
