"""Articles of the knowledge base, parsed from Markdown with a front matter.

A passage is a heading with an anchor, then the questions that it answers, quoted, then its text:

    ## Comment suspendre une pièce ? {#suspendre}
    > - Il manque un justificatif : comment le demander ?

    Quand elle vous attend, choisissez l'acte « suspendre ».

The introduction has no heading: its questions follow the front matter.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

_FENCE = "---"
_HEADING = "## "
_ANCHORED = re.compile(r"(?P<heading>.*\S) \{#(?P<anchor>[a-z0-9]+(-[a-z0-9]+)*)\}")
_QUESTION = "> - "
_SOURCE = "Source : "
_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_FIELDS = ("code", "titre", "mots_cles", "sous_categorie")


class ArticleError(ValueError):
    """An article that cannot be used; the message names it and its fault."""


@dataclass(frozen=True, slots=True)
class Passage:
    """The text of an article under one of its headings: what an answer is, and its questions."""

    code: str
    """Code of the article, then `#` and the anchor of the heading; the introduction has no anchor.
    """
    heading: str
    questions: tuple[str, ...]
    """Wordings of the question that it answers, beside its heading."""
    text: str


@dataclass(frozen=True, slots=True)
class Article:
    """One article of the knowledge base."""

    code: str
    title: str
    keywords: tuple[str, ...]
    sub_category: str | None
    """Sub-category of a ticket about it; None when the catalogue does not have it."""
    passages: tuple[Passage, ...]
    """The first one is the introduction, whose heading is the title."""
    source: str


def read_article(name: str, text: str) -> Article:
    """Parse an article from its Markdown. Raises ArticleError."""
    fields, body = _parse_front_matter(name, text)
    missing = [each for each in _FIELDS if not fields.get(each)]
    if missing:
        raise ArticleError(f"{name}: no {', '.join(missing)}")
    code = fields["code"][0]
    if not _CODE.fullmatch(code) or code != name:
        raise ArticleError(f"{name}: its code is {code!r}")
    title = fields["titre"][0]
    content, separator, source = body.rpartition(_SOURCE)
    if not separator:
        raise ArticleError(f"{name}: no source at its foot")
    passages = tuple(_split_passages(code, title, content))
    _check_passages(name, passages)
    return Article(
        code=code,
        title=title,
        keywords=tuple(each.strip() for line in fields["mots_cles"] for each in line.split(",")),
        sub_category=fields["sous_categorie"][0],
        passages=passages,
        source=source.strip(),
    )


def index_by_code(
    articles: Iterable[Article], sub_categories: Iterable[str]
) -> Mapping[str, Article]:
    """Index articles by code; a sub-category that the catalogue lacks is removed.

    Raises ArticleError when there is no article.
    """
    known = frozenset(sub_categories)
    found = {
        each.code: each if each.sub_category in known else replace(each, sub_category=None)
        for each in articles
    }
    if not found:
        raise ArticleError("there is no article")
    return found


def _parse_front_matter(name: str, text: str) -> tuple[Mapping[str, Sequence[str]], str]:
    opening, fence, rest = text.partition(f"{_FENCE}\n")
    head, closing, body = rest.partition(f"\n{_FENCE}\n")
    if opening or not fence or not closing:
        raise ArticleError(f"{name}: no front matter between two lines of {_FENCE}")
    fields: dict[str, list[str]] = {}
    field = ""
    for line in head.splitlines():
        if line.startswith("- ") and field:
            fields[field].append(line[2:].strip())
            continue
        field, colon, value = line.partition(":")
        if not colon or field not in _FIELDS:
            raise ArticleError(f"{name}: what is {line!r}?")
        fields[field] = [value.strip()] if value.strip() else []
    return fields, body


def _split_passages(code: str, title: str, body: str) -> Iterator[Passage]:
    introduction, *sections = re.split(rf"^{_HEADING}", body, flags=re.MULTILINE)
    yield _read_passage(code, title, introduction)
    for section in sections:
        first, _, rest = section.partition("\n")
        found = _ANCHORED.fullmatch(first.strip())
        if found is None:
            raise ArticleError(f"{code}: no {{#anchor}} after the heading {first.strip()!r}")
        yield _read_passage(f"{code}#{found['anchor']}", found["heading"], rest)


def _read_passage(code: str, heading: str, body: str) -> Passage:
    lines = body.splitlines()
    asked = [line for line in lines if line.startswith(_QUESTION)]
    return Passage(
        code=code,
        heading=heading,
        questions=tuple(line.removeprefix(_QUESTION).strip() for line in asked),
        text="\n".join(line for line in lines if line not in asked).strip(),
    )


def _check_passages(name: str, passages: Sequence[Passage]) -> None:
    for each in passages:
        if not each.text or not each.questions:
            raise ArticleError(f"{name}: a heading without a text or a question: {each.code}")
    if twice := [
        code for code, count in Counter(each.code for each in passages).items() if count > 1
    ]:
        raise ArticleError(f"{name}: the same anchor twice: {', '.join(twice)}")
