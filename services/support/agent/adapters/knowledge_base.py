"""Knowledge base files: articles, synonyms and word lists, and the search over them."""

import csv
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path

from services.support.agent.adapters.article_search import ArticleSearch
from services.support.agent.adapters.text_analysis import TextAnalyzer
from services.support.agent.domain.articles import (
    Article,
    ArticleError,
    index_by_code,
    read_article,
)
from services.support.settings import DATA, load_catalogue
from services.support.suggestions.adapters.examples import read_examples


def load_articles(sub_categories: Collection[str]) -> Mapping[str, Article]:
    """Read the articles of the service. Raises ArticleError."""
    return read_articles(DATA / "articles", sub_categories)


def build_search(articles: Mapping[str, Article]) -> ArticleSearch:
    """Build the search of articles, with the word lists, examples and off-topic questions."""
    analyzer = TextAnalyzer(
        read_words(DATA / "mots-vides.txt"), read_synonyms(DATA / "synonymes.csv")
    )
    platform_texts = (each.text for each in read_examples(DATA / "exemples"))
    return ArticleSearch(
        articles,
        analyzer,
        platform_texts,
        _read_lines(DATA / "hors-sujet.txt"),
        read_words(DATA / "ailleurs.txt"),
        read_notions(DATA / "notions.csv"),
    )


@cache
def load_article_search() -> ArticleSearch:
    """Build the search of articles with the default catalogue, as the service does at start.

    Nothing changes in it once it has learnt: one is kept for the process.
    """
    return build_search(load_articles(load_catalogue(DATA / "catalogue.csv").by_code))


def read_articles(folder: Path, sub_categories: Collection[str]) -> Mapping[str, Article]:
    """Read the articles of a folder. Raises ArticleError."""
    try:
        texts = {file.stem: file.read_text("utf-8") for file in sorted(folder.glob("*.md"))}
    except (OSError, UnicodeDecodeError) as error:
        raise ArticleError(f"{folder} cannot be read: {error}") from error
    return index_by_code((read_article(*each) for each in texts.items()), sub_categories)


def read_words(path: Path) -> frozenset[str]:
    """Read words, several to a line, folded already; a line that begins with # is a comment."""
    return frozenset(" ".join(_read_lines(path)).split())


def read_synonyms(path: Path) -> Mapping[str, str]:
    """Read synonyms: the word that each form stands for."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter=";", strict=True)
        return {row["forme"]: row["mot"] for row in rows}


def read_notions(path: Path) -> Mapping[str, list[str]]:
    """Read notions: those that each word, folded, stands for."""
    found: dict[str, list[str]] = {}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter=";", strict=True):
            for word in row["mots"].split():
                found.setdefault(word, []).append(row["notion"])
    return found


def _read_lines(path: Path) -> list[str]:
    """Read the lines of a text, but for empty ones and comments, which begin with #."""
    lines = path.read_text("utf-8").splitlines()
    return [each for each in lines if each and not each.startswith("#")]
