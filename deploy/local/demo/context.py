"""Context of the demo: services, date, new piece numbers, and accepted pieces."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

from deploy.local.demo.actor import PATIENCE_S, Actor, Answer, Services
from deploy.local.demo.pieces import Writer, metadata, pdf, ubl
from deploy.local.demo.structures import ONE_SIRET, STRUCTURES, TWO_SIRETS, WITHOUT_MOA, Site
from deploy.local.einvoices import Einvoice
from shared.circuit.loader import load_current
from shared.circuit.statuses import Act
from shared.circuit.table import Row
from shared.vocabulary.roles import SUPPLIER_SIDE, Role

PAYMENT = (Act.SERVICE_FAIT, Act.MANDATER, Act.METTRE_EN_PAIEMENT)


@dataclass(slots=True)
class Tally:
    """Counts of accepted dossiers and pieces, and remarks to print."""

    dossiers: dict[str, str] = field(default_factory=dict)
    """Label of each dossier: what it demonstrates."""
    pieces: dict[str, Answer] = field(default_factory=dict)
    remarks: list[tuple[str, str]] = field(default_factory=list)

    def accept(self, answer: Answer, label: str) -> None:
        """Count an accepted piece."""
        self.dossiers.setdefault(answer["dossier_id"], label)
        self.pieces[answer["piece_id"]] = answer


@dataclass(slots=True)
class DemoContext:
    """Context shared by all journeys. `today` is the date on the services' clock."""

    services: Services
    today: date
    tally: Tally = field(default_factory=Tally)
    patience_s: float = PATIENCE_S
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def actor(self, role: Role, site: Site) -> Actor:
        """Build the client of the actor with a role."""
        return Actor(self.services, role, site.member(role).siret, self.patience_s)

    def draft(
        self, cadre: str, site: Site, ht: str = "10000.00", engagement: str | None = None
    ) -> Einvoice:
        """Prepare a piece with a new number; its seller is the depositor, or the titulaire."""
        depositor = _row(cadre, site).depositor
        seller = depositor if depositor in SUPPLIER_SIDE else Role.TITULAIRE
        return Einvoice(
            number=f"{cadre}-2026-{next(self._numbers):03d}",
            issued_on=self.today,
            cadre=cadre,
            seller=site.member(seller).trader(),
            buyer=site.service_financier.trader(),
            ht=Decimal(ht),
            engagement=engagement,
        )

    async def open(self, cadre: str, site: Site, write: Writer) -> Answer:
        """Deposit a piece that opens a dossier."""
        draft = self.draft(cadre, site)
        actor = self.actor(_row(cadre, site).depositor, site)
        answer = await actor.deposit(
            write(draft), build_opening(draft, site, write), key=draft.number
        )
        self.tally.accept(answer, f"{answer['read']['syntax']}, {site.label}")
        return answer

    async def follow(self, answer: Answer, site: Site, ht: str = "10000.00") -> Answer:
        """Let the recipient of a piece deposit the next one, as a PDF with metadata."""
        actor = self.actor(_row(answer["cadre"], site).recipient, site)
        prefill = await actor.wait_for_prefill(answer["piece_id"])
        draft = self.draft(prefill["cadres"][0], site, ht)
        answer = await actor.deposit(
            pdf(draft), build_following(draft, answer["piece_id"]), key=draft.number
        )
        self.tally.accept(answer, site.label)
        return answer

    async def carry_to_payment(self, answer: Answer, site: Site) -> None:
        """Follow a piece to the service financier, and have it paid."""
        while not _row(answer["cadre"], site).is_final:
            answer = await self.follow(answer, site)
        payer = self.actor(Role.SERVICE_FINANCIER, site)
        for act in PAYMENT:
            await payer.treat(answer["piece_id"], act)


def build_opening(draft: Einvoice, site: Site, write: Writer) -> dict[str, Any]:
    """Build the metadata that the file of an opener lacks; a plain PDF lacks all."""
    beside = {
        "parties": site.parties(_row(draft.cadre, site).depositor),
        "type_tva": "TVA_SUR_DEBIT",
        "mode_paiement": "VIREMENT",
        # Deposit may not know yet that another dossier of the same parties has ended.
        "opens": True,
    }
    return (metadata(draft) if write is pdf else {}) | beside


def build_following(draft: Einvoice, piece_id: str) -> dict[str, Any]:
    """Build the metadata of a following piece, a plain PDF."""
    return metadata(draft) | {"follows": {"piece_id": piece_id}}


async def register_structures(context: DemoContext) -> None:
    """Declare every structure, and wait until service deposit knows them all."""
    for member in STRUCTURES:
        actor = Actor(context.services, Role.TITULAIRE, member.siret, context.patience_s)
        await actor.declare(member.declaration())
    for cadre, site in (
        ("A4", ONE_SIRET),
        ("A4", TWO_SIRETS),
        ("A4", WITHOUT_MOA),
        ("A10", ONE_SIRET),
        ("A13", ONE_SIRET),
    ):
        draft = context.draft(cadre, site)
        actor = context.actor(_row(cadre, site).depositor, site)
        await actor.wait_until_accepted(ubl(draft), build_opening(draft, site, ubl))


def _row(cadre: str, site: Site) -> Row:
    return load_current()[cadre, site.has_moa]
