"""Evaluation of the tickets' model and of the virtual agent, on texts not used for training."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.support.agent.application.ports import ArticleFinder
from services.support.agent.domain.intents import Intent, parse_message
from services.support.agent.domain.search_hits import choose_answer
from shared.vocabulary.tickets import Desk

OFF_TOPIC = "hors-sujet"
"""Subject of questions that must be declined."""


def rank_sub_categories(odds: Mapping[str, float]) -> Sequence[str]:
    """Rank sub-categories, the likeliest first."""
    return sorted(odds, key=lambda code: -odds[code])


def find_desk(odds: Mapping[str, float], desks: Mapping[str, Desk]) -> Desk:
    """Find the likeliest desk."""
    return max(Desk, key=lambda desk: sum(odds[code] for code in odds if desks[code] is desk))


@dataclass(frozen=True, slots=True)
class Question:
    """Question, and the code of the article that answers it."""

    subject: str
    question: str


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """Question with a wrong result: another article, no answer, or an answer off-topic."""

    asked: Question
    given: str | None
    closest: str | None
    """First article found, even when it was not certain enough to be given."""


@dataclass(frozen=True, slots=True)
class EvaluationResults:
    """Results of an evaluation: `asked` counts the questions that have an article."""

    asked: int
    right: int
    """Questions answered from the right article; one declined does not count."""
    first: int
    """Questions whose right article was found first, certain enough or not."""
    off_topic: int
    declined: int
    """Off-topic questions that were declined."""
    misses: tuple[WrongAnswer, ...]

    @property
    def right_rate(self) -> float:
        """Share of questions answered from the right article."""
        return self.right / self.asked if self.asked else 0.0

    @property
    def first_rate(self) -> float:
        """Share of questions whose right article was found first."""
        return self.first / self.asked if self.asked else 0.0

    @property
    def declined_rate(self) -> float:
        """Share of off-topic questions that were declined."""
        return self.declined / self.off_topic if self.off_topic else 0.0


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read the rows of a CSV file."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return [*csv.DictReader(lines, delimiter=";", strict=True)]


def read_questions(path: Path) -> Sequence[Question]:
    """Read questions from a CSV whose columns are `sujet` and `question`."""
    return [Question(row["sujet"], row["question"]) for row in read_rows(path)]


def evaluate(answers: ArticleFinder, questions: Iterable[Question]) -> EvaluationResults:
    """Search for an answer to each question, and count the results."""
    asked = right = first = off_topic = declined = 0
    misses: list[WrongAnswer] = []
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
            misses.append(WrongAnswer(each, code, closest))
    return EvaluationResults(asked, right, first, off_topic, declined, tuple(misses))
