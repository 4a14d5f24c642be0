"""Chapters on tickets: the topic that each reaches, suggestions from its text, durable drafts."""

import asyncio

from deploy.local.demo.actor import Answer
from deploy.local.demo.structures import TRESORERIE
from deploy.local.demo_support.context import SupportContext
from deploy.local.demo_support.people import Person
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


async def submit_one_of_each(context: SupportContext) -> Answer:
    """Submit a business, a technical and an anonymous ticket, check topics; return the second."""
    context.report.print_chapter("Un ticket de chaque nature atteint le topic de son bureau")
    await check_arrival(context, await context.submit(context.supplier, BUSINESS), Desk.METIER)
    technical = await context.submit(context.supplier, TECHNICAL)
    await check_arrival(context, technical, Desk.TECHNIQUE)

    stranger = Person(context.support, {})
    unnamed = await stranger.ask("POST", "/open/tickets", 201, data={**TECHNICAL, "email": EMAIL})
    submitted = await check_arrival(context, unnamed, Desk.TECHNIQUE)
    issuer = submitted and (submitted.issuer.structure, submitted.issuer.email)
    context.report.claim(f"… celui-ci sans compte, de {EMAIL}", issuer, (None, EMAIL))
    follower = Person(context.support, {"X-Ticket-Token": unnamed["token"]})
    path = f"/open/tickets/{unnamed['ticket_id']}"
    seen = [(await each.send("GET", path)).status_code for each in (follower, stranger)]
    context.report.claim("son jeton le suit, et personne sans lui", seen, [200, 404])
    return technical


async def submit_contradicted(context: SupportContext) -> Answer:
    """Submit a ticket whose text contradicts its sub-category; return the ticket."""
    report = context.report
    report.print_chapter("Un texte contredit sa sous-catégorie : c'est dit, et le choix reste")
    title, description = CONTRADICTORY["title"], CONTRADICTORY["description"]
    for typed in ((title[:15], ""), (title, ""), (title, description)):
        found = await _ask_suggestions(context, *typed)
        best = found["suggestions"][:1]
        report.quote(
            f"« {' '.join(typed).strip()[-40:]} »", "".join(map(_describe, best)) or "rien"
        )
    report.claim(
        "pendant la frappe, M_PAIEMENT est suggéré, avec sa confiance",
        [(each["sub_category"], _CONFIDENT <= each["confidence"] <= 1) for each in best],
        [("M_PAIEMENT", True)],
    )
    report.claim("… et dit contraire au choix de DEPOT", found["contradicts"])
    ticket = await context.submit(context.supplier, CONTRADICTORY)
    submitted = await check_arrival(context, ticket, Desk.TECHNIQUE)
    report.claim(
        f"signalé, {ticket['suggested']} suggéré, {ticket['sub_category']} gardé",
        submitted and (submitted.contradicts, submitted.suggested, submitted.sub_category),
        (True, "M_PAIEMENT", "DEPOT"),
    )
    return ticket


async def check_draft_survives(context: SupportContext) -> None:
    """Check that a draft survives a kill of the service, and can be submitted after it."""
    report, who = context.report, context.supplier
    report.print_chapter("Un brouillon survit à un arrêt brutal du service")
    draft = await who.ask("POST", "/tickets", 201, json={"title": "Lien"})
    path = f"/tickets/{draft['ticket_id']}"
    written = {
        "sub_category": "ACTIVATION",
        "title": "Lien d'activation expiré",
        "description": "Le lien reçu lundi ne fonctionne plus.",
    }
    await who.ask("PUT", path, json=written)
    screen = "écran.pdf", b"%PDF-1.7 capture", "application/pdf"
    draft = await who.ask("POST", f"{path}/attachments", 201, files={"attachments": screen})
    before = context.platform.get_pid("support")
    await asyncio.to_thread(context.platform.kill, "support")
    report.claim(
        f"kill -9 {before} : le service n'est plus là", context.platform.is_alive("support"), False
    )
    await asyncio.to_thread(context.platform.restart, "support")
    after = context.platform.get_pid("support")
    report.claim(f"relancé sous le numéro {after}", after != before)
    kept = await who.ask("GET", path)
    report.claim(f"le brouillon « {kept['title']} » est là, entier", kept, draft)
    file = await who.send("GET", f"{path}/attachments/{draft['attachments'][0]['sha256']}")
    report.claim("sa pièce jointe aussi", file.content, screen[1])
    await check_arrival(context, await who.ask("POST", f"{path}/submission"), Desk.TECHNIQUE)


async def check_arrival(
    context: SupportContext, ticket: Answer, desk: Desk
) -> TicketSubmitted | None:
    """Check that the event of a ticket reached the topic of its desk; None when it did not."""
    topic = TICKET[desk]
    submitted = await context.events.wait_for(ticket["number"], topic, TicketSubmitted)
    context.report.claim(
        f"{ticket['number']}  {ticket['sub_category']:<11} « {ticket['title']} » → {topic.name}",
        submitted and (submitted.ticket, submitted.desk, submitted.sub_category, submitted.title),
        (ticket["ticket_id"], desk, ticket["sub_category"], ticket["title"]),
    )
    return submitted


async def _ask_suggestions(context: SupportContext, title: str, description: str) -> Answer:
    body = {"title": title, "description": description, "sub_category": "DEPOT"}
    return await context.supplier.ask("POST", "/suggestions", json=body)


def _describe(guess: Answer) -> str:
    return f"{guess['category_label']} › {guess['label']} ({guess['confidence']:.0%})"
