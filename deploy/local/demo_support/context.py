"""Context shared by the chapters of the support demo: platform, events of tickets, report."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import httpx

from deploy.local.demo.actor import Answer
from deploy.local.demo.structures import AMENAGEUR, MOE, TITULAIRE, TRESORERIE, Structure
from deploy.local.demo_support.people import Person, build_agent, build_member, wait_for_answer
from deploy.local.demo_support.report import Report
from deploy.local.demo_support.ticket_events import TicketEvents
from deploy.local.platform import Platform
from deploy.local.sign_in import SignIn, User, grant_desk
from shared.vocabulary.dates import PARIS
from shared.vocabulary.roles import Role
from shared.vocabulary.tickets import Desk

OPENS = datetime(2027, 7, 13, 10, tzinfo=PARIS)
"""Start of the demo: a Tuesday at ten, the day before a public holiday."""

PARTIES = (TITULAIRE, MOE, AMENAGEUR, TRESORERIE)
OPERATOR = User("marie@bureau.exemple.fr", "Marie D.")
"""Agent of the technical desk, who belongs to no structure."""
TREASURER = TRESORERIE.user
"""Agent of the business desk of the TRESORERIE: its main manager."""


@dataclass(frozen=True, slots=True)
class SupportContext:
    """Running platform, events of its tickets and report, shared by all chapters."""

    platform: Platform
    sign_in: SignIn
    support: httpx.AsyncClient
    events: TicketEvents
    report: Report

    @property
    def supplier(self) -> Person:
        """Person of the supplier's structure, who submits tickets."""
        return self.build_member(TITULAIRE, Role.TITULAIRE)

    @property
    def operator(self) -> Person:
        """Agent of the technical desk."""
        return build_agent(self.sign_in, self.support, Desk.TECHNIQUE, OPERATOR)

    @property
    def treasurer(self) -> Person:
        """Agent of the business desk of the TRESORERIE."""
        return build_agent(self.sign_in, self.support, Desk.METIER, TREASURER, TRESORERIE)

    def build_member(self, of: Structure, role: Role) -> Person:
        """Build the client of service support for who signs in for a structure."""
        return build_member(self.sign_in, self.support, of, role)

    async def submit(self, who: Person, draft: Answer) -> Answer:
        """Create a draft of a ticket and submit it."""
        created = await who.ask("POST", "/tickets", 201, json=draft)
        return await who.ask("POST", f"/tickets/{created['ticket_id']}/submission")

    async def declare(self, organisation: httpx.AsyncClient) -> None:
        """Declare the structures, and wait until service support knows the last one."""
        for each in PARTIES:
            person = build_member(self.sign_in, organisation, each, Role.TITULAIRE)
            answer = await person.send(
                "PUT", f"/structures/{each.siret}", json=each.build_declaration()
            )
            answer.raise_for_status()
        await asyncio.to_thread(grant_desk, self.platform, OPERATOR)
        for agent, path in (
            (self.operator, "/desk/tickets"),
            (self.treasurer, "/desk/tickets"),
            *((self.build_member(each, Role.TITULAIRE), "/tickets") for each in PARTIES),
        ):
            await wait_for_answer(
                partial(agent.send, "GET", path), lambda answer: answer.is_success
            )
        draft = {"recipient": {"structure": PARTIES[-1].siret}}
        tried = await wait_for_answer(
            lambda: self.supplier.send("POST", "/tickets", json=draft),
            lambda answer: answer.status_code == httpx.codes.CREATED,
        )
        await self.supplier.send("DELETE", f"/tickets/{tried['ticket_id']}")
