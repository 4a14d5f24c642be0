"""Tests against a real OpenID provider; where node or npm is missing, each says so."""

import os

import pytest

from deploy.local.npm import find_missing


@pytest.fixture(scope="session", autouse=True)
def _node() -> None:
    """Skip, with the reason, where the provider cannot run; CI must have it."""
    missing = find_missing("real OpenID provider")
    if missing is not None:
        assert not os.getenv("CI"), missing
        pytest.skip(missing)
