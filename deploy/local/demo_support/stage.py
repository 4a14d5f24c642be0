"""What every chapter needs: the running platform, who reads its topics, what is claimed."""

from dataclasses import dataclass
from datetime import datetime

import httpx

from deploy.local.demo.actor import Answer
from deploy.local.demo.cast import AMENAGEUR, MOE, TITULAIRE, TRESORERIE
from deploy.local.demo_support.people import Person, member, until
from deploy.local.demo_support.report import Report
from deploy.local.demo_support.watch import Watch
from deploy.local.platform import Platform
from shared.vocabulary.dates import PARIS
from shared.vocabulary.roles import Role

OPENS = datetime(2027, 7, 13, 10, tzinfo=PARIS)
"""A Tuesday at ten, the day before a public holiday."""

CAST = (TITULAIRE, MOE, AMENAGEUR, TRESORERIE)


@dataclass(frozen=True, slots=True)
class Stage:
    """The platform as the demo plays on it."""

    platform: Platform
    support: httpx.AsyncClient
    watch: Watch
    report: Report

    @property
    def supplier(self) -> Person:
        """Somebody who asks for the structure that is paid."""
        return member(self.support, TITULAIRE, Role.TITULAIRE)

    async def submit(self, who: Person, draft: Answer) -> Answer:
        """Write a draft and submit it."""
        begun = await who.ask("POST", "/tickets", 201, json=draft)
        return await who.ask("POST", f"/tickets/{begun['id']}/submission")

    async def declare(self, organisation: httpx.AsyncClient) -> None:
        """Let the structures declare themselves, and wait until support has heard of the last."""
        for each in CAST:
            person = member(organisation, each, Role.TITULAIRE)
            answer = await person.send("PUT", f"/structures/{each.siret}", json=each.declaration())
            answer.raise_for_status()
        draft = {"recipient": {"structure": CAST[-1].siret}}
        tried = await until(
            lambda: self.supplier.send("POST", "/tickets", json=draft),
            lambda answer: answer.status_code == httpx.codes.CREATED,
        )
        await self.supplier.send("DELETE", f"/tickets/{tried['id']}")
