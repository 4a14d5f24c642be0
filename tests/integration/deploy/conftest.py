"""Platforms to look at from outside."""

from collections.abc import Iterator

import pytest

from deploy.local import Backend, Platform, kafka

TOY = "tests.integration.deploy.toy"
NO_KAFKA = kafka.why_not()
BACKENDS = (
    Backend.EMBEDDED,
    pytest.param(
        Backend.NATIVE,
        marks=[
            pytest.mark.native,
            pytest.mark.skipif(NO_KAFKA is not None, reason=NO_KAFKA or ""),
        ],
    ),
)


@pytest.fixture(scope="module", params=BACKENDS)
def platform(request: pytest.FixtureRequest) -> Iterator[Platform]:
    """A broker, a store and a toy service."""
    with Platform(request.param, services=(TOY,)) as running:
        yield running
