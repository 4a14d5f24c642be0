"""Carries one dossier from A4 to its payment, past a delay and a SIGKILL, and receives its traces.

`python -m tests.parcours` prints what docs/operate.md shows of it.
"""

import asyncio
import json
import os
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

import httpx

from deploy.local.backends import choose
from deploy.local.demo.actor import NEEDED_SERVICES, Services
from deploy.local.demo.context import PAYMENT, DemoContext, register_structures
from deploy.local.demo.pieces import write_ubl
from deploy.local.demo.structures import ONE_SIRET
from deploy.local.platform import Platform
from deploy.local.programs import ROOT
from deploy.local.sign_in import SignIn
from shared.runtime.clock import build_clock
from shared.vocabulary.roles import Role
from tests.kit.receivers import Receiver, run_receiver
from tests.kit.waiting import scale_timeout, wait_until

Line = dict[str, Any]
CLIENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
"""`traceparent` of the client that deposits."""
PAGE = ROOT / "docs" / "operate.md"
_SECTION = re.compile(r"^## Follow a dossier\n(.*?)(?=^## )", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LATE_DAYS = 16
"""Days after which the MOE is late: it has fifteen for its état d'acompte."""


@dataclass(frozen=True, slots=True)
class Followed:
    """Dossier that was carried, and the receiver of its traces."""

    platform: Platform
    receiver: Receiver
    dossier_id: str

    def read_lines(self) -> list[Line]:
        """Read the log lines of all services that name the dossier, in order of time."""
        found = (path.read_text() for path in self.platform.logs.glob("*.log"))
        lines = [each for text in found for each in text.splitlines() if self.dossier_id in each]
        return [json.loads(line) for line in sorted(lines)]

    async def wait_for(self, publications: int, deliveries: int, roots: int) -> None:
        """Wait until so many facts are logged, and their spans and root spans received."""

        async def has_come() -> bool:
            events = Counter(line["event"] for line in self.read_lines())
            logged = events["fact.publication"], events["fact.delivery"]
            spans = len(await self.receiver.list_spans(self.dossier_id))
            assert (*logged, spans) == (publications, deliveries, sum(logged) + roots), logged
            return True

        await wait_until(has_come, "lines and spans", 40)

    async def print_life(self) -> str:
        """Run the command that the page shows; return what it prints."""
        command = list_blocks("sh")[0].replace(".run/*/logs", str(self.platform.logs))
        process = await asyncio.create_subprocess_exec(
            *("bash", "-c", command),
            env={"DOSSIER": self.dossier_id, "PATH": os.defpath},
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
        return out.decode()

    async def draw_trace(self) -> str:
        """Draw the trace of the dossier as a tree."""
        return await self.receiver.draw(self.dossier_id)


def list_blocks(language: str) -> list[str]:
    """List the code blocks of a language in the page's section "Follow a dossier"."""
    return [text for name, text in _BLOCK.findall(read_section()) if name == language]


def read_section() -> str:
    """Read the page's section "Follow a dossier"."""
    section = _SECTION.search(PAGE.read_text(encoding="utf-8"))
    assert section is not None
    return section[1]


@asynccontextmanager
async def follow_dossier() -> AsyncIterator[Followed]:
    """Carry the dossier; the numbers of lines and spans of each wait are counted by hand."""
    async with AsyncExitStack() as stack:
        receiver = stack.enter_context(run_receiver())
        platform = Platform(
            choose().backend,
            services=(*NEEDED_SERVICES, "services.portal"),
            env={"AIGUILLAGE_OTLP_ENDPOINT": receiver.endpoint},
        )
        await asyncio.to_thread(platform.start)
        stack.push_async_callback(asyncio.to_thread, platform.stop)
        scene = DemoContext(
            await _open_clients(stack, platform), SignIn(platform), build_clock()().date()
        )
        await register_structures(scene)
        opener = await scene.open("A4", ONE_SIRET, write_ubl)
        followed = Followed(platform, receiver, opener["dossier_id"])
        # Published: the deposit, two statuses, the piece for the MOE and the state of the dossier.
        # Delivered: the deposit to routing, the statuses to notification, the state to deposit and
        # portal, the piece to no service.
        await followed.wait_for(5, 5, roots=1)

        # Services restart with later clocks. Only EDI partners read the elapsed delay.
        await asyncio.to_thread(platform.advance, _LATE_DAYS)
        scene.today += timedelta(days=_LATE_DAYS)
        await followed.wait_for(7, 7, roots=2)

        # Routing is killed before the next piece is deposited, and restarted after it.
        await asyncio.to_thread(platform.kill, "routing")
        piece = await scene.follow(opener, ONE_SIRET)
        await asyncio.to_thread(platform.restart, "routing")
        await followed.wait_for(13, 13, roots=3)

        piece = await scene.follow(piece, ONE_SIRET)
        await followed.wait_for(19, 19, roots=4)
        payer = scene.build_actor(Role.SERVICE_FINANCIER, ONE_SIRET)
        for act in PAYMENT:
            await payer.treat(piece["piece_id"], act)
        await followed.wait_for(25, 28, roots=7)
        yield followed


async def _open_clients(stack: AsyncExitStack, platform: Platform) -> Services:
    urls = platform.addresses.services
    clients = {
        name: await stack.enter_async_context(
            httpx.AsyncClient(
                base_url=urls[name], timeout=scale_timeout(30), headers={"traceparent": CLIENT}
            )
        )
        for name in (field.name for field in fields(Services))
    }
    return Services(**clients)
