"""Knowledge base files: articles, synonyms and word lists, and the search over them."""

import csv
from collections.abc import Collection, Mapping
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
    """Index articles with the stop words, synonyms and examples of the service."""
    analyzer = TextAnalyzer(
        read_words(DATA / "mots-vides.txt"), read_synonyms(DATA / "synonymes.csv")
    )
    platform_texts = (each.text for each in read_examples(DATA / "exemples"))
    return ArticleSearch(articles, analyzer, platform_texts, read_words(DATA / "ailleurs.txt"))


def load_article_search() -> ArticleSearch:
    """Index the articles with the default catalogue, as the service does at start."""
    return build_search(load_articles(load_catalogue(DATA / "catalogue.csv").by_code))


def read_articles(folder: Path, sub_categories: Collection[str]) -> Mapping[str, Article]:
    """Read the articles of a folder. Raises ArticleError."""
    try:
        texts = {file.stem: file.read_text("utf-8") for file in sorted(folder.glob("*.md"))}
    except (OSError, UnicodeDecodeError) as error:
        raise ArticleError(f"{folder} cannot be read: {error}") from error
    return index_by_code((read_article(*each) for each in texts.items()), sub_categories)


def read_words(path: Path) -> frozenset[str]:
    """Read a list of words, folded, several to a line; a line that begins with # is a comment."""
    lines = path.read_text("utf-8").splitlines()
    return frozenset(" ".join(each for each in lines if not each.startswith("#")).split())


def read_synonyms(path: Path) -> Mapping[str, str]:
    """Read synonyms: the word that each form stands for."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter=";", strict=True)
        return {row["forme"]: row["mot"] for row in rows}
