"""`python -m deploy.local.demo`: run all journeys; exit 0 when each had its expected result."""

import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta

import httpx

from deploy.local.backends import Backend, choose
from deploy.local.demo.actor import NEEDED_SERVICES, Services
from deploy.local.demo.checks import find_lost, wait_for_expected
from deploy.local.demo.context import DemoContext, register_structures
from deploy.local.demo.delegation import (
    REGULARISED,
    UNDER_MANDATE,
    check_emitted,
    deposit_against_sheet,
    give_mandate,
)
from deploy.local.demo.exit_status import exit_with_status
from deploy.local.demo.journeys import JOURNEYS
from deploy.local.demo.pushes import subscribe
from deploy.local.demo.refusals import deposit_forbidden
from deploy.local.demo.report import print_report, print_users
from deploy.local.demo.routing_events import RoutingEvents, follow_routing
from deploy.local.demo.runs import JourneyRun, run_all
from deploy.local.platform import Platform, list_default_limits
from deploy.local.sign_in import SignIn
from shared.runtime.clock import build_clock
from shared.vocabulary.levels import LEVEL

_PORTAL = "services.portal"
_ANSWER_S = 90
"""Timeout of a request, in seconds: longer than that of the services' own calls to the store."""


def main() -> int:
    """Run the demo and return the exit status."""
    backend = choose(otherwise=Backend.EMBEDDED).backend
    print(f"démarrage de la plateforme ({backend})…", flush=True)
    started = time.monotonic()
    # A level that this version writes is one that the version before could not judge: nothing of
    # an earlier version runs here.
    env = {"AIGUILLAGE_WRITE_LEVEL": str(LEVEL), **list_default_limits()}
    with Platform(backend, services=(*NEEDED_SERVICES, _PORTAL), env=env) as platform:
        print(f"prête en {time.monotonic() - started:.1f} s", flush=True)
        runs, events, wrong = asyncio.run(_run(platform))
    missing = find_lost(runs, events)
    print_report(runs, events)
    for each in wrong:
        print(f"demo: {each}", file=sys.stderr)
    pieces = sum(len(run.pieces) for run in runs)
    dossiers = len({run.dossier_id for run in runs})
    verdict = "FAILED" if missing or wrong else "ok"
    print(
        f"demo: {verdict}, {dossiers} dossiers, {pieces} pieces, "
        f"{len(events.hops)} hops, {len(missing)} lost"
    )
    return 1 if missing or wrong else 0


async def _run(platform: Platform) -> tuple[Sequence[JourneyRun], RoutingEvents, list[str]]:
    clock = build_clock()
    ahead = timedelta()

    async def let_pass(days: int) -> None:
        nonlocal ahead
        await pushes.let_come(events)
        started = time.monotonic()
        await asyncio.to_thread(platform.advance, days)
        ahead += timedelta(days=days)
        print(f"… {days} jours passent ({time.monotonic() - started:.1f} s)", flush=True)

    async with AsyncExitStack() as stack:
        clients = {
            name: await stack.enter_async_context(
                httpx.AsyncClient(base_url=url, timeout=_ANSWER_S)
            )
            for name, url in platform.addresses.services.items()
        }
        events = await stack.enter_async_context(
            follow_routing(platform.addresses.kafka, lambda: clock() + ahead)
        )
        portal = clients.pop("portal")
        context = DemoContext(Services(**clients), SignIn(platform), clock().date())
        await register_structures(context)
        print_users()
        pushes = await stack.enter_async_context(subscribe(context, platform.addresses.mails))
        await deposit_forbidden(context)
        await give_mandate(context)
        await deposit_against_sheet(context)
        runs = await run_all(context, (*UNDER_MANDATE, *JOURNEYS), let_pass)
        runs += await run_all(context, REGULARISED, let_pass)
        wrong = await wait_for_expected(runs, events)
        wrong += await pushes.check(events)
        await check_emitted(context, portal)
    return runs, events, wrong


if __name__ == "__main__":
    exit_with_status("demo", main)
