"""`python -m deploy.local.demo_support`: run all chapters; exit 0 when every claim holds."""

import asyncio
import sys
import time
from contextlib import AsyncExitStack
from datetime import timedelta

import httpx

from deploy.local.backends import Backend, choose
from deploy.local.demo.exit_status import exit_with_status
from deploy.local.demo_support.agent import check_answers, deposit_piece
from deploy.local.demo_support.chat import check_chat_in_hours, check_closed_chat
from deploy.local.demo_support.context import OPENS, SupportContext
from deploy.local.demo_support.desks import check_waiting, handle_ticket
from deploy.local.demo_support.report import Report
from deploy.local.demo_support.ticket_events import TicketEvents, follow_tickets
from deploy.local.demo_support.tickets import (
    check_draft_survives,
    submit_contradicted,
    submit_one_of_each,
)
from deploy.local.platform import Platform
from deploy.local.sign_in import SignIn
from shared.runtime.clock import build_clock

_OPEN_DAY = timedelta(hours=10)
NEEDED_SERVICES = tuple(
    f"services.{name}" for name in ("organisation", "deposit", "routing", "portal", "support")
)
"""Modules of the services that the demo needs: the virtual agent looks up a piece."""


def main() -> int:
    """Run the demo and return the exit status."""
    backend = choose(otherwise=Backend.EMBEDDED).backend
    print(f"démarrage ({backend}), horloge au {OPENS:%d/%m/%Y %H:%M}…", flush=True)
    started = time.monotonic()
    ahead = int((OPENS - build_clock()()).total_seconds())
    report = Report()
    with Platform(backend, services=NEEDED_SERVICES, clock_offset_s=ahead) as platform:
        print(f"prête en {time.monotonic() - started:.1f} s", flush=True)
        events = asyncio.run(_run(platform, report))
    for each in report.wrong:
        print(f"demo-support: {each}", file=sys.stderr)
    tickets = len({number for number, _ in events.received})
    count = sum(map(len, events.received.values()))
    claims = report.held + len(report.wrong)
    print(
        f"demo-support: {'FAILED' if report.wrong else 'ok'}, {tickets} tickets, {count} events, "
        f"{report.held} of {claims} claims hold"
    )
    return 1 if report.wrong else 0


async def _run(platform: Platform, report: Report) -> TicketEvents:
    async with AsyncExitStack() as stack:
        clients = {
            name: await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=30))
            for name, url in platform.addresses.services.items()
        }
        events = await stack.enter_async_context(follow_tickets(platform.addresses.kafka))
        context = SupportContext(platform, SignIn(platform), clients["support"], events, report)
        await context.declare(clients["organisation"])
        depositing = deposit_piece(context.sign_in, clients["deposit"], clients["portal"])
        piece = asyncio.create_task(depositing)
        technical = await submit_one_of_each(context)
        waiting = await submit_contradicted(context)
        await check_draft_survives(context)
        await handle_ticket(context, technical)
        await piece
        await check_answers(context)
        await check_chat_in_hours(context)
        await check_closed_chat(context, 1, "le 14 juillet", "jeudi 15 juillet 2027 à 8 h 30")
        await check_waiting(context, waiting, timedelta())
        await check_closed_chat(context, 4, "un dimanche", "lundi 19 juillet 2027 à 8 h 30")
        await check_waiting(context, waiting, 2 * _OPEN_DAY)
        report.print_chapter("Rien de plus")
        report.claim("les deux topics n'ont reçu que ce qui précède", events.list_differences(), [])
    return events


if __name__ == "__main__":
    exit_with_status("demo-support", main)
