"""The journeys of the demo: both circuits, a refusal, a suspension, a duplicate, what 4b refuses.

The table leads through the circuits: each recipient deposits what may follow its piece.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

from deploy.local.demo.actor import Actor, Answer, File, Services, Unexpected
from deploy.local.demo.cast import AMENAGEUR, MAIRIE, MEMBERS, MOE, TITULAIRE, TRESORERIE, Member
from deploy.local.demo.pieces import Writer, cii, factur_x, metadata, pdf, ubl
from deploy.local.einvoices import Einvoice
from shared.circuit.loader import current
from shared.circuit.statuses import Act
from shared.vocabulary.roles import Role

_PAYMENT = (Act.SERVICE_FAIT, Act.MANDATER, Act.METTRE_EN_PAIEMENT)


@dataclass(frozen=True, slots=True)
class Site:
    """Who is who in a contract."""

    moa: Member
    service_financier: Member

    def member(self, role: Role) -> Member:
        """Find who plays a role."""
        return {
            Role.TITULAIRE: TITULAIRE,
            Role.MOE: MOE,
            Role.MOA: self.moa,
            Role.SERVICE_FINANCIER: self.service_financier,
        }[role]

    def parties(self) -> dict[str, Any]:
        """Name the parties as metadata."""
        roles = (Role.MOE, Role.MOA, Role.SERVICE_FINANCIER)
        return {role.value: {"structure": self.member(role).siret} for role in roles}


ONE_SIRET = Site(MAIRIE, MAIRIE)
TWO_SIRETS = Site(AMENAGEUR, TRESORERIE)


@dataclass(slots=True)
class Tally:
    """What was accepted, and the remarkable things seen."""

    dossiers: dict[str, str] = field(default_factory=dict)
    """What each dossier shows."""
    pieces: dict[str, Answer] = field(default_factory=dict)
    remarks: list[tuple[str, str]] = field(default_factory=list)

    def accept(self, answer: Answer, site: Site) -> None:
        """Count an accepted piece."""
        sirets = "un SIRET" if site.moa is site.service_financier else "deux SIRET"
        self.dossiers.setdefault(answer["dossier_id"], f"{answer['read']['syntax']}, {sirets}")
        self.pieces[answer["piece_id"]] = answer


@dataclass(slots=True)
class Scene:
    """What a journey needs: the services, numbers that are not spent, the tally."""

    services: Services
    today: date
    tally: Tally = field(default_factory=Tally)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def actor(self, role: Role, site: Site) -> Actor:
        """Put somebody in front of the platform."""
        return Actor(self.services, role, site.member(role).siret)

    def draft(self, cadre: str, site: Site, ht: str = "10000.00") -> Einvoice:
        """Prepare a piece with a number of its own."""
        return Einvoice(
            number=f"{cadre}-2026-{next(self._numbers):03d}",
            issued_on=self.today,
            cadre=cadre,
            seller=TITULAIRE.trader(),
            buyer=site.service_financier.trader(),
            ht=Decimal(ht),
        )

    async def open(self, cadre: str, site: Site, write: Writer) -> Answer:
        """Deposit a piece that opens a dossier."""
        draft = self.draft(cadre, site)
        answer = await self.actor(Role.TITULAIRE, site).deposit(
            write(draft), opening(draft, site, write), key=draft.number
        )
        self.tally.accept(answer, site)
        return answer

    async def follow(self, answer: Answer, site: Site, ht: str = "10000.00") -> Answer:
        """Let the recipient of a piece deposit the next one, as a PDF with metadata."""
        row = current()[answer["cadre"], True]
        actor = self.actor(row.recipient, site)
        prefill = await actor.is_awaited(answer["piece_id"])
        draft = self.draft(prefill["cadres"][0], site, ht)
        answer = await actor.deposit(
            pdf(draft),
            metadata(draft) | {"follows": {"piece_id": answer["piece_id"]}},
            key=draft.number,
        )
        self.tally.accept(answer, site)
        return answer

    async def to_the_end(self, answer: Answer, site: Site) -> None:
        """Follow a piece to the service financier, and have it paid."""
        while current()[answer["cadre"], True].recipient is not Role.SERVICE_FINANCIER:
            answer = await self.follow(answer, site)
        payer = self.actor(Role.SERVICE_FINANCIER, site)
        for act in _PAYMENT:
            await payer.treat(answer["piece_id"], act)


def opening(draft: Einvoice, site: Site, write: Writer) -> dict[str, Any]:
    """Give what an opener's file lacks; a plain PDF lacks everything."""
    beside = {
        "parties": site.parties(),
        "type_tva": "TVA_SUR_DEBIT",
        "mode_paiement": "VIREMENT",
    }
    return (metadata(draft) if write is pdf else {}) | beside


async def register(scene: Scene) -> None:
    """Let the cast declare itself, and wait until deposit has heard of everybody."""
    for member in MEMBERS:
        await Actor(scene.services, Role.TITULAIRE, member.siret).declare(member.declaration())
    for site in (ONE_SIRET, TWO_SIRETS):
        draft = scene.draft("A4", site)
        titulaire = scene.actor(Role.TITULAIRE, site)
        await titulaire.would_be_accepted(ubl(draft), opening(draft, site, ubl))


async def whole_circuit(scene: Scene, cadre: str, site: Site, write: Writer) -> None:
    """Carry a dossier from its opener to its payment."""
    await scene.to_the_end(await scene.open(cadre, site, write), site)


async def suspension(scene: Scene, cadre: str, site: Site, write: Writer) -> None:
    """Have the MOE suspend an opener, the titulaire complete it, and the dossier go on."""
    answer = await scene.open(cadre, site, write)
    moe, titulaire = scene.actor(Role.MOE, site), scene.actor(Role.TITULAIRE, site)
    await moe.treat(answer["piece_id"], Act.SUSPENDRE, comment="Il manque le bon de livraison.")
    delivery = File("bon-de-livraison.pdf", "application/pdf", pdf(scene.draft("A4", site)).content)
    await titulaire.complete(answer["piece_id"], "Bon de livraison joint.", delivery)
    scene.tally.remarks.append((f"{cadre} suspendue, complétée", "revenue à la MOE"))
    await scene.to_the_end(answer, site)


async def corrected_amounts(scene: Scene, cadre: str, site: Site, write: Writer) -> None:
    """Have the MOE lower the amounts in its own piece: that is no refusal."""
    answer = await scene.follow(await scene.open(cadre, site, write), site, ht="9500.00")
    change = next(each for each in answer["changes"] if each["field"] == "ttc")
    scene.tally.remarks.append(
        (f"{answer['cadre']} corrige le TTC", f"{change['previous']} → {change['now']}")
    )
    await scene.to_the_end(answer, site)


async def refusal(scene: Scene, cadre: str, site: Site, write: Writer) -> None:
    """Have the MOE refuse an opener; an amount is no motive."""
    answer = await scene.open(cadre, site, write)
    moe = scene.actor(Role.MOE, site)
    blocked = await moe.try_treat(answer["piece_id"], Act.REFUSER, motive="ERREUR_DE_MONTANT")
    scene.tally.remarks.append(("refus pour erreur de montant", _refusing_rules(blocked)))
    await moe.treat(answer["piece_id"], Act.REFUSER, motive="MAUVAISE_MOA")
    scene.tally.remarks.append((f"{cadre} refusée par la MOE", "le dossier s'arrête"))


async def duplicate(scene: Scene, cadre: str, site: Site, write: Writer) -> None:
    """Send a deposit twice: under one key it is the same, under none its number is spent."""
    draft = scene.draft(cadre, site)
    fields = opening(draft, site, write)
    titulaire = scene.actor(Role.TITULAIRE, site)
    first = await titulaire.deposit(write(draft), fields, key=draft.number)
    again = await titulaire.deposit(write(draft), fields, key=draft.number)
    if first["piece_id"] != again["piece_id"]:
        raise Unexpected("one Idempotency-Key gave two pieces")
    scene.tally.accept(first, site)
    refused = await titulaire.try_deposit(write(draft), fields)
    scene.tally.remarks.append(("même numéro déposé deux fois", _refusing_rules(refused)))


_REFUSED_SITES: Mapping[str, tuple[Member | None, Member]] = {
    "MOA paramétrée « sans »": (TRESORERIE, MAIRIE),
    "service financier « exclusivement MOA »": (MAIRIE, AMENAGEUR),
    "aucune MOA, service financier « avec »": (None, MAIRIE),
    "aucune MOA, service financier « sans »": (None, TRESORERIE),
}


async def refused_parties(scene: Scene, write: Writer) -> None:
    """Try what the MOA parameter forbids, at the first deposit."""
    for case, (moa, payer) in _REFUSED_SITES.items():
        site = Site(moa or payer, payer)
        draft = scene.draft("A4", site)
        fields = opening(draft, site, write)
        if moa is None:
            del fields["parties"]["moa"]
        answer = await scene.actor(Role.TITULAIRE, site).try_deposit(write(draft), fields)
        scene.tally.remarks.append((case, _refusing_rules(answer)))


def _refusing_rules(answer: Any) -> str:  # noqa: ANN401 - an httpx response
    if answer.status_code not in {409, 422}:
        raise Unexpected(f"accepted what must be refused: {answer.status_code} {answer.text}")
    codes = ", ".join(each["code"] for each in answer.json()["violations"])
    return f"{answer.status_code} {codes}"


async def all_journeys(scene: Scene) -> None:
    """Run every journey, side by side as in life."""
    await asyncio.gather(
        corrected_amounts(scene, "A4", TWO_SIRETS, ubl),
        whole_circuit(scene, "A4", ONE_SIRET, cii),
        whole_circuit(scene, "A7", TWO_SIRETS, factur_x),
        whole_circuit(scene, "A7", ONE_SIRET, pdf),
        suspension(scene, "A4", ONE_SIRET, factur_x),
        refusal(scene, "A4", TWO_SIRETS, ubl),
        duplicate(scene, "A4", ONE_SIRET, cii),
        refused_parties(scene, ubl),
    )
