"""Context shared by the chapters of the support demo: platform, events of tickets, report."""

from dataclasses import dataclass
from datetime import datetime

import httpx

from deploy.local.demo.actor import Answer
from deploy.local.demo.structures import AMENAGEUR, MOE, TITULAIRE, TRESORERIE
from deploy.local.demo_support.people import Person, build_member, wait_for_answer
from deploy.local.demo_support.report import Report
from deploy.local.demo_support.ticket_events import TicketEvents
from deploy.local.platform import Platform
from shared.vocabulary.dates import PARIS
from shared.vocabulary.roles import Role

OPENS = datetime(2027, 7, 13, 10, tzinfo=PARIS)
"""Start of the demo: a Tuesday at ten, the day before a public holiday."""

PARTIES = (TITULAIRE, MOE, AMENAGEUR, TRESORERIE)


@dataclass(frozen=True, slots=True)
class SupportContext:
    """Running platform, events of its tickets and report, shared by all chapters."""

    platform: Platform
    support: httpx.AsyncClient
    events: TicketEvents
    report: Report

    @property
    def supplier(self) -> Person:
        """Person of the supplier's structure, who submits tickets."""
        return build_member(self.support, TITULAIRE, Role.TITULAIRE)

    async def submit(self, who: Person, draft: Answer) -> Answer:
        """Create a draft of a ticket and submit it."""
        created = await who.ask("POST", "/tickets", 201, json=draft)
        return await who.ask("POST", f"/tickets/{created['ticket_id']}/submission")

    async def declare(self, organisation: httpx.AsyncClient) -> None:
        """Declare the structures, and wait until service support knows the last one."""
        for each in PARTIES:
            person = build_member(organisation, each, Role.TITULAIRE)
            answer = await person.send(
                "PUT", f"/structures/{each.siret}", json=each.build_declaration()
            )
            answer.raise_for_status()
        draft = {"recipient": {"structure": PARTIES[-1].siret}}
        tried = await wait_for_answer(
            lambda: self.supplier.send("POST", "/tickets", json=draft),
            lambda answer: answer.status_code == httpx.codes.CREATED,
        )
        await self.supplier.send("DELETE", f"/tickets/{tried['ticket_id']}")
