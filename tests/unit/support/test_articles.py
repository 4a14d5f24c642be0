"""The articles: whole, true to the tables, and found by questions written apart from them."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from services.deposit.adapters.einvoice.limits import DEFAULT_LIMITS
from services.deposit.application.deposits import _FILE_LIMIT as FILE_LIMIT
from services.deposit.domain.attachments import _RULES as DEPOSITED
from services.portal.settings import Settings as Exports
from services.support.agent.adapters.article_search import ArticleSearch
from services.support.agent.adapters.knowledge_base import load_article_search, load_articles
from services.support.agent.domain.articles import (
    Article,
    ArticleError,
    index_by_code,
    read_article,
)
from services.support.agent.domain.search_hits import choose_answer
from services.support.settings import DATA, load_catalogue
from shared.circuit.delays import Effect, Start
from shared.circuit.loader import load_current
from shared.circuit.moa import CASES, Refusal
from shared.circuit.motives import COMMENT_LIMIT
from shared.circuit.parties import LABELS as PARTY_LABELS
from shared.circuit.statuses import ENTRY, TRANSITIONS, VALIDATED
from shared.vocabulary.attachments import _TYPES as EXTENSIONS
from shared.vocabulary.attachments import NAME_LIMIT, SIZE_LIMIT
from shared.vocabulary.roles import Role
from shared.vocabulary.sizes import MEGABYTE
from shared.vocabulary.statuses import Status
from tests.kit.evaluation import find_answer, read_rows

SILENT = "Le titulaire n'a pas répondu au décompte général"
QUESTIONS = Path(__file__).parent / "agent_questions.csv"
CATALOGUE = load_catalogue(DATA / "catalogue.csv")
ARTICLES = load_articles(CATALOGUE.by_code)
SUBJECTS = {
    "depot-piece",
    "cadres-de-facturation",
    "formats-de-fichier",
    "pieces-jointes",
    "numero-de-piece",
    "statuts",
    "delais",
    "refus",
    "suspension",
    "recyclage",
    "contestation-decompte",
    "procedure-tacite",
    "sous-traitance",
    "sans-moa",
    "parametre-moa",
    "engagement-service",
    "paiement",
    "activation-connexion",
    "habilitations",
    "edi-api",
}
OFF_TOPIC = "hors-sujet"
EVERY = pytest.mark.parametrize("article", ARTICLES.values(), ids=ARTICLES)
SET_BY_THE_PLATFORM = (
    {row.target for row in TRANSITIONS}
    | {source for row in TRANSITIONS for source in row.sources}
    | {*ENTRY.values(), *VALIDATED, Status.DEPOSEE, Status.A_VALIDER_1}
)


@pytest.fixture(scope="module")
def search() -> ArticleSearch:
    return load_article_search()


def _said(article: Article) -> str:
    return "\n".join(f"{each.heading}\n{each.text}" for each in article.passages)


def test_every_subject_has_its_article() -> None:
    assert ARTICLES.keys() >= SUBJECTS
    assert len(ARTICLES) >= 24


@EVERY
def test_an_article_leads_to_a_sub_category_and_names_its_source(article: Article) -> None:
    assert article.sub_category in CATALOGUE.by_code
    assert article.source
    # Who reads it in a browser has no repository.
    assert re.search(r"\w/\w|\.(md|csv|py)\b", article.source) is None
    # Keywords are words of the article, and no questions in disguise.
    assert all(len(each.split()) <= 6 for each in article.keywords)


@EVERY
def test_every_question_of_an_article_is_answered_by_its_own_passage(
    article: Article, search: ArticleSearch
) -> None:
    asked = {
        question: passage.code
        for passage in article.passages
        for question in (passage.heading, *passage.questions)
    }

    found = {question: choose_answer(search.search(question)) for question in asked}
    given = {question: hit.passage.code if hit else None for question, hit in found.items()}
    assert {
        question: given[question] for question in asked if given[question] != asked[question]
    } == {}


@EVERY
def test_the_cadres_that_an_article_names_are_in_the_circuit(article: Article) -> None:
    named = set(re.findall(r"\bA\d{1,2}\b", _said(article)))

    # Those of invoices that are not of works are named to say so.
    assert named - {"A1", "A2", "A9", "A12"} <= {row.cadre for row in load_current().rows}


@EVERY
def test_the_statuses_that_an_article_names_are_set_by_the_platform(article: Article) -> None:
    named = set(re.findall(r"`([A-Z0-9]+(?:_[A-Z0-9]+)*)`", _said(article)))

    assert named <= {status.value for status in SET_BY_THE_PLATFORM}


@EVERY
def test_the_tickets_that_an_article_recommends_are_in_the_catalogue(article: Article) -> None:
    named = set(re.findall(r"« (M – [^»]+) »", _said(article)))

    assert named <= {each.label for each in CATALOGUE.by_code.values()}


@EVERY
@pytest.mark.parametrize(
    ("worth", "effect"), [("acceptation", Effect.CONCLUDE), ("validation", Effect.VALIDATE)]
)
def test_silence_is_worth_nothing_but_on_the_pieces_of_the_table(
    article: Article, worth: str, effect: Effect
) -> None:
    of = {cadre for each in load_current().delays if each.effect is effect for cadre in each.cadres}
    said = re.findall(rf"^.*silence[^.]* vaut {worth}[^.]*", _said(article), re.MULTILINE)

    named = [set(re.findall(r"\bA\d{1,2}\b", each)) for each in said]
    assert [each for each in named if not each <= of] == []
    # Where it validates, no piece but those of the article can be meant; where it accepts, one can.
    assert effect is Effect.VALIDATE or all(named)


def test_every_status_of_the_platform_is_explained() -> None:
    said = _said(ARTICLES["statuts"])

    assert {status for status in SET_BY_THE_PLATFORM if f"`{status}`" not in said} == set()


def test_the_delays_are_those_of_the_table() -> None:
    listed = re.findall(r"^- (.+?) : (\d+) jours", _said(ARTICLES["delais"]), re.MULTILINE)
    told = {
        (cadre, int(days)) for what, days in listed for cadre in re.findall(r"\bA\d{1,2}\b", what)
    }

    assert told == {
        (cadre, delay.days) for delay in load_current().delays for cadre in delay.cadres
    }


@pytest.mark.parametrize(
    ("code", "heading"),
    [
        ("suspension", "La suspension arrête-t-elle le délai de traitement"),
        ("delais", "L'acteur attendu"),
    ],
)
def test_a_suspension_stops_all_delays_but_those_that_run_from_the_reception(
    code: str, heading: str
) -> None:
    (passage,) = (each for each in ARTICLES[code].passages if each.heading.startswith(heading))
    going_on = {each for each in load_current().delays if each.start is Start.RECEPTION}

    assert set(re.findall(r"\bA\d{1,2}\b", passage.text)) == {
        cadre for each in going_on for cadre in each.cadres
    }
    assert "repart de zéro quand la pièce" in passage.text
    assert all(each.label in passage.text for each in going_on)


@pytest.mark.parametrize(
    ("code", "cadres", "role"),
    [
        ("sous-traitance", {"A10", "A13", "A14"}, Role.TITULAIRE),
        ("contestation-decompte", {"A18", "A20"}, Role.TITULAIRE),
        ("procedure-tacite", {"A22"}, Role.MOA),
        ("procedure-tacite", {"A17"}, Role.MOA),
        ("delais", {"A4", "A10", "A13"}, Role.MOE),
    ],
)
def test_other_articles_tell_the_same_delays(code: str, cadres: set[str], role: Role) -> None:
    (days,) = {
        each.days for each in load_current().delays if each.cadres >= cadres and each.role is role
    }

    assert f"{days} jours" in _said(ARTICLES[code])


def test_the_limits_are_those_of_the_deposit() -> None:
    said = _said(ARTICLES["pieces-jointes"])

    assert f"{DEPOSITED.count_limit} pièces jointes au plus" in said
    assert f"de {SIZE_LIMIT // MEGABYTE} Mo chacune" in said
    assert f"ensemble {DEPOSITED.total_limit // MEGABYTE} Mo" in said
    assert f"plus de {NAME_LIMIT} caractères" in said
    assert {each for each in EXTENSIONS if not re.search(rf"\b{each}\b", said)} == set()
    assert f"{COMMENT_LIMIT} caractères" in _said(ARTICLES["suspension"])
    assert DEFAULT_LIMITS.pdf_bytes <= FILE_LIMIT
    assert Exports(kafka="k", mongo="m").export_file_mb * MEGABYTE >= FILE_LIMIT
    xml, pdf = (each // MEGABYTE for each in (DEFAULT_LIMITS.xml_bytes, DEFAULT_LIMITS.pdf_bytes))
    assert f"{xml} Mo pour un XML, {pdf} Mo pour un PDF" in _said(ARTICLES["formats-de-fichier"])


def test_an_article_of_delays_leads_to_who_is_late() -> None:
    assert CATALOGUE.by_code[ARTICLES["delais"].sub_category or ""].label in _said(
        ARTICLES["delais"]
    )


def test_the_circuit_without_a_moa_is_the_table_s() -> None:
    alone = {row.cadre for row in load_current().rows if row.moa_present} ^ {
        row.cadre for row in load_current().rows if not row.moa_present
    }

    said = _said(ARTICLES["sans-moa"])
    assert {cadre for cadre in alone if not re.search(rf"\b{cadre}\b", said)} == set()


def test_the_refusals_by_the_moa_parameter_are_those_of_its_decision_table() -> None:
    told = re.findall(r"^- (CIR-\S+) : (.+)", _said(ARTICLES["parametre-moa"]), re.MULTILINE)
    refusals = {
        case.verdict.rule.code: case.verdict.at_fault
        for case in CASES
        if isinstance(case.verdict, Refusal)
    }

    assert {code for code, _ in told} == refusals.keys()
    for code, sentence in told:
        assert sentence.lower().startswith(PARTY_LABELS[refusals[code]].lower())


def test_questions_find_the_right_article_and_the_rest_is_declined(search: ArticleSearch) -> None:
    rows = read_rows(QUESTIONS)
    given = [(row["sujet"], find_answer(search, row["question"])) for row in rows]
    known = [(subject, code) for subject, code in given if subject != OFF_TOPIC]
    off_topic = [code for subject, code in given if subject == OFF_TOPIC]

    assert len(known) > 300
    right = [code for subject, code in known if code and code.partition("#")[0] == subject]
    assert len(right) >= 0.9 * len(known)
    assert off_topic.count(None) >= 0.95 * len(off_topic)


@pytest.mark.parametrize(
    "question",
    [
        "mot de passe Facebook",
        "j'ai oublié mon mot de passe Gmail",
        "mot de passe Netflix perdu",
        "quel est le numéro de téléphone du maire ?",
        "comment exporter du vin en Chine ?",
        "quel est le délai de paiement de mon salaire ?",
        "délai de paiement du loyer",
        "mon sous-traitant est décédé",
        "horaires du restaurant",
        "mon compte twitch est bloqué",
        "numéro d'engagement vélo",
        "comment déposer un préavis de grève ?",
    ],
)
def test_what_only_sounds_like_the_subject_is_declined(
    search: ArticleSearch, question: str
) -> None:
    assert choose_answer(search.search(question)) is None


def test_a_word_that_nobody_of_the_platform_writes_is_foreign(search: ArticleSearch) -> None:
    (plain, *_), (other, *_) = search.search("mon compte bloqué"), search.search("compte Vinted")

    assert plain.foreign == 0
    assert other.foreign > 0.5


@pytest.mark.parametrize(
    ("question", "code"),
    [
        (
            "mon compte est bloqué après trop d'essais, sacrebleu",
            "activation-connexion#mot-de-passe",
        ),
        ("concrètement, comment compléter une pièce suspendue ?", "suspension#completer"),
        ("cest quoi exclusivement MOA", "parametre-moa#valeurs"),
        ("je voudrais déposer une sollicitation", "contacter-assistance#ouvrir-un-ticket"),
        ("le tuyau des travaux est-il ouvert dans notre logiciel ?", "edi-api#tuyau-travaux"),
    ],
)
def test_one_unknown_word_vetoes_no_sure_passage(
    search: ArticleSearch, question: str, code: str
) -> None:
    best = choose_answer(search.search(question))

    assert best is not None
    assert best.passage.code == code


@pytest.mark.parametrize(
    ("question", "code", "begins"),
    [
        (
            "Est-ce qu'une suspension arrête le délai global de paiement ?",
            "suspension#delai-de-paiement",
            "Non",
        ),
        ("La plateforme est-elle un outil de paiement ?", "presentation#outil-de-paiement", "Non"),
        (
            "Où voir ce qui attend une action de ma part ?",
            "suivre-ses-pieces#synthese",
            "Dans l'onglet Synthèse",
        ),
        (
            "Comment voir mes factures par statut ?",
            "suivre-ses-pieces#tableau-de-bord",
            "L'onglet Tableau de bord",
        ),
        (
            "Comment retrouver une facture par son numéro ?",
            "suivre-ses-pieces#rechercher",
            "L'onglet Rechercher",
        ),
        (
            "Comment transformer notre structure privée en structure publique ?",
            "declarer-structure#privee-en-publique",
            "Le type ne se change pas à l'écran",
        ),
        (
            "Pourquoi notre logiciel ne reçoit-il pas les factures de travaux ?",
            "edi-api#tuyau-travaux",
            "Le plus souvent, parce que l'éditeur",
        ),
        (
            "Qu'est-ce que la facture de régularisation du mandataire ?",
            "moa-deleguee#regularisation",
            "Une fois l'entreprise payée",
        ),
    ],
)
def test_a_subject_of_the_seed_has_its_passage_which_begins_by_the_answer(
    search: ArticleSearch, question: str, code: str, begins: str
) -> None:
    best = choose_answer(search.search(question))

    assert best is not None
    assert best.passage.code == code
    assert best.passage.text.startswith(begins)


@pytest.mark.parametrize(
    "question",
    [
        "",
        "?",
        "…",
        "的",
        "' OR 1=1 --",
        "<script>alert(1)</script>",
        "title:refus^9 AND (",
        "a" * 999,
    ],
)
def test_what_is_no_question_is_declined(search: ArticleSearch, question: str) -> None:
    assert choose_answer(search.search(question)) is None


@pytest.mark.parametrize(
    "typed",
    ["recyclage facture", "reclyclage facture", "RECYCLAGE FACTURE", "recyclages factures"],
)
def test_slips_cases_and_endings_are_forgiven(search: ArticleSearch, typed: str) -> None:
    assert search.search(typed)[0].article.code == "recyclage"


def test_the_passage_that_answers_is_given(search: ArticleSearch) -> None:
    best = search.search("les jours du délai sont ils ouvrés ou calendaires")[0]

    assert best.passage.code == "delais#jours"


@pytest.mark.parametrize(
    ("question", "heading"),
    [
        ("le titulaire garde le silence sur le décompte général", SILENT),
        ("l'A18 n'a été ni signé ni contesté à temps", SILENT),
        ("notre décompte général est resté sans réponse de l'entreprise", SILENT),
        ("l'A20 est-il réputé accepté au bout de 30 jours", SILENT),
        ("l'acheteur n'a rien répondu à l'A22", "Personne n'a répondu à l'A22"),
        ("silence de la maîtrise d'œuvre sur mon A22", "Personne n'a répondu à l'A22"),
        ("où envoyer mon mémoire en réclamation", "Comment adresser un mémoire"),
        (
            "le service financier a suspendu, le délai de paiement court-il",
            "La suspension arrête-t-elle le délai de paiement",
        ),
        ("suspendre arrête-t-il le délai de traitement", "La suspension arrête-t-elle le délai de"),
        ("le service financier, c'est qui", "Qui paie ma facture"),
        ("qui peut lire un ticket", "Qui peut lire mon ticket"),
    ],
)
def test_each_case_reaches_the_passage_that_speaks_of_it(
    search: ArticleSearch, question: str, heading: str
) -> None:
    best = choose_answer(search.search(question))

    assert best is not None
    assert best.passage.heading.startswith(heading)


def test_a_passage_that_another_one_comes_near_is_no_answer(search: ArticleSearch) -> None:
    best = search.search("comment compléter une pièce suspendue ?")[0]

    assert best.lead > 0.2
    assert choose_answer([best]) == best
    assert choose_answer([replace(best, lead=0.1)]) is None


def test_an_article_of_a_sub_category_that_is_gone_leads_to_none() -> None:
    left = index_by_code(ARTICLES.values(), {"SUIVI"})

    assert left["refus"].sub_category is None
    assert left["statuts"].sub_category == "SUIVI"


WHOLE = "---\ncode: x\ntitre: X\nmots_cles: m\nsous_categorie: S\n---\n> - Q ?\n\nT\n"
PART = "\n## H {#h}\n> - R ?\n\nU\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x", "no front matter"),
        ("y", f"{WHOLE}\nSource : s"),
        ("x", WHOLE),
        ("x", f"{WHOLE.replace('titre: X', '')}\nSource : s"),
        ("x", f"{WHOLE.replace('titre', 'title')}\nSource : s"),
        ("x", f"{WHOLE.replace('> - Q ?', '')}\nSource : s"),
        ("x", f"{WHOLE}{PART.replace('U', '')}\nSource : s"),
        ("x", f"{WHOLE}{PART.replace('> - R ?', '')}\nSource : s"),
        ("x", f"{WHOLE}{PART.replace(' {#h}', '')}\nSource : s"),
        ("x", f"{WHOLE}{PART}{PART}\nSource : s"),
    ],
)
def test_a_faulty_article_is_named(name: str, text: str) -> None:
    with pytest.raises(ArticleError, match=name):
        read_article(name, text)


def test_a_whole_article_is_read() -> None:
    read = read_article("x", f"{WHOLE}{PART}\nSource : s")

    assert [(each.code, each.heading, each.questions, each.text) for each in read.passages] == [
        ("x", "X", ("Q ?",), "T"),
        ("x#h", "H", ("R ?",), "U"),
    ]


def test_a_question_belongs_to_one_passage() -> None:
    asked = [
        question.casefold()
        for article in ARTICLES.values()
        for passage in article.passages
        for question in passage.questions
    ]

    assert sorted({each for each in asked if asked.count(each) > 1}) == []


def test_the_times_of_an_answer_are_the_targets_of_the_desks() -> None:
    (passage,) = (
        each
        for each in ARTICLES["contacter-assistance"].passages
        if each.code == "contacter-assistance#delai-de-reponse"
    )
    normal = {
        row["bureau"]: row["premiere_reponse_h"]
        for row in read_rows(DATA / "delais.csv")
        if row["priorite"] == "NORMALE"
    }

    assert (
        f"bureau technique vise une première réponse en {normal['technique']} heures"
        in passage.text
    )
    assert f"bureau métier en {normal['metier']} heures" in passage.text
