"""The articles of this service, ready to answer, and what they get right."""

import csv
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from services.support.adapters.articles import (
    ArticleSearch,
    Language,
    read_articles,
    read_synonyms,
    read_words,
)
from services.support.adapters.model import read_examples
from services.support.application.evaluation import Asked, Figures, evaluate
from services.support.domain.articles import Article
from services.support.settings import DATA, catalogue_at


def articles_of(sub_categories: Collection[str]) -> Mapping[str, Article]:
    """Read the articles. Raises ArticleError."""
    return read_articles(DATA / "articles", sub_categories)


def search_in(articles: Mapping[str, Article]) -> ArticleSearch:
    """Index articles."""
    language = Language(read_words(DATA / "mots-vides.txt"), read_synonyms(DATA / "synonymes.csv"))
    written = (each.text for each in read_examples(DATA / "exemples"))
    return ArticleSearch(articles, language, written, read_words(DATA / "ailleurs.txt"))


def article_search() -> ArticleSearch:
    """Index the articles as the service does when it starts with its own catalogue."""
    return search_in(articles_of(catalogue_at(DATA / "catalogue.csv").by_code))


def read_questions(path: Path) -> Sequence[Asked]:
    """Read questions from a CSV whose columns are `sujet` and `question`."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.DictReader(lines, delimiter=";", strict=True)
        return [Asked(row["sujet"], row["question"]) for row in rows]


def evaluate_answers(questions: Path) -> Figures:
    """Ask the questions of a CSV: how many are answered from the right article."""
    return evaluate(article_search(), read_questions(questions))
