"""What the model of tickets and the virtual agent get right, over what was written apart."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.support.agent.application.ports import ArticleFinder
from services.support.agent.domain.intents import Intent, parse_message
from services.support.agent.domain.search_hits import choose_answer
from shared.vocabulary.tickets import Desk

OFF_TOPIC = "hors-sujet"
"""The subject of questions that are to be declined."""


def ranking(odds: Mapping[str, float]) -> Sequence[str]:
    """List sub-categories, the likeliest first."""
    return sorted(odds, key=lambda code: -odds[code])


def desk_of(odds: Mapping[str, float], desks: Mapping[str, Desk]) -> Desk:
    """Tell the likelier desk."""
    return max(Desk, key=lambda desk: sum(odds[code] for code in odds if desks[code] is desk))


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and the code of the article that answers it."""

    subject: str
    question: str


@dataclass(frozen=True, slots=True)
class Miss:
    """A question answered wrongly: from another article, or not at all, or though off-topic."""

    asked: Asked
    given: str | None
    closest: str | None
    """The first article found, whether or not it was sure enough to be given."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How many questions were asked, and what came of them."""

    asked: int
    right: int
    """Answered from the right article: one declined is not right."""
    first: int
    """The right article was the first one found, sure enough or not."""
    off_topic: int
    declined: int
    """Of those off-topic."""
    misses: tuple[Miss, ...]

    @property
    def right_rate(self) -> float:
        """The share of questions answered from the right article."""
        return self.right / self.asked if self.asked else 0.0

    @property
    def first_rate(self) -> float:
        """The share of questions whose right article was found first."""
        return self.first / self.asked if self.asked else 0.0

    @property
    def declined_rate(self) -> float:
        """The share of off-topic questions that were declined."""
        return self.declined / self.off_topic if self.off_topic else 0.0


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read a CSV of the evaluation."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return [*csv.DictReader(lines, delimiter=";", strict=True)]


def read_questions(path: Path) -> Sequence[Asked]:
    """Read questions from a CSV whose columns are `sujet` and `question`."""
    return [Asked(row["sujet"], row["question"]) for row in read_rows(path)]


def evaluate(answers: ArticleFinder, questions: Iterable[Asked]) -> Figures:
    """Ask them all."""
    asked = right = first = off_topic = declined = 0
    misses: list[Miss] = []
    for each in questions:
        found = answers.search(each.question)
        is_greeting = parse_message(each.question, awaits_email=False).intent is Intent.GREETING
        given = None if is_greeting else choose_answer(found)
        code = given.article.code if given else None
        closest = found[0].article.code if found else None
        if each.subject == OFF_TOPIC:
            off_topic += 1
            is_right = code is None
            declined += is_right
        else:
            asked += 1
            is_right = code == each.subject
            right += is_right
            first += closest == each.subject
        if not is_right:
            misses.append(Miss(each, code, closest))
    return Figures(asked, right, first, off_topic, declined, tuple(misses))
