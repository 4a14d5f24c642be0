"""What the model makes of its examples, and of a catalogue that an operator replaced."""

from collections import Counter
from pathlib import Path

import pytest

from services.support.adapters.model import (
    Example,
    ExamplesError,
    Learner,
    TrainedSuggester,
    read_examples,
)
from services.support.settings import DATA, catalogue_at
from shared.vocabulary.tickets import Desk

DESKS = {code: each.desk for code, each in catalogue_at(DATA / "catalogue.csv").by_code.items()}


def test_every_sub_category_has_examples_and_no_example_is_told_twice() -> None:
    examples = read_examples(DATA / "exemples")
    counts = Counter(example.sub_category for example in examples)

    assert counts.keys() == DESKS.keys()
    assert min(counts.values()) >= 30
    assert len({example.text.casefold() for example in examples}) == len(examples)


async def test_a_clear_text_is_read_and_contradicts_the_other_desk() -> None:
    learner = Learner(DATA / "exemples", DESKS)
    assert learner.suggest("mot de passe oublié", "").guesses == ()

    await learner.prepare()
    read = learner.suggest(
        "mot de passe oublié", "Je n'arrive plus à me connecter, mon compte est bloqué."
    )

    assert read.best == "CONNEXION"
    assert read.contradicts(Desk.METIER)
    assert not read.contradicts(Desk.TECHNIQUE)
    assert [guess.confidence for guess in read.guesses] == sorted(
        (guess.confidence for guess in read.guesses), reverse=True
    )


async def test_what_an_operators_catalogue_lacks_is_never_suggested() -> None:
    some = {code: DESKS[code] for code in ("DEPOT", "M_PAIEMENT")}
    learner = Learner(DATA / "exemples", some)
    await learner.prepare()
    assert {guess.sub_category for guess in learner.suggest("mdp", "oublié").guesses} <= {*some}

    alone = Learner(DATA / "exemples", {"DEPOT": Desk.TECHNIQUE})
    await alone.prepare()
    assert alone.suggest("dépôt", "fichier refusé").guesses == ()


def test_examples_that_cannot_be_learnt_from_are_named(tmp_path: Path) -> None:
    with pytest.raises(ExamplesError, match="no such sub-category: INCONNUE"):
        TrainedSuggester([Example("INCONNUE", "t", "d"), Example("DEPOT", "t", "d")], DESKS)
    with pytest.raises(ExamplesError, match="holds no example"):
        read_examples(tmp_path)
    (tmp_path / "x.csv").write_text("titre;description\na;b\n", encoding="utf-8")
    with pytest.raises(ExamplesError, match=r"x\.csv"):
        read_examples(tmp_path)
