"""`make authz`: call every endpoint as every kind of caller; exit 1 on a surprise."""

import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import count
from typing import Any

import httpx
from holidays import country_holidays
from pymongo import MongoClient

from deploy.errors import LaunchError
from deploy.local import Platform, choose
from shared.runtime.clock import build_clock
from shared.vocabulary.dates import find_paris_day
from shared.vocabulary.levels import LEVEL
from tests.authz.checks import check_rows
from tests.authz.endpoints import read_endpoints
from tests.authz.expectations import Expectation, load_expectations
from tests.authz.matrix import Results, find_gaps, find_unprepared
from tests.authz.people import Tokens
from tests.authz.register import register_members
from tests.authz.requests.all import PREPARATIONS
from tests.authz.scene import Scene
from tests.authz.untouched import Databases
from tests.kit.waiting import scale_timeout

ENV: Mapping[str, str] = {
    "AIGUILLAGE_WRITE_LEVEL": str(LEVEL),
    "AIGUILLAGE_DESKS_OPEN_AT": "00:00",
    "AIGUILLAGE_DESKS_CLOSE_AT": "23:59",
    "AIGUILLAGE_DESKS_DAYS": "1 2 3 4 5 6 7",
    "AIGUILLAGE_OPEN_PER_EMAIL": "10000",
    "AIGUILLAGE_OPEN_PER_ADDRESS": "10000",
    "AIGUILLAGE_OPEN_MESSAGES_PER_TICKET": "10000",
    "AIGUILLAGE_CHAT_OPEN_EACH": "10000",
    "AIGUILLAGE_CHAT_STARTS_PER_ADDRESS": "10000",
    "AIGUILLAGE_CHAT_ABSENCE_S": "100000",
    "AIGUILLAGE_CHAT_SILENCE_S": "100000",
    "AIGUILLAGE_CHAT_WAITING": "10000",
    "AIGUILLAGE_CHAT_WAITING_OPEN": "5000",
}
"""What is new is written, the chat is open at any hour, no chat ends by itself meanwhile, and no
limit hides a right."""


_DAY_S = 24 * 3600


def count_days_to_open_day(day: date) -> int:
    """Count the days until the next that is no public holiday: the chat is closed on one."""
    closed = country_holidays("FR", years=[day.year, day.year + 1])
    return next(days for days in count() if day + timedelta(days) not in closed)


async def check(platform: Platform, rows: Sequence[Expectation]) -> Results:
    """Prepare people and structures on a platform, and check rows."""
    addresses, clock = platform.addresses, build_clock(platform.clock_offset_s)
    with MongoClient[dict[str, Any]](addresses.mongo) as mongo:
        async with httpx.AsyncClient(timeout=scale_timeout(30)) as http:
            endpoints = await read_endpoints(http, addresses.services)
            gaps = [*find_gaps(endpoints, rows), *find_unprepared(rows, PREPARATIONS)]
            for gap in gaps:
                print(f"SURPRISE  {gap}")
            scene = Scene(http, addresses.services, Tokens(addresses, http, clock))
            await register_members(addresses, scene)
            known = [row for row in rows if row.endpoint in endpoints]
            results = await check_rows(known, scene, Databases(mongo), print)
    results.surprises += gaps
    return results


def run() -> None:
    """Run the checks on a platform of their own, and print the results."""
    began = time.monotonic()
    ahead = count_days_to_open_day(find_paris_day(build_clock()())) * _DAY_S
    with Platform(choose().backend, env=ENV, clock_offset_s=ahead) as platform:
        results = asyncio.run(check(platform, load_expectations()))
    print(f"{results.describe()}, in {time.monotonic() - began:.0f} s")
    sys.exit(bool(results.surprises))


if __name__ == "__main__":
    try:
        run()
    except LaunchError as error:
        sys.exit(f"error: {error}")
