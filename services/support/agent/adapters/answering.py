"""The articles of this service, ready to answer."""

from collections.abc import Collection, Mapping

from services.support.agent.adapters.articles import (
    ArticleSearch,
    Language,
    read_articles,
    read_synonyms,
    read_words,
)
from services.support.agent.domain.articles import Article
from services.support.settings import DATA, catalogue_at
from services.support.suggestions.adapters.examples import read_examples


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
