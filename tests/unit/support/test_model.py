"""What the model makes of its examples, and of a catalogue that an operator replaced."""

import asyncio
import csv
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from threading import Event

import pytest

from services.support.settings import DATA, load_catalogue
from services.support.suggestions.adapters.examples import Example, ExamplesError, read_examples
from services.support.suggestions.adapters.model import TrainedModel, select_examples, train_model
from services.support.suggestions.adapters.model_suggester import ModelSuggester
from services.support.suggestions.domain.suggestions import READ_LIMIT, Suggestions
from services.support.suggestions.domain.ticket_text import build_text
from shared.vocabulary.tickets import Desk
from tests.kit.evaluation import find_desk, rank_sub_categories
from tests.kit.waiting import scale_timeout

VARIANTS = Path(__file__).parent / "ticket_variants.csv"
LATE = ("Facture impayée", "Paiement en retard de deux mois, je demande les intérêts moratoires.")
LOCKED = ("mot de passe oublié", "Je n'arrive plus à me connecter, mon compte est bloqué.")
DESKS = load_catalogue(DATA / "catalogue.csv").desks
FEW = {code: DESKS[code] for code in ("CONNEXION", "DEPOT", "CADRE", "M_PAIEMENT", "M_BANQUE")}
"""A catalogue that is learnt at once."""


def test_every_sub_category_has_examples_and_no_example_is_told_twice() -> None:
    examples = read_examples(DATA / "exemples")
    counts = Counter(example.sub_category for example in examples)

    assert counts.keys() == DESKS.keys()
    assert min(counts.values()) >= 30
    assert len({example.text.casefold() for example in examples}) == len(examples)


def test_tickets_are_read_however_they_are_typed(model: TrainedModel) -> None:
    with VARIANTS.open(encoding="utf-8", newline="") as lines:
        rows = [*csv.DictReader(lines, delimiter=";", strict=True)]

    odds = [model.estimate_odds(each["titre"], each["description"]) for each in rows]
    read = [(find_desk(each, DESKS), row) for each, row in zip(odds, rows, strict=True)]
    first_three = [rank_sub_categories(each)[:3] for each in odds]

    assert len(rows) >= 40
    missed = [each for desk, each in read if desk is not DESKS[each["sous_categorie"]]]
    assert len(missed) <= 0.1 * len(rows), missed
    found = [each["sous_categorie"] in three for each, three in zip(rows, first_three, strict=True)]
    assert sum(found) >= 0.85 * len(rows)


def test_most_tickets_however_typed_have_a_desk_and_the_right_one(model: TrainedModel) -> None:
    with VARIANTS.open(encoding="utf-8", newline="") as lines:
        rows = [*csv.DictReader(lines, delimiter=";", strict=True)]

    suggested = [
        (DESKS[each["sous_categorie"]], model.suggest(each["titre"], each["description"]).desk)
        for each in rows
    ]

    for desk in Desk:
        said = [which for right, which in suggested if right is desk]
        assert set(said) <= {desk, None}
        assert said.count(desk) >= 0.85 * len(said)


@pytest.mark.parametrize(
    ("text", "sub_category"),
    [
        ("J'ai déposé ma facture il y a deux mois et elle n'est toujours pas payée", "M_PAIEMENT"),
        ("J'ai envoyé ma situation en juin et je n'ai encore rien touché", "M_PAIEMENT"),
        ("Je me suis connecté hier et le montant de mon acompte a été baissé", "M_DECOMPTE"),
        ("J'ai reçu la notification du refus mais le motif n'est pas expliqué", "M_REFUS"),
        ("J'ai déposé ma facture mais le virement est parti sur l'ancien compte", "M_BANQUE"),
        ("Nous avons envoyé le DC4 par le portail, il n'est toujours pas agréé", "M_MARCHE"),
        ("J'ai déposé ma situation, le maître d'œuvre ne répond pas", "M_DESTINATAIRE"),
        ("J'ai déposé ma facture hier et je ne la retrouve pas dans la liste", "SUIVI"),
        ("Ma facture a été refusée, je la redépose et le bouton Envoyer reste grisé", "DEPOT"),
        ("Je voulais savoir si ma facture est payée mais mon mot de passe est refusé", "CONNEXION"),
        ("La facture est payée mais le PDF téléchargé ne s'ouvre pas", "FICHIER"),
    ],
)
@pytest.mark.parametrize("title", ["", "Facture", "Dépôt"])
def test_what_came_before_a_complaint_is_not_taken_for_it(
    model: TrainedModel, text: str, sub_category: str, title: str
) -> None:
    said = model.suggest(title, text)

    assert said.best == sub_category
    assert said.desk in {DESKS[sub_category], None}


async def test_a_clear_text_is_read_once_learnt(model: TrainedModel) -> None:
    learner = ModelSuggester(DATA / "exemples", FEW)
    assert (await learner.suggest("mot de passe oublié", "")).guesses == ()

    await learner.prepare()
    read = await learner.suggest(*LOCKED)

    assert read.best == model.suggest(*LOCKED).best == "CONNEXION"
    assert [guess.confidence for guess in read.guesses] == sorted(
        (guess.confidence for guess in read.guesses), reverse=True
    )


async def test_what_an_operators_catalogue_lacks_is_never_suggested() -> None:
    some = {code: DESKS[code] for code in ("DEPOT", "M_PAIEMENT")}
    learner = ModelSuggester(DATA / "exemples", some)
    await learner.prepare()
    assert {each.sub_category for each in (await learner.suggest("mdp", "oublié")).guesses} <= {
        *some
    }

    alone = ModelSuggester(DATA / "exemples", {"DEPOT": Desk.TECHNIQUE})
    await alone.prepare()
    assert (await alone.suggest("dépôt", "fichier refusé")).guesses == ()


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        (LOCKED, "M_PAIEMENT"),
        (LOCKED, "DEPOT"),
        (("Mot de passe oublié", ""), "DEPOT"),
        (LATE, "DEPOT"),
        (LATE, "M_BANQUE"),
        (("Facture impayée", ""), "M_BANQUE"),
    ],
)
def test_a_clear_text_contradicts_another_sub_category_of_either_desk(
    model: TrainedModel, text: tuple[str, str], chosen: str
) -> None:
    said = model.suggest(*text)

    assert said.contradicts(chosen)
    assert not any(said.contradicts(each.sub_category) for each in said.guesses)


@pytest.mark.parametrize("text", ["", "bonjour", "problème", "facture", "besoin d'aide svp"])
def test_a_text_that_says_little_contradicts_nothing(model: TrainedModel, text: str) -> None:
    said = model.suggest(text, text)

    assert (said.desk, said.excluded) == (None, frozenset())


def test_a_sub_category_that_was_never_taught_is_never_contradicted() -> None:
    desks = {f"X_{code}" if code == "DEPOT" else code: desk for code, desk in FEW.items()}
    taught = select_examples(desks, read_examples(DATA / "exemples"))

    assert not train_model(taught, desks).suggest(*LATE).contradicts("X_DEPOT")


@pytest.mark.parametrize(
    ("renamed", "late", "locked"),
    [
        ((), Desk.METIER, Desk.TECHNIQUE),
        # Those of the business desk are the operator's own: what it does was never taught.
        ({code for code in DESKS if code.startswith("M_")}, None, None),
        ({"M_BANQUE"}, Desk.METIER, None),
        ({"CADRE"}, None, Desk.TECHNIQUE),
    ],
    ids=["ours", "all of a desk renamed", "one renamed", "one of the other desk renamed"],
)
def test_a_desk_is_told_where_all_of_the_other_s_was_taught(
    renamed: Collection[str], late: Desk | None, locked: Desk | None
) -> None:
    desks = {f"X_{code}" if code in renamed else code: desk for code, desk in FEW.items()}
    suggester = train_model(select_examples(desks, read_examples(DATA / "exemples")), desks)

    told = [suggester.suggest(*each).desk for each in (LATE, LOCKED)]

    assert told == [late, locked]


async def test_a_text_is_read_beside_the_event_loop_and_only_its_beginning(
    model: TrainedModel,
) -> None:
    learner = ModelSuggester(DATA / "exemples", DESKS, model)
    title, description = LOCKED

    read = asyncio.create_task(learner.suggest(title, description + " facture impayée" * 10_000))
    turns = 0
    while not read.done():
        await asyncio.sleep(0)
        turns += 1

    assert turns > 1
    began = build_text(title, description + " facture impayée" * 10_000)
    assert len(began) == READ_LIMIT
    assert (await read) == await learner.suggest(began, "")


async def test_a_text_waits_for_no_crowd_of_others(
    model: TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "services.support.suggestions.adapters.model_suggester._READ_TIMEOUT_S", 0.05
    )
    is_over, read, most_s = Event(), list[str](), scale_timeout(4)

    class Slow(TrainedModel):
        def suggest(self, title: str, description: str) -> Suggestions:
            read.append(title)
            is_over.wait(most_s + 1)
            return super().suggest(title, description)

    learner = ModelSuggester(DATA / "exemples", DESKS, Slow(model.pipeline, DESKS))

    crowd = [learner.suggest(f"{rank} {LOCKED[0]}", "") for rank in range(50)]
    told = await asyncio.wait_for(asyncio.gather(*crowd), most_s)
    is_over.set()
    monkeypatch.undo()

    assert set(told) == {Suggestions()}
    assert (await learner.suggest(*LOCKED)).best == "CONNEXION"
    # Those who gave up are not read for nothing.
    assert read == [f"0 {LOCKED[0]}", LOCKED[0]]


def test_examples_that_cannot_be_learnt_from_are_named(tmp_path: Path) -> None:
    with pytest.raises(ExamplesError, match="no such sub-category: INCONNUE"):
        train_model([Example("INCONNUE", "t", "d"), Example("DEPOT", "t", "d")], DESKS)
    with pytest.raises(ExamplesError, match="two sub-categories"):
        train_model([Example("DEPOT", "t", "d")], DESKS)
    with pytest.raises(ExamplesError, match="the texts of the examples"):
        train_model([Example("DEPOT", "xyz", ""), Example("API", "uvw", "")], DESKS)
    with pytest.raises(ExamplesError, match="holds no example"):
        read_examples(tmp_path)
    (tmp_path / "x.csv").write_text("titre;description\na;b\n", encoding="utf-8")
    with pytest.raises(ExamplesError, match=r"x\.csv"):
        read_examples(tmp_path)
