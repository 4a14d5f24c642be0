"""Context of the demo: services, date, new piece numbers, and accepted pieces."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

from deploy.local.demo.actor import TIMEOUT_S, Actor, Answer, Services
from deploy.local.demo.pieces import Writer, build_metadata, write_pdf, write_ubl
from deploy.local.demo.structures import (
    ONE_SIRET,
    STRUCTURES,
    TWO_SIRETS,
    WITHOUT_MOA,
    Marche,
    Structure,
)
from deploy.local.einvoices import Einvoice
from deploy.local.sign_in import SignIn
from shared.circuit.loader import NEWEST, load_version
from shared.circuit.statuses import Act
from shared.circuit.table import Row
from shared.vocabulary.roles import SUPPLIER_SIDE, Role

PAYMENT = (Act.SERVICE_FAIT, Act.MANDATER, Act.METTRE_EN_PAIEMENT)


@dataclass(slots=True)
class Tally:
    """Accepted dossiers and pieces, and remarks, for the report."""

    dossiers: dict[str, str] = field(default_factory=dict)
    """Label of each dossier, by id: what it demonstrates."""
    journeys: dict[str, str] = field(default_factory=dict)
    """Id of the dossier of each journey, by the name of the journey."""
    pieces: dict[str, Answer] = field(default_factory=dict)
    """Answer to the deposit of each piece, by id."""
    remarks: list[tuple[str, str]] = field(default_factory=list)
    """What was done, and the answer."""

    def accept(self, answer: Answer, label: str) -> None:
        """Record an accepted piece, by the answer to its deposit."""
        self.dossiers.setdefault(answer["dossier_id"], label)
        self.pieces[answer["piece_id"]] = answer


@dataclass(slots=True)
class DemoContext:
    """Context shared by all journeys. `today` is the date of the services' clocks."""

    services: Services
    sign_in: SignIn
    today: date
    tally: Tally = field(default_factory=Tally)
    timeout_s: float = TIMEOUT_S
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def build_actor(self, role: Role, marche: Marche) -> Actor:
        """Build the HTTP client of the actor with a role."""
        return self.build_member(marche.find_member(role), role)

    def build_member(self, structure: Structure, role: Role = Role.TITULAIRE) -> Actor:
        """Build the HTTP client of the main manager of a structure, in a role."""
        return Actor(self.services, self.sign_in, role, structure, self.timeout_s)

    def build_draft(
        self, cadre: str, marche: Marche, ht: str = "10000.00", engagement: str | None = None
    ) -> Einvoice:
        """Build a piece with a new number.

        The seller is the depositor; for a piece of MOE or MOA, the titulaire.
        """
        depositor = _find_row(cadre, marche).depositor
        seller = depositor if depositor in SUPPLIER_SIDE else Role.TITULAIRE
        return Einvoice(
            number=f"{cadre}-2026-{next(self._numbers):03d}",
            issued_on=self.today,
            cadre=cadre,
            seller=marche.find_member(seller).build_trader(),
            buyer=marche.service_financier.build_trader(),
            ht=Decimal(ht),
            engagement=engagement,
        )

    async def open(self, cadre: str, marche: Marche, write: Writer) -> Answer:
        """Deposit a piece that opens a dossier; return the answer."""
        draft = self.build_draft(cadre, marche)
        actor = self.build_actor(_find_row(cadre, marche).depositor, marche)
        answer = await actor.deposit(
            write(draft), build_opening(draft, marche, write), key=draft.number
        )
        self.tally.accept(answer, f"{answer['read']['syntax']}, {marche.label}")
        return answer

    async def follow(self, answer: Answer, marche: Marche, ht: str = "10000.00") -> Answer:
        """Let the recipient of a piece deposit the next one, a plain PDF; return the answer."""
        actor = self.build_actor(_find_row(answer["cadre"], marche).recipient, marche)
        prefill = await actor.wait_for_prefill(answer["piece_id"])
        draft = self.build_draft(prefill["cadres"][0], marche, ht)
        answer = await actor.deposit(
            write_pdf(draft), build_following(draft, answer["piece_id"]), key=draft.number
        )
        self.tally.accept(answer, marche.label)
        return answer

    async def carry_to_payment(self, answer: Answer, marche: Marche) -> None:
        """Deposit the next pieces up to the service financier, and let that pay."""
        while not _find_row(answer["cadre"], marche).is_final:
            answer = await self.follow(answer, marche)
        payer = self.build_actor(Role.SERVICE_FINANCIER, marche)
        for act in PAYMENT:
            await payer.treat(answer["piece_id"], act)


def build_opening(draft: Einvoice, marche: Marche, write: Writer) -> dict[str, Any]:
    """Build the metadata that the file of an opener lacks; a plain PDF lacks every field."""
    beside: dict[str, Any] = {
        "parties": marche.build_parties(_find_row(draft.cadre, marche).depositor),
        "type_tva": "TVA_SUR_DEBIT",
        "mode_paiement": "VIREMENT",
        # Opens a dossier even if deposit still awaits this cadre in another one of the parties: it
        # may not know yet that that one has ended.
        "opens": True,
    }
    if marche.mandant:
        beside["mandant"] = marche.mandant.siret
    return (build_metadata(draft) if write is write_pdf else {}) | beside


def build_following(draft: Einvoice, piece_id: str) -> dict[str, Any]:
    """Build the metadata of a following piece, a plain PDF."""
    return build_metadata(draft) | {"follows": {"piece_id": piece_id}}


async def register_structures(context: DemoContext) -> None:
    """Create every structure by who signs in for it; wait until services know them all."""
    members = [context.build_member(each) for each in STRUCTURES]
    for member in members:
        await member.declare(member.structure.build_declaration())
    for member in members:
        await member.wait_until_known()
    for cadre, marche in (
        ("A4", ONE_SIRET),
        ("A4", TWO_SIRETS),
        ("A4", WITHOUT_MOA),
        ("A10", ONE_SIRET),
        ("A13", ONE_SIRET),
    ):
        draft = context.build_draft(cadre, marche)
        actor = context.build_actor(_find_row(cadre, marche).depositor, marche)
        await actor.wait_until_accepted(write_ubl(draft), build_opening(draft, marche, write_ubl))


def _find_row(cadre: str, marche: Marche) -> Row:
    return load_version(NEWEST)[cadre, marche.has_moa]
