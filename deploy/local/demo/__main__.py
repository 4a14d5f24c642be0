"""`python -m deploy.local.demo`: exits 0 when nothing was lost."""

import asyncio
import sys
import time
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime

import httpx
from rich.console import Console
from rich.table import Table

from deploy.errors import LaunchError
from deploy.local.backends import Backend, choose
from deploy.local.demo.actor import Services, Unexpected
from deploy.local.demo.hops import Hop, Watch, watching
from deploy.local.demo.journeys import Scene, Tally, all_journeys, register
from deploy.local.platform import Addresses, Platform
from shared.vocabulary.roles import Purpose

_ARRIVAL_S = 20.0
_console = Console(width=124)


def main() -> int:
    """Run the demo and give the process's exit status."""
    backend = choose(otherwise=Backend.EMBEDDED).backend
    print(f"démarrage de la plateforme ({backend})…", flush=True)
    started = time.monotonic()
    with Platform(backend) as platform:
        print(f"prête en {time.monotonic() - started:.1f} s", flush=True)
        tally, watch = asyncio.run(_play(platform.addresses))
    lost = set(tally.pieces) - _arrived(watch)
    _print(tally, watch)
    verdict = "ok" if not lost else "FAILED"
    print(
        f"demo: {verdict}, {len(tally.dossiers)} dossiers, {len(tally.pieces)} pieces, "
        f"{len(watch.hops)} hops, {len(lost)} lost"
    )
    return len(lost)


async def _play(addresses: Addresses) -> tuple[Tally, Watch]:
    async with AsyncExitStack() as stack:
        clients = {
            name: await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=30))
            for name, url in addresses.services.items()
        }
        services = Services(**clients)
        watch = await stack.enter_async_context(watching(addresses.kafka))
        today = datetime.now(UTC).date()  # noqa: TID251 - beside the platform's clock
        scene = Scene(services, today)
        await register(scene)
        await all_journeys(scene)
        await _until_arrived(scene.tally, watch)
    return scene.tally, watch


async def _until_arrived(tally: Tally, watch: Watch) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_ARRIVAL_S):
            while set(tally.pieces) - _arrived(watch):
                watch.news.clear()
                await watch.news.wait()


def _arrived(watch: Watch) -> set[str]:
    return {hop.forwarded.piece_id for hop in watch.hops if hop.forwarded.purpose == Purpose.ACTION}


def _print(tally: Tally, watch: Watch) -> None:
    table = Table("dossier", "opened by", "cadre", "from", "to", "topic", "latency", title="hops")
    ranks = {dossier: rank for rank, dossier in enumerate(sorted(tally.dossiers), 1)}
    for hop in sorted(watch.hops, key=lambda hop: (hop.forwarded.dossier_id, hop.event_id)):
        dossier = hop.forwarded.dossier_id
        table.add_row(str(ranks[dossier]), tally.dossiers[dossier], *_row(hop))
    _console.print(table)
    remarks = Table("seen", "answer", title="and")
    for remark in tally.remarks:
        remarks.add_row(*remark)
    _console.print(remarks)


def _row(hop: Hop) -> tuple[str, ...]:
    piece = hop.forwarded
    to = piece.role if piece.purpose == Purpose.ACTION else f"{piece.role} (information)"
    return piece.cadre, piece.sender.role, to, hop.topic, f"{hop.latency_ms:.0f} ms"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (LaunchError, Unexpected) as error:
        sys.exit(f"demo: FAILED, {error}")
    except KeyboardInterrupt:
        sys.exit("demo: interrompue")
