"""The limit of requests of a caller, counted by two replicas of a service on one store.

How far a caller gets past its limit: by what the replicas let in between two exchanges, a second
apart. The tolerance here is what they let in during the two seconds before the first refusal.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest
from pymongo import MongoClient

from deploy.local import Platform
from deploy.local.platform import STORE
from shared.contracts.public_paths import build_public_prefix
from shared.runtime.clock import build_clock
from shared.runtime.store.database import Document, name_database
from tests.kit.access import get_access, run_services
from tests.kit.waiting import scale_timeout, wait_until

ROUTING = "services.routing"
PREFIX = build_public_prefix("routing")
HOUR, SHORT = 3600, 4
LIMIT = 1500
_REFUSED = 429
_TOLERATED_S = 2.0
_clock = build_clock()


def _limit(window_s: int, known: int, address: int = 0) -> Mapping[str, str]:
    return {
        "AIGUILLAGE_CALLER_WINDOW_S": str(window_s),
        "AIGUILLAGE_CALLER_REQUESTS": str(known),
        "AIGUILLAGE_CALLER_REQUESTS_OPEN": str(address),
    }


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    # The clocks are at the beginning of an hour: no window ends within a test.
    since = int(_clock().timestamp()) % HOUR
    with run_services(
        ROUTING, replicas=2, env=_limit(HOUR, LIMIT), clock_offset_s=HOUR - since
    ) as running:
        yield running


@asynccontextmanager
async def _open(platform: Platform) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    async with AsyncExitStack() as stack:
        first, second = [
            await stack.enter_async_context(
                httpx.AsyncClient(base_url=root + PREFIX, timeout=scale_timeout(15))
            )
            for root in platform.addresses.replicas["routing"]
        ]
        yield first, second


def _a_caller(structure: str) -> Mapping[str, str]:
    return get_access().headers(structure, "moa")


async def _read_used(http: httpx.AsyncClient, by: Mapping[str, str]) -> int:
    answer = await http.get("/limits", headers=by)
    assert answer.status_code == 200, answer.text
    [limit] = answer.json()["limits"]
    assert limit["remaining"] == max(0, limit["limit"] - limit["used"])
    used: int = limit["used"]
    return used


async def test_a_balancer_between_replicas_does_not_multiply_the_limit(platform: Platform) -> None:
    by = _a_caller("21750001600019")
    accepted: list[float] = []

    async def ask_until_refused(http: httpx.AsyncClient) -> tuple[float, httpx.Response]:
        while True:
            answer = await http.get("/limits", headers=by)
            if answer.status_code == _REFUSED:
                return time.monotonic(), answer
            assert answer.status_code == 200, answer.text
            accepted.append(time.monotonic())

    async with _open(platform) as both:
        ends = await asyncio.gather(*map(ask_until_refused, both))

    first = min(at for at, _ in ends)
    tolerated = sum(at > first - _TOLERATED_S for at in accepted)
    print(f"{len(accepted)} accepted of {LIMIT}, {tolerated} tolerated")
    assert LIMIT <= len(accepted) <= LIMIT + tolerated
    for _, answer in ends:
        assert answer.json()["code"] == "HTTP-LIMITE-01"
        assert answer.headers["ratelimit-policy"] == f'"requests";q={LIMIT};w={HOUR}'
        assert answer.headers["ratelimit"].startswith('"requests";r=0;t=')
        assert 0 < int(answer.headers["retry-after"]) <= HOUR


async def test_a_caller_reads_on_each_replica_what_it_used_on_both(platform: Platform) -> None:
    by, other = _a_caller("21750001600027"), _a_caller("21750001600035")
    async with _open(platform) as (first, second):
        for _ in range(20):
            await _read_used(first, by)

        seen = [await _read_used(second, by)]

        async def is_shared() -> bool:
            seen.append(await _read_used(second, by))
            return seen[-1] == 20 + len(seen)

        await wait_until(is_shared, "the second replica counts what the first let in")
        assert await _read_used(first, other) == 1


async def test_a_refused_caller_is_let_in_after_the_time_it_was_told() -> None:
    by = _a_caller("21750001600043")
    with run_services(ROUTING, env=_limit(SHORT, 5)) as platform:
        http_root = platform.addresses.services["routing"]
        async with httpx.AsyncClient(base_url=http_root, timeout=scale_timeout(15)) as http:
            answers = [await http.get("/limits", headers=by) for _ in range(11)]
            refused = answers[-1]
            told_s = int(refused.headers["retry-after"])
            since = time.monotonic()
            # A client that honours Retry-After waits as long as it says, and asks again.
            await asyncio.sleep(told_s)
            again = await http.get("/limits", headers=by)
            waited_s = time.monotonic() - since

    assert refused.status_code == _REFUSED
    assert 1 <= told_s <= SHORT
    assert again.status_code == 200
    [limit] = again.json()["limits"]
    assert (limit["limit"], limit["window_s"], limit["used"]) == (5, SHORT, 1)
    ends_at = datetime.fromisoformat(limit["resets_at"])
    assert ends_at.astimezone(UTC).timestamp() % SHORT == 0
    assert waited_s < told_s + scale_timeout(1)


async def test_requests_are_counted_and_limited_while_the_store_is_away() -> None:
    with run_services(ROUTING, env=_limit(HOUR, 0, 40)) as platform:
        http_root = platform.addresses.services["routing"]
        async with httpx.AsyncClient(base_url=http_root, timeout=scale_timeout(15)) as http:
            before = [(await http.get("/motives?cadre=A4")).status_code for _ in range(10)]
            platform.kill(STORE)
            began = time.monotonic()
            away = [(await http.get("/motives?cadre=A4")).status_code for _ in range(31)]
            took_s = time.monotonic() - began
            platform.restart(STORE)

    assert before == [200] * 10
    assert away == [200] * 30 + [_REFUSED]
    # No request waits for the store: a look at it takes three seconds when it is away.
    assert took_s < scale_timeout(2, most=2.9)


async def test_counts_of_past_windows_are_deleted() -> None:
    by = _a_caller("21750001600050")
    with (
        run_services(ROUTING, env=_limit(SHORT, 5)) as platform,
        MongoClient[Document](platform.addresses.mongo) as mongo,
    ):
        counts = mongo[name_database("routing", "")]["caller_requests"]
        http_root = platform.addresses.services["routing"]
        async with httpx.AsyncClient(base_url=http_root, timeout=scale_timeout(15)) as http:

            async def is_kept() -> object:
                # The last second of a window is counted in memory alone.
                await http.get("/limits", headers=by)
                return counts.find_one()

            await wait_until(is_kept, "the count is in the store")
            kept = counts.find_one()
            await wait_until(lambda: counts.find_one() is None, "the count of a past window")

    assert kept is not None
    assert {*kept} == {"_id", "window", "parts"}
    assert kept["window"] % SHORT == 0
    assert all(count <= 5 for count in kept["parts"].values())
