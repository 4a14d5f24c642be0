"""Chapters on tickets: which topic each reaches, what its text says, what a draft survives."""

import asyncio

from deploy.local.demo.actor import Answer
from deploy.local.demo.cast import TRESORERIE
from deploy.local.demo_support.people import Person
from deploy.local.demo_support.stage import Stage
from shared.contracts.support_v1 import TicketSubmitted
from shared.contracts.topics import TICKET
from shared.vocabulary.tickets import Desk

EMAIL = "c.daval@exemple.fr"
BUSINESS: Answer = {
    "sub_category": "M_PAIEMENT",
    "title": "Règlement toujours attendu",
    "description": "La situation n° 3 est mandatée depuis cinq semaines, rien n'est encore payé.",
    "recipient": {"structure": TRESORERIE.siret},
}
TECHNICAL: Answer = {
    "sub_category": "DEPOT",
    "title": "Fichier refusé à l'envoi",
    "description": "Le dépôt de ma situation échoue : le fichier est refusé à chaque envoi.",
}
CONTRADICTORY: Answer = {
    "sub_category": "DEPOT",
    "title": "Facture impayée depuis deux mois",
    "description": "Le paiement est en retard, quand serai-je payé ? Je demande des intérêts.",
}
_CONFIDENT = 0.9


async def one_of_each(stage: Stage) -> Answer:
    """Let a ticket of each kind reach its topic; gives the technical one."""
    stage.report.chapter("Un ticket de chaque nature atteint le topic de son bureau")
    await arrives(stage, await stage.submit(stage.supplier, BUSINESS), Desk.METIER)
    technical = await stage.submit(stage.supplier, TECHNICAL)
    await arrives(stage, technical, Desk.TECHNIQUE)

    stranger = Person(stage.support, {})
    unnamed = await stranger.ask("POST", "/open/tickets", 201, data={**TECHNICAL, "email": EMAIL})
    told = await arrives(stage, unnamed, Desk.TECHNIQUE)
    issuer = told and (told.issuer.structure, told.issuer.email)
    stage.report.claim(f"… celui-ci sans compte, de {EMAIL}", issuer, (None, EMAIL))
    follower = Person(stage.support, {"X-Ticket-Token": unnamed["token"]})
    path = f"/open/tickets/{unnamed['id']}"
    seen = [(await each.send("GET", path)).status_code for each in (follower, stranger)]
    stage.report.claim("son jeton le suit, et personne sans lui", seen, [200, 404])
    return technical


async def contradicted(stage: Stage) -> Answer:
    """Let a text say another desk than the sub-category that was chosen; gives the ticket."""
    report = stage.report
    report.chapter("Un texte contredit sa sous-catégorie : c'est dit, et le choix reste")
    title, description = CONTRADICTORY["title"], CONTRADICTORY["description"]
    for typed in ((title[:15], ""), (title, ""), (title, description)):
        found = await _suggested(stage, *typed)
        best = found["suggestions"][:1]
        report.quote(f"« {' '.join(typed).strip()[-40:]} »", "".join(map(_shown, best)) or "rien")
    report.claim(
        "pendant la frappe, M_PAIEMENT est suggéré, avec sa confiance",
        [(each["sub_category"], _CONFIDENT <= each["confidence"] <= 1) for each in best],
        [("M_PAIEMENT", True)],
    )
    report.claim("… et dit contraire au choix de DEPOT", found["contradicts"])
    ticket = await stage.submit(stage.supplier, CONTRADICTORY)
    told = await arrives(stage, ticket, Desk.TECHNIQUE)
    report.claim(
        f"signalé, {ticket['suggested']} suggéré, {ticket['sub_category']} gardé",
        told and (told.contradicts, told.suggested, told.sub_category),
        (True, "M_PAIEMENT", "DEPOT"),
    )
    return ticket


async def draft_survives(stage: Stage) -> None:
    """Let a draft outlive the process that took it, and be submitted to the next one."""
    report, who = stage.report, stage.supplier
    report.chapter("Un brouillon survit à un arrêt brutal du service")
    draft = await who.ask("POST", "/tickets", 201, json={"title": "Lien"})
    path = f"/tickets/{draft['id']}"
    written = {
        "sub_category": "ACTIVATION",
        "title": "Lien d'activation expiré",
        "description": "Le lien reçu lundi ne fonctionne plus.",
    }
    await who.ask("PUT", path, json=written)
    screen = "écran.pdf", b"%PDF-1.7 capture", "application/pdf"
    draft = await who.ask("POST", f"{path}/attachments", 201, files={"attachments": screen})
    before = stage.platform.pid("support")
    await asyncio.to_thread(stage.platform.kill, "support")
    report.claim(
        f"kill -9 {before} : le service n'est plus là", stage.platform.is_alive("support"), False
    )
    await asyncio.to_thread(stage.platform.restart, "support")
    after = stage.platform.pid("support")
    report.claim(f"relancé sous le numéro {after}", after != before)
    kept = await who.ask("GET", path)
    report.claim(f"le brouillon « {kept['title']} » est là, entier", kept, draft)
    file = await who.send("GET", f"{path}/attachments/{draft['attachments'][0]['sha256']}")
    report.claim("sa pièce jointe aussi", file.content, screen[1])
    await arrives(stage, await who.ask("POST", f"{path}/submission"), Desk.TECHNIQUE)


async def arrives(stage: Stage, ticket: Answer, desk: Desk) -> TicketSubmitted | None:
    """Claim that a ticket was told to its desk."""
    topic = TICKET[desk]
    told = await stage.watch.told(ticket["number"], topic, TicketSubmitted)
    stage.report.claim(
        f"{ticket['number']}  {ticket['sub_category']:<11} « {ticket['title']} » → {topic.name}",
        told and (told.ticket, told.desk, told.sub_category, told.title),
        (ticket["id"], desk, ticket["sub_category"], ticket["title"]),
    )
    return told


async def _suggested(stage: Stage, title: str, description: str) -> Answer:
    body = {"title": title, "description": description, "sub_category": "DEPOT"}
    return await stage.supplier.ask("POST", "/suggestions", json=body)


def _shown(guess: Answer) -> str:
    return f"{guess['category_label']} › {guess['label']} ({guess['confidence']:.0%})"
