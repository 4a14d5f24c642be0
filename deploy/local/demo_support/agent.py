"""Chapter on the virtual agent: it answers with a source, looks up a piece, declines questions."""

import json
from dataclasses import dataclass
from decimal import Decimal

import httpx

from deploy.local.demo.actor import Answer
from deploy.local.demo.context import build_opening
from deploy.local.demo.pieces import write_ubl
from deploy.local.demo.structures import TITULAIRE, TRESORERIE, TWO_SIRETS
from deploy.local.demo_support.context import OPENS, SupportContext
from deploy.local.demo_support.people import Person, build_member, wait_for_answer
from deploy.local.einvoices import Einvoice
from deploy.local.sign_in import SignIn
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status

PIECE = "EAV-2026-014"
_NOTHING_CITED: Answer = {"code": None, "link": "/support/v1/articles/aucun", "title": ""}
QUESTIONS = {
    "ma piece est suspendu, que dois-je faire ?": "suspension",
    "Quels formats de fichier puis-je déposer ?": "formats-de-fichier",
    "C'est quoi la procédure tacite ?": "procedure-tacite",
}
"""Questions, the first mistyped, and the article that answers each."""
OFF_TOPIC = "Quelle est la recette de la tarte aux pommes ?"


@dataclass(frozen=True, slots=True)
class _Conversation:
    person: Person
    path: str

    async def say(self, context: SupportContext, text: str) -> Answer:
        """Send a message, and print it with the answer."""
        said = await self.person.ask("POST", self.path, json={"text": text})
        context.report.quote("question", text)
        context.report.quote("réponse", said["answer"])
        return said


async def deposit_piece(
    sign_in: SignIn, deposit: httpx.AsyncClient, portal: httpx.AsyncClient
) -> None:
    """Deposit the piece that the agent looks up; wait until portal shows the MOE awaited."""
    piece = Einvoice(
        number=PIECE,
        issued_on=OPENS.date(),
        cadre="A4",
        seller=TITULAIRE.build_trader(),
        buyer=TRESORERIE.build_trader(),
        ht=Decimal("10000.00"),
    )
    file = write_ubl(piece)
    supplier = build_member(sign_in, deposit, TITULAIRE, Role.TITULAIRE)
    # Deposit refuses the piece until it knows the structures.
    await wait_for_answer(
        lambda: supplier.send(
            "POST",
            "/pieces",
            data={"metadata": json.dumps(build_opening(piece, TWO_SIRETS, write_ubl))},
            files={"file": (file.name, file.content, file.media_type)},
        ),
        lambda answer: answer.status_code == httpx.codes.CREATED,
    )
    reader = build_member(sign_in, portal, TITULAIRE, Role.TITULAIRE)
    await wait_for_answer(
        lambda: reader.send("GET", "/pieces"),
        lambda answer: (
            answer.is_success
            and [each["status"] for each in answer.json()["pieces"] if each["number"] == PIECE]
            == [Status.A_ASSOCIER_MOE]
        ),
    )


async def check_answers(context: SupportContext) -> None:
    """Check the answers of the virtual agent: from articles, from portal, and to another topic."""
    report = context.report
    report.print_chapter("L'agent virtuel répond en citant ses articles, et n'invente rien")
    talk = await _start_conversation(context.supplier)
    for question, code in QUESTIONS.items():
        said = await talk.say(context, question)
        cited = said["citation"] or _NOTHING_CITED
        report.claim(f"source : {code}, « {cited['title']} »", cited["code"], code)
        article = await context.supplier.send("GET", context.supplier.build_url(cited["link"]))
        passages = [each["text"] for each in article.json().get("passages", ())]
        report.claim(
            "la réponse est un passage de l'article, mot pour mot", said["answer"] in passages
        )

    said = await talk.say(context, f"où en est ma facture {PIECE} ?")
    report.claim(
        f"{PIECE} cherchée au portail, au nom de qui demande",
        (said["kind"], f"La pièce {PIECE}" in said["answer"], "maîtrise d'œuvre" in said["answer"]),
        ("piece", True, True),
    )
    other = await _start_conversation(context.build_member(TRESORERIE, Role.TITULAIRE))
    said = await other.say(context, f"où en est ma facture {PIECE} ?")
    report.claim("une autre structure n'en apprend rien", said["kind"], "piece_introuvable")

    said = await talk.say(context, OFF_TOPIC)
    ticket = said["ticket"] or {"title": "", "description": ""}
    report.claim(
        "hors sujet : décliné, sans source",
        (said["kind"], said["citation"]),
        ("incertain", None),
    )
    report.claim(
        "une personne (ouvert) et un ticket prérempli sont proposés",
        (bool(said["person"]) and said["person"]["is_open"], OFF_TOPIC in ticket["description"]),
        (True, True),
    )


async def _start_conversation(person: Person) -> _Conversation:
    created = await person.ask("POST", "/agent/conversations", 201)
    return _Conversation(person, f"/agent/conversations/{created['conversation_id']}/messages")
