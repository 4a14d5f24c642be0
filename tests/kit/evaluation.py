"""Evaluation of the tickets' model and of the virtual agent, on texts not used for training."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.support.agent.application.ports import ArticleFinder
from services.support.agent.domain.intents import Intent, parse_message
from services.support.agent.domain.search_hits import choose_answer
from shared.vocabulary.tickets import Desk


def rank_sub_categories(odds: Mapping[str, float]) -> Sequence[str]:
    """Rank sub-categories, the likeliest first."""
    return sorted(odds, key=lambda code: -odds[code])


def find_desk(odds: Mapping[str, float], desks: Mapping[str, Desk]) -> Desk:
    """Find the likeliest desk."""
    return max(Desk, key=lambda desk: sum(odds[code] for code in odds if desks[code] is desk))


@dataclass(frozen=True, slots=True)
class Question:
    """Question as somebody asks it, and what may answer it."""

    question: str
    passages: tuple[str, ...] = ()
    """Codes of the passages that answer it, or `@` and an intent: `@personne` when the agent offers
    a person. Empty when the agent must decline it.
    """


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """Question without the right answer."""

    asked: Question
    given: str | None
    closest: str | None
    """First passage found, even when it was not certain enough to be given."""


@dataclass(frozen=True, slots=True)
class EvaluationResults:
    """Results of an evaluation, in numbers of questions."""

    known: int
    right: int
    """Known questions answered by a right passage."""
    declined: int
    """Known questions that were declined."""
    unknown: int
    unknown_declined: int
    misses: tuple[WrongAnswer, ...]

    @property
    def wrong(self) -> int:
        """Known questions answered by another passage."""
        return self.known - self.right - self.declined

    @property
    def right_rate(self) -> float:
        """Share of known questions answered by a right passage."""
        return self.right / self.known if self.known else 0.0

    @property
    def unknown_declined_rate(self) -> float:
        """Share of unknown questions that were declined."""
        return self.unknown_declined / self.unknown if self.unknown else 0.0


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read the rows of a CSV file."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return [*csv.DictReader(lines, delimiter=";", strict=True)]


def read_questions(path: Path) -> Sequence[Question]:
    """Read questions from a CSV with columns `passages`, separated by `|`, and `question`."""
    return [
        Question(
            row["question"],
            tuple(each.strip() for each in row["passages"].split("|") if each.strip()),
        )
        for row in read_rows(path)
    ]


def find_answer(answers: ArticleFinder, question: str) -> str | None:
    """Find what the agent answers: the code of a passage, or `@` and an intent; None: declined."""
    intent = parse_message(question, awaits_email=False).intent
    if intent is not Intent.QUESTION:
        return None if intent is Intent.GREETING else f"@{intent.value}"
    given = choose_answer(answers.search(question))
    return given.passage.code if given else None


def evaluate(answers: ArticleFinder, questions: Iterable[Question]) -> EvaluationResults:
    """Ask each question, and count the results."""
    known = right = declined = unknown = unknown_declined = 0
    misses: list[WrongAnswer] = []
    for each in questions:
        given = find_answer(answers, each.question)
        known += bool(each.passages)
        unknown += not each.passages
        right += given in each.passages
        declined += bool(each.passages) and given is None
        unknown_declined += not each.passages and given is None
        if given not in each.passages and (each.passages or given):
            closest = next((hit.passage.code for hit in answers.search(each.question)), None)
            misses.append(WrongAnswer(each, given, closest))
    return EvaluationResults(known, right, declined, unknown, unknown_declined, tuple(misses))
