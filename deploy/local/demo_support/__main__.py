"""`python -m deploy.local.demo_support`: exits 0 when every claim about support holds."""

import asyncio
import sys
import time
from contextlib import AsyncExitStack
from datetime import timedelta

import httpx

from deploy.local.backends import Backend, choose
from deploy.local.demo.ending import exit_by
from deploy.local.demo_support.agent import answers, deposit_piece
from deploy.local.demo_support.chat import in_hours, refuses
from deploy.local.demo_support.desks import handled, still_waits
from deploy.local.demo_support.report import Report
from deploy.local.demo_support.stage import OPENS, Stage
from deploy.local.demo_support.tickets import contradicted, draft_survives, one_of_each
from deploy.local.demo_support.watch import Watch, watching
from deploy.local.platform import Platform
from shared.runtime.clock import build_clock

_OPEN_DAY = timedelta(hours=10)
PLAYING = tuple(
    f"services.{name}" for name in ("organisation", "deposit", "routing", "portal", "support")
)
"""The services that the demo needs, as modules: the virtual agent looks a piece up."""


def main() -> int:
    """Run the demo and give the process's exit status."""
    backend = choose(otherwise=Backend.EMBEDDED).backend
    print(f"démarrage ({backend}), horloge au {OPENS:%d/%m/%Y %H:%M}…", flush=True)
    started = time.monotonic()
    ahead = int((OPENS - build_clock()()).total_seconds())
    report = Report()
    with Platform(backend, services=PLAYING, clock_offset_s=ahead) as platform:
        print(f"prête en {time.monotonic() - started:.1f} s", flush=True)
        watch = asyncio.run(_play(platform, report))
    for each in report.wrong:
        print(f"demo-support: {each}", file=sys.stderr)
    tickets = len({number for number, _ in watch.came})
    events = sum(map(len, watch.came.values()))
    claims = report.held + len(report.wrong)
    print(
        f"demo-support: {'FAILED' if report.wrong else 'ok'}, {tickets} tickets, {events} events, "
        f"{report.held} of {claims} claims hold"
    )
    return 1 if report.wrong else 0


async def _play(platform: Platform, report: Report) -> Watch:
    async with AsyncExitStack() as stack:
        clients = {
            name: await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=30))
            for name, url in platform.addresses.services.items()
        }
        watch = await stack.enter_async_context(watching(platform.addresses.kafka))
        stage = Stage(platform, clients["support"], watch, report)
        await stage.declare(clients["organisation"])
        piece = asyncio.create_task(deposit_piece(clients["deposit"], clients["portal"]))
        technical = await one_of_each(stage)
        waiting = await contradicted(stage)
        await draft_survives(stage)
        await handled(stage, technical)
        await piece
        await answers(stage)
        await in_hours(stage)
        await refuses(stage, 1, "le 14 juillet", "jeudi 15 juillet 2027 à 8 h 30")
        await still_waits(stage, waiting, timedelta())
        await refuses(stage, 4, "un dimanche", "lundi 19 juillet 2027 à 8 h 30")
        await still_waits(stage, waiting, 2 * _OPEN_DAY)
        report.chapter("Rien de plus")
        report.claim("les deux topics n'ont reçu que ce qui précède", watch.differences(), [])
    return watch


if __name__ == "__main__":
    exit_by("demo-support", main)
