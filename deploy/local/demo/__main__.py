"""`python -m deploy.local.demo`: exits 0 when all that must come of the journeys has come."""

import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta

import httpx

from deploy.local.backends import Backend, choose
from deploy.local.demo.actor import PLAYING, Services
from deploy.local.demo.ending import exit_by
from deploy.local.demo.hops import Watch, watching
from deploy.local.demo.journeys import JOURNEYS
from deploy.local.demo.play import Play, play_all
from deploy.local.demo.refusals import try_forbidden
from deploy.local.demo.scene import Scene, register
from deploy.local.demo.showing import show
from deploy.local.demo.verdict import lost, until_as_expected
from deploy.local.platform import Platform
from shared.runtime.clock import build_clock


def main() -> int:
    """Run the demo and give the process's exit status."""
    backend = choose(otherwise=Backend.EMBEDDED).backend
    print(f"démarrage de la plateforme ({backend})…", flush=True)
    started = time.monotonic()
    with Platform(backend, services=PLAYING) as platform:
        print(f"prête en {time.monotonic() - started:.1f} s", flush=True)
        plays, watch, wrong = asyncio.run(_play(platform))
    missing = lost(plays, watch)
    show(plays, watch)
    for each in wrong:
        print(f"demo: {each}", file=sys.stderr)
    pieces = sum(len(play.pieces) for play in plays)
    dossiers = len({play.dossier_id for play in plays})
    verdict = "FAILED" if missing or wrong else "ok"
    print(
        f"demo: {verdict}, {dossiers} dossiers, {pieces} pieces, "
        f"{len(watch.hops)} hops, {len(missing)} lost"
    )
    return 1 if missing or wrong else 0


async def _play(platform: Platform) -> tuple[Sequence[Play], Watch, list[str]]:
    clock = build_clock()
    ahead = timedelta()

    async def let_pass(days: int) -> None:
        nonlocal ahead
        started = time.monotonic()
        await asyncio.to_thread(platform.advance, days)
        ahead += timedelta(days=days)
        print(f"… {days} jours passent ({time.monotonic() - started:.1f} s)", flush=True)

    async with AsyncExitStack() as stack:
        clients = {
            name: await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=30))
            for name, url in platform.addresses.services.items()
        }
        watch = await stack.enter_async_context(
            watching(platform.addresses.kafka, lambda: clock() + ahead)
        )
        scene = Scene(Services(**clients), clock().date())
        await register(scene)
        await try_forbidden(scene)
        plays = await play_all(scene, JOURNEYS, let_pass)
        wrong = await until_as_expected(plays, watch)
    return plays, watch, wrong


if __name__ == "__main__":
    exit_by("demo", main)
