"""What the virtual agent makes of a message, and what a conversation becomes."""

import csv
from datetime import UTC, datetime
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.support.access.domain.texts import TEXT_LIMIT, TITLE_LIMIT
from services.support.agent.domain.conversation import (
    MESSAGE_LIMIT,
    TURNS_LIMIT,
    AnswerKind,
    Conversation,
    Turn,
    prefill_ticket,
)
from services.support.agent.domain.intents import Intent, parse_message
from services.support.agent.domain.piece_numbers import find_piece_numbers
from services.support.agent.domain.piece_status import (
    _ENDINGS,
    NEXT_STEPS,
    SUPERSEDED,
    AwaitedActor,
    TrackedPiece,
    choose_latest,
    describe_pieces,
)
from shared.circuit.statuses import ENTRY, TRANSITIONS, VALIDATED
from shared.vocabulary.labels import STATUSES
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status

NOON = datetime(2026, 11, 24, 11, 5, tzinfo=UTC)
QUESTIONS = Path(__file__).parent / "agent_questions.csv"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("où en est ma facture EAV-2026-014 ?", "EAV-2026-014"),
        ("Où en est ma facture « EAV-2026-014 » ?", "EAV-2026-014"),
        ("ou en est la facture eav 2026 014 svp", "eav-2026-014"),
        ("statut de EAV 2026 014", "EAV-2026-014"),
        ("facture EAV 2026/014", "EAV-2026-014"),
        ("EAV_2026_014", "EAV-2026-014"),
        ("ma facture eav2026-014, merci", "eav2026-014"),
        ("facture A4 2026 007", "A4-2026-007"),
        ("n°4512", "4512"),
        ("facture n° 4512 toujours pas payée", "4512"),
        ("facture numéro 123456", "123456"),
        ("ma facture n° FA2026014 est-elle payée", "FA2026014"),
        ("SIT_03 bloquée depuis 12 jours", "SIT_03"),
        ("EAV-2026-014 30 jours de retard", "EAV-2026-014"),
        ("situation n°3", "3"),
        ("pièce FAC-12/2026 déposée le 12/03/2026", "FAC-12/2026"),
        ("EAV-NR", "EAV-NR"),
        ("où en est EAV-NR ?", "EAV-NR"),
        ("ma facture EAV-NR est-elle payée", "EAV-NR"),
    ],
)
def test_the_number_of_a_piece_is_found_in_its_forms(text: str, number: str) -> None:
    assert number in find_piece_numbers(text)


@pytest.mark.parametrize(
    "text",
    [
        "A4 ou A5 ?",
        "le cadre A4 2026",
        "la pièce A22 dans les 10 jours",
        "facture de mars 2026",
        "ma facture du 12/03/2026",
        "déposée le 12 mars 2026",
        "mon numéro de facture fait 25 caractères",
        "mon ticket T-2026-000123",
        "A_VALIDER_1",
        "où déposer le DC4 de mon sous-traitant ?",
        "facture révisée par l'indice BT01",
        "factures MOE-MOA",
        "ma facture PDF-UBL est refusée",
        "contrat EAV-NR",
        "SIRET 90000000100017",
        "UBL 2.1",
        "article 12.4.4 du CCAG",
        "un métré de 15 Mo",
        "erreur 422",
        "règle DEP-NUM-01",
        "1200.50 euros",
        "c'est la 1ere fois, où déposer ma situation ?",
        "ma 2nde facture",
        "une véranda de 18 m2",
        "une toile de 30x40",
        "un appartement F3",
        "un mur de 3m50 sur 12m",
        "une dalle de 25cm",
        "la facture de la 1re tranche",
        "la facture du 3ème lot",
    ],
)
def test_other_numbers_are_not_taken_for_a_piece_s(text: str) -> None:
    assert find_piece_numbers(text) == ()


def test_no_general_question_is_taken_for_the_number_of_a_piece() -> None:
    with QUESTIONS.open(encoding="utf-8", newline="") as lines:
        asked = [row["question"] for row in csv.DictReader(lines, delimiter=";")]

    assert [each for each in asked if find_piece_numbers(each)] == []


@given(st.text(max_size=300))
def test_no_text_is_too_strange_to_be_heard(text: str) -> None:
    heard = parse_message(text, awaits_email=False)

    assert (heard.intent is Intent.PIECE) == bool(heard.numbers)
    assert len(heard.numbers) <= 6


@pytest.mark.parametrize(
    "part",
    ["a-", "1 ", "n° ", "lien ", "a@", "bonjour ", "oui ", "ne ", "merci ", "activer ", "veux "],
)
def test_hearing_a_text_takes_at_most_about_the_square_of_its_length(part: str) -> None:
    def taken(length: int) -> float:
        text = f"{part * length}"[:length]
        began = process_time()
        parse_message(text, awaits_email=True, awaits_yes=True)
        return process_time() - began

    short, long = (
        min(taken(length) for _ in range(3)) for length in (MESSAGE_LIMIT // 4, MESSAGE_LIMIT)
    )

    # The square of four times as much is 16; a pattern that takes the cube takes 64.
    assert long < 32 * short


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("bonjour", Intent.GREETING),
        ("Merci beaucoup !", Intent.THANKS),
        ("Bonjour et merci", Intent.QUESTION),
        ("bonjour, merci", Intent.GREETING),
        ("c'est quoi ton nom", Intent.GREETING),
        ("bonjour, où en est ma facture EAV-2026-014 ?", Intent.PIECE),
        ("mon lien d'activation a expiré", Intent.ACTIVATION),
        ("je n'ai jamais reçu le mail pour activer mon compte", Intent.ACTIVATION),
        ("vous ne m'avez pas renvoyé le lien d'activation", Intent.ACTIVATION),
        ("je n'ai pas de mail d'activation pour jean@x.fr", Intent.ACTIVATION),
        ("je voudrais un lien d'activation, pas reçu pour jean@x.fr", Intent.ACTIVATION),
        ("J'ai reçu un mail de jean@x.fr sur l'activité du chantier", Intent.QUESTION),
        ("le lien vers la page des activités", Intent.QUESTION),
        ("je ne veux surtout pas de lien d'activation pour pdg@x.fr", Intent.QUESTION),
        ("je veux pas de lien d'activation pour pdg@x.fr", Intent.QUESTION),
        ("je n'ai plus besoin d'un lien d'activation pour a@x.fr", Intent.QUESTION),
        ("n'envoyez pas de lien d'activation à a@x.fr", Intent.QUESTION),
        ("ne m'envoyez plus jamais de mail d'activation : a@x.fr", Intent.QUESTION),
        ("inutile de renvoyer le lien d'activation à a@x.fr", Intent.QUESTION),
        ("annulez le mail d'activation pour a@x.fr", Intent.QUESTION),
        ("un lien d'activation que je n'ai pas demandé pour a@x.fr", Intent.QUESTION),
        ("mon lien d'activation a été annulé, renvoyez-le à jean@x.fr", Intent.ACTIVATION),
        ("mon lien d'activation est annulé", Intent.ACTIVATION),
        ("je ne veux plus attendre : renvoyez le lien d'activation", Intent.ACTIVATION),
        ("je veux plus attendre, un lien d'activation pour a@x.fr", Intent.ACTIVATION),
        ("oui", Intent.QUESTION),
        ("je veux parler à quelqu'un", Intent.PERSON),
        ("un conseiller svp", Intent.PERSON),
        ("à quelle heure peut-on parler à un conseiller ?", Intent.QUESTION),
        ("je voudrais ouvrir un ticket", Intent.TICKET),
        ("comment ouvrir un ticket ?", Intent.QUESTION),
        ("comment habiliter un agent ?", Intent.QUESTION),
        ("bonjour, comment déposer une facture ?", Intent.QUESTION),
        ("contact : jean@exemple.fr", Intent.QUESTION),
    ],
)
def test_what_is_wanted_is_heard(text: str, intent: Intent) -> None:
    assert parse_message(text, awaits_email=False).intent is intent


def test_an_address_is_taken_when_it_was_asked_for() -> None:
    assert parse_message("C'est jean@exemple.fr.", awaits_email=True).email == "jean@exemple.fr"
    assert parse_message("un lien d'activation pour a@b.fr", awaits_email=False).email == "a@b.fr"
    assert parse_message("a@b", awaits_email=True).intent is Intent.QUESTION


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("oui", Intent.CONFIRMATION),
        ("Oui !", Intent.CONFIRMATION),
        ("OUI, merci.", Intent.CONFIRMATION),
        ("d'accord, allez-y", Intent.CONFIRMATION),
        ("oui, c'est bien ça, s'il vous plaît", Intent.CONFIRMATION),
        ("Je confirme", Intent.CONFIRMATION),
        ("envoyez-le svp", Intent.CONFIRMATION),
        ("non", Intent.RENUNCIATION),
        ("Non, surtout pas !", Intent.RENUNCIATION),
        ("annulez", Intent.RENUNCIATION),
        ("je ne veux pas", Intent.RENUNCIATION),
        ("je ne veux pas de lien pour a@x.fr", Intent.RENUNCIATION),
        ("non, c'est paul@x.fr", Intent.ACTIVATION),
        ("merci", Intent.THANKS),
        ("oui, pour jean@x.fr", Intent.CONFIRMATION),
        ("oui jean@x.fr, merci", Intent.CONFIRMATION),
        ("pour jean@x.fr", Intent.ACTIVATION),
        ("oui mais non pour jean@x.fr", Intent.ACTIVATION),
        ("je ne veux plus attendre : renvoyez le lien à jean@x.fr", Intent.ACTIVATION),
        ("non merci, ce n'est pas la bonne adresse", Intent.RENUNCIATION),
        ("rien du tout", Intent.RENUNCIATION),
        ("stop, annulez la demande", Intent.RENUNCIATION),
        ("non je cherche comment déposer une A4", Intent.QUESTION),
        ("rien ne s'affiche quand je dépose une pièce", Intent.QUESTION),
        ("oui mais non", Intent.QUESTION),
        ("oui, mais comment déposer une facture ?", Intent.QUESTION),
        ("", Intent.QUESTION),
    ],
)
def test_a_request_is_confirmed_by_a_yes_and_by_nothing_else(text: str, intent: Intent) -> None:
    assert parse_message(text, awaits_email=False, awaits_yes=True).intent is intent


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("non", Intent.RENUNCIATION),
        ("non, je n'en veux plus", Intent.RENUNCIATION),
        ("non je cherche comment déposer une A4", Intent.QUESTION),
        ("rien ne s'affiche quand je dépose une pièce", Intent.QUESTION),
    ],
)
def test_who_asks_something_else_instead_of_an_address_is_answered(
    text: str, intent: Intent
) -> None:
    assert parse_message(text, awaits_email=True).intent is intent


def test_only_the_address_just_asked_about_is_confirmed() -> None:
    asked = Turn(NOON, "a@x.fr", AnswerKind.ACTIVATION_CONFIRMS, "Oui ?", email="a@x.fr")
    conversation = Conversation("c", NOON).with_turn(asked)

    assert conversation.unconfirmed == "a@x.fr"
    assert conversation.with_turn(_turn()).unconfirmed is None


def _turn(
    message: str = "Q",
    answer: str = "R",
    kind: AnswerKind = AnswerKind.UNSURE,
    sub_category: str | None = None,
    piece: str | None = None,
) -> Turn:
    return Turn(NOON, message, kind, answer, sub_category=sub_category, piece=piece)


def test_a_ticket_begins_with_what_was_said() -> None:
    turns = [
        _turn("bonjour", "Bonjour.", AnswerKind.GREETING),
        _turn(
            "ma pièce\nest suspendue", "Complétez-la.", AnswerKind.ARTICLE, sub_category="M_REFUS"
        ),
        _turn("et EAV-1 ?", "Suspendue.", AnswerKind.PIECE, sub_category="SUIVI", piece="EAV-1"),
        _turn("<b>encore ?</b>", "Je ne sais pas."),
    ]

    made = prefill_ticket(turns)

    assert made.title == "<b>encore ?</b>"
    assert made.description.startswith("Vous : bonjour\nAgent virtuel : Bonjour.")
    assert made.description.endswith("Vous : <b>encore ?</b>\nAgent virtuel : Je ne sais pas.")
    assert (made.sub_category, made.piece) == (None, "EAV-1")
    assert prefill_ticket(turns[:3]).title == "ma pièce est suspendue"
    assert prefill_ticket(turns[:3]).sub_category == "SUIVI"


def test_a_ticket_names_no_piece_that_was_not_found_but_in_the_question_about_it() -> None:
    lost = _turn("EAV-999 ?", "Introuvable.", AnswerKind.PIECE_NOT_FOUND, "SUIVI", "EAV-999")

    assert prefill_ticket([lost]).piece == "EAV-999"
    other = prefill_ticket([lost, _turn("et le reste ?")])
    assert (other.title, other.sub_category, other.piece) == ("et le reste ?", None, None)


def test_a_ticket_made_of_much_keeps_its_limits_and_the_end() -> None:
    made = prefill_ticket([_turn("x" * 1000, f"réponse {rank}") for rank in range(TURNS_LIMIT)])

    assert len(made.title) == TITLE_LIMIT
    assert len(made.description) == TEXT_LIMIT
    assert made.description.endswith(f"réponse {TURNS_LIMIT - 1}")


def test_a_conversation_ends_somewhere() -> None:
    conversation = Conversation("c", NOON)
    for _ in range(TURNS_LIMIT):
        assert not conversation.is_full
        conversation = conversation.with_turn(_turn())

    assert conversation.is_full


def test_every_status_says_what_comes_next() -> None:
    reached = {row.target for row in TRANSITIONS} | {*ENTRY.values(), *VALIDATED}
    reached |= {Status.DEPOSEE, Status.A_VALIDER_1}

    assert {status for status in reached if status not in {**NEXT_STEPS, **_ENDINGS}} == set()


def test_a_piece_is_told_in_french() -> None:
    piece = TrackedPiece(
        number="EAV-2026-014",
        cadre="A4",
        label="projet de décompte mensuel",
        status=Status.A_ASSOCIER_MOE,
        status_label="À associer par la maîtrise d'œuvre",
        status_at=NOON,
        awaited=(AwaitedActor(Role.MOE, "Cabinet Durand"),),
        since=NOON,
        due=datetime(2026, 12, 1, 23, tzinfo=UTC),
    )

    assert describe_pieces([piece]) == (
        "La pièce EAV-2026-014 (A4, projet de décompte mensuel) est au statut « À associer par la "
        "maîtrise d'œuvre » depuis le 24 novembre 2026 à 12 h 05. Est attendu : la maîtrise "
        "d'œuvre (Cabinet Durand), depuis le 24 novembre 2026. Prochaine étape : déposer la pièce "
        "suivante, ou traiter celle-ci (suspendre, refuser, recycler). Échéance : 1er décembre "
        "2026 au soir."
    )


def test_a_piece_that_another_has_followed_says_where_that_one_is() -> None:
    def piece(number: str, status: Status, latest: TrackedPiece | None = None) -> TrackedPiece:
        return TrackedPiece(number, "A4", "projet", status, STATUSES[status], NOON, latest=latest)

    paid = piece("EA-2", Status.MISE_EN_PAIEMENT)

    assert describe_pieces([piece("SIT-1", Status.ASSOCIEE, paid)]).endswith(
        "La pièce suivante du dossier a été déposée. La dernière pièce du dossier, EA-2 (A4, "
        "projet), est au statut « Mise en paiement » depuis le 24 novembre 2026 à 12 h 05. Son "
        "traitement est terminé."
    )
    assert {*_ENDINGS} >= SUPERSEDED


def test_a_deposit_that_was_turned_away_is_not_what_a_dossier_has_come_to() -> None:
    def come(*later: Status) -> Status | None:
        found = choose_latest(
            [TrackedPiece("N", "A4", "p", each, STATUSES[each], NOON) for each in later]
        )
        return found.status if found else None

    assert come(Status.REJETEE, Status.A_ASSOCIER_MOA, Status.ASSOCIEE) is Status.A_ASSOCIER_MOA
    assert come(Status.REJETEE, Status.ASSOCIEE) is Status.REJETEE
    assert come() is None
