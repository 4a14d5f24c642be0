"""Platforms to look at from outside."""

from collections.abc import Iterator

import pytest

from deploy.local import Backend, Platform

TOY = "tests.integration.deploy.toy"
NO_KAFKA = Backend.NATIVE.find_missing()
NO_ENGINE = Backend.DOCKER.find_missing()
BACKENDS = (
    Backend.EMBEDDED,
    pytest.param(
        Backend.NATIVE,
        marks=[
            pytest.mark.native,
            pytest.mark.skipif(NO_KAFKA is not None, reason=NO_KAFKA or ""),
        ],
    ),
    pytest.param(
        Backend.DOCKER,
        marks=pytest.mark.skipif(NO_ENGINE is not None, reason=NO_ENGINE or ""),
    ),
)


@pytest.fixture(scope="module", params=BACKENDS)
def platform(request: pytest.FixtureRequest) -> Iterator[Platform]:
    """A broker, a store and a toy service."""
    with Platform(request.param, services=(TOY,)) as running:
        yield running
