"""The checker of `make authz` sees faults that are planted in a service that runs."""

import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from pymongo import MongoClient

from deploy.local import Backend, Platform
from deploy.local.programs import ROOT
from tests.authz.__main__ import ENV
from tests.authz.checks import check_rows
from tests.authz.endpoints import read_endpoints
from tests.authz.expectations import Endpoint, Expectation, load_expectations
from tests.authz.matrix import find_gaps
from tests.authz.people import Tokens
from tests.authz.register import register_members
from tests.authz.scene import Scene
from tests.authz.untouched import Databases
from tests.kit.waiting import scale_timeout
from tests.parcours.next_version import Edit

PARTS = ("services.organisation", "services.support")
READ, WRITE = Endpoint("support", "GET", "/tickets"), Endpoint("support", "POST", "/tickets")
WIDER = Edit(
    "shared/rights/rights.csv",
    "support;POST;/tickets;sollicitations modification\n",
    "support;POST;/tickets;sollicitations consultation\n",
)
EXPIRED = Edit("shared/runtime/tokens/claims.py", 'registry.validate_exp(claims["exp"])', "pass")


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    """Run two services, the second of which has no fault yet."""
    with Platform(Backend.EMBEDDED, services=PARTS, env=ENV) as running:
        yield running


@pytest.fixture(scope="module")
async def scene(platform: Platform) -> AsyncIterator[Scene]:
    """Register the people and the structures."""
    addresses = platform.addresses
    async with httpx.AsyncClient(timeout=scale_timeout(30)) as http:
        scene = Scene(http, addresses.services, Tokens(addresses, http))
        await register_members(addresses, scene)
        yield scene


def _choose_rows(*endpoints: Endpoint) -> list[Expectation]:
    return [row for row in load_expectations() if row.endpoint in endpoints]


def _plant(platform: Platform, tree: Path, *edits: Edit) -> None:
    """Run service support from a copy of the source tree with faults."""
    for folder in ("services", "shared"):
        shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for each in edits:
        each.apply(tree)
    platform.install("support", tree)
    platform.restart("support")


async def _find_surprises(
    platform: Platform, scene: Scene, rows: Sequence[Expectation]
) -> Sequence[str]:
    with MongoClient[dict[str, Any]](platform.addresses.mongo) as mongo:
        results = await check_rows(rows, scene, Databases(mongo), print)
    return sorted(results.surprises)


async def test_without_a_fault_there_is_no_surprise(platform: Platform, scene: Scene) -> None:
    assert await _find_surprises(platform, scene, _choose_rows(READ, WRITE)) == []


async def test_an_endpoint_without_a_row_is_a_surprise(scene: Scene) -> None:
    rows = _choose_rows(READ, WRITE)

    found = set(find_gaps(await read_endpoints(scene.http, scene.services), rows))

    assert {
        "GET /support/v1/desk/tickets: no row in expected.csv",
        "WS /support/v1/chats: no row in expected.csv",
    } <= found


async def test_a_wider_right_and_a_token_that_outlives_its_end_are_surprises(
    platform: Platform, scene: Scene, tmp_path: Path
) -> None:
    _plant(platform, tmp_path, WIDER, EXPIRED)

    assert await _find_surprises(platform, scene, _choose_rows(READ, WRITE)) == [
        "GET /support/v1/tickets (titulaire), expired: 200 instead of 401",
        "POST /support/v1/tickets (titulaire), consultation: 201 instead of 403",
        "POST /support/v1/tickets (titulaire), expired: 201 instead of 401",
        "POST /support/v1/tickets (titulaire), machine_without: 201 instead of 403",
        "POST /support/v1/tickets (titulaire): refused, and yet changed: support.tickets",
    ]
