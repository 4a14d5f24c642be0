"""Traffic generator: actors carry dossiers, change structures and subscriptions, send tickets.

What the platform has promised by a 2xx is kept, for `tests/parcours/ledger.py` to compare.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import fields, replace
from itertools import count, cycle

import httpx

from deploy.local.demo.actor import TIMEOUT_S, Answer, Services, Unexpected
from deploy.local.demo.context import DemoContext, register_structures
from deploy.local.demo.journeys import JOURNEYS
from deploy.local.demo.runs import JourneyRun
from deploy.local.demo.steps import Journey, Silence
from deploy.local.demo.structures import STRUCTURES, TITULAIRE
from deploy.local.demo_support.people import Person, build_member
from deploy.local.demo_support.tickets import TECHNICAL
from deploy.local.platform import Platform
from deploy.local.sign_in import SignIn
from shared.contracts.support_v1 import TicketChanged, TicketSubmitted
from shared.runtime.clock import build_clock
from shared.runtime.ids import new_id
from shared.vocabulary.roles import Role
from tests.kit.waiting import scale_timeout
from tests.parcours.clients import BuildTransport, Retries, open_clients

CIRCUITS = tuple(
    journey for journey in JOURNEYS if not any(isinstance(step, Silence) for step in journey.steps)
)
"""Journeys of the demo in which no delay passes: delays need days, not minutes."""

_AT_ONCE = 8
"""Dossiers that are carried at the same time."""
_LIMIT_S = 400
"""Timeout of the traffic of a test, in seconds."""
_POLL_S = 0.05
_PAUSE_S = 1.0
"""Pause between two changes of structures, and between two tickets, in seconds."""
_MESSAGES = ("Le fichier pèse 2 Mo.", "Il s'appelle SIT-11.xml.")


@asynccontextmanager
async def open_traffic(
    platform: Platform,
    journeys: Sequence[Journey] = CIRCUITS,
    transport: BuildTransport = Retries,
) -> AsyncIterator["Traffic"]:
    """Declare the structures on a running platform, and prepare its traffic."""
    async with open_clients(platform, transport) as clients:
        services = Services(**{each.name: clients[each.name] for each in fields(Services)})
        today = build_clock()().date()
        context = DemoContext(services, SignIn(platform), today, timeout_s=scale_timeout(TIMEOUT_S))
        await register_structures(context)
        yield Traffic(context, clients, journeys)


class Traffic:
    """Dossiers, changes of structures and of a subscription, tickets; what was promised of each."""

    def __init__(
        self,
        context: DemoContext,
        clients: Mapping[str, httpx.AsyncClient],
        journeys: Sequence[Journey],
    ) -> None:
        """Prepare traffic of these journeys, in turn, on the services that clients are for."""
        self.context = context
        self.clients = clients
        self.runs: list[JourneyRun] = []
        self.structures: dict[str, int] = {}
        """The last version of each structure that was accepted."""
        self.tickets: dict[str, list[str]] = {}
        """Types of the events that each ticket must give, in order, by its number."""
        self.stuck: list[str] = []
        """Journeys, tickets and subscriptions that ended by a timeout or an unexpected answer."""
        self.moved: dict[str, set[str]] = defaultdict(set)
        """Pieces of which a step, a deposit or an act, began and ended in a phase."""
        self._phase = ""
        self._journeys = journeys
        self._turn = cycle(journeys)
        self._is_open = True

    @property
    def pieces(self) -> dict[str, Answer]:
        """Accepted pieces, by id."""
        return self.context.tally.pieces

    @asynccontextmanager
    async def flow(self) -> AsyncIterator[None]:
        """Carry dossiers within the block; then carry those that have begun to their end."""
        async with asyncio.timeout(scale_timeout(_LIMIT_S)), asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(self._carry_dossiers())
            group.create_task(self._change_structures())
            if "notification" in self.clients:
                group.create_task(self._change_subscription(self.clients["notification"]))
            if "support" in self.clients:
                group.create_task(self._send_tickets(self.clients["support"]))
            yield
            self._is_open = False

    def add(self, journeys: Sequence[Journey]) -> None:
        """Carry dossiers by these journeys too from now on."""
        self._turn = cycle([*journeys, *self._journeys])

    def begin_phase(self, name: str) -> None:
        """Count what moves from now on under another name."""
        self._phase = name

    async def move(self, pieces: int) -> None:
        """Wait until so many pieces have moved in this phase, or something is stuck."""
        while len(self.moved[self._phase]) < pieces and not self.stuck:  # noqa: ASYNC110
            await asyncio.sleep(_POLL_S)

    def describe(self) -> str:
        """Describe the numbers of pieces and dossiers, and of pieces that moved in each phase."""
        moved = ", ".join(f"{len(pieces)} {phase}" for phase, pieces in self.moved.items())
        return f"{len(self.pieces)} pieces in {len(self.runs)} dossiers (moved: {moved})"

    async def _carry_dossiers(self) -> None:
        while self._is_open:
            await self._carry(next(self._turn))

    async def _carry(self, journey: Journey) -> None:
        run = JourneyRun(journey, self.context)
        self.runs.append(run)
        try:
            for step in journey.steps:
                phase = self._phase
                await run.carry_out(step)
                if phase == self._phase:
                    self.moved[phase].add(run.piece["piece_id"])
        except Unexpected as unexpected:
            self.stuck.append(f"{journey.name}: {unexpected}")

    async def _change_structures(self) -> None:
        """Give a service of structures another name, and so them another version, repeatedly."""
        for rank, each in enumerate(cycle(STRUCTURES)):
            if not self._is_open:
                return
            actor = self.context.build_member(each)
            declaration = each.build_declaration()
            declaration["services"].append({"code": "ACCUEIL", "name": f"Accueil ({rank})"})
            declared = await actor.declare(declaration)
            self.structures[each.siret] = declared["version"]
            await asyncio.sleep(_PAUSE_S)

    async def _change_subscription(self, notification: httpx.AsyncClient) -> None:
        """Subscribe to a daily digest, and change its contact again and again."""
        reader = build_member(self.context.sign_in, notification, TITULAIRE, Role.TITULAIRE)
        terms = {"channel": "mail", "address": TITULAIRE.user.email, "frequency": "daily"}
        try:
            told = await _with_key(reader).ask("POST", "/subscriptions", 201, json=terms)
            path = f"/subscriptions/{told['subscription_id']}"
            for rank in count():
                if not self._is_open:
                    return
                await reader.ask("PATCH", path, json={"contact": f"contact-{rank}@exemple.fr"})
                await asyncio.sleep(_PAUSE_S)
        except Unexpected as unexpected:
            self.stuck.append(f"subscription: {unexpected}")

    async def _send_tickets(self, support: httpx.AsyncClient) -> None:
        """Submit a ticket and add messages to it, again and again."""
        supplier = build_member(self.context.sign_in, support, TITULAIRE, Role.TITULAIRE)
        while self._is_open:
            try:
                await self._send_ticket(supplier)
            except Unexpected as unexpected:
                self.stuck.append(f"ticket: {unexpected}")
            await asyncio.sleep(_PAUSE_S)

    async def _send_ticket(self, supplier: Person) -> None:
        draft = await supplier.ask("POST", "/tickets", 201, json=TECHNICAL)
        submission = f"/tickets/{draft['ticket_id']}/submission"
        ticket = await _with_key(supplier).ask("POST", submission)
        events = self.tickets.setdefault(ticket["number"], [])
        events.append(TicketSubmitted.event_type)
        for text in _MESSAGES:
            await _with_key(supplier).ask(
                "POST", f"/tickets/{ticket['ticket_id']}/messages", 201, data={"text": text}
            )
            events.append(TicketChanged.event_type)


def _with_key(person: Person) -> Person:
    return replace(person, headers={**person.headers, "Idempotency-Key": new_id()})
