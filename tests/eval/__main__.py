"""`make eval-support`: evaluates the model and the virtual agent on sets of texts.

Whoever wrote tickets*.csv, bureaux*.csv and questions*.csv saw no example and no article. Rows of
bureaux*.csv have no sub-category: only their desk is evaluated. A question counts as answered by
the passage that people see, not by its article.

Articles, examples and thresholds were worked on with all of these sets in view. Their figures guard
against a fall, and only a set written since tells how people fare: docs/choices.md has what the
last ones gave when they were first tried. To add one for the agent, drop its `questions-*.csv`
here, with the passages that answer each question; it must reach `_NEW_SET`. One for the model is a
`tickets-*.csv`, or a `bureaux-*.csv`.
"""

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.support.agent.adapters.article_search import ArticleSearch
from services.support.agent.adapters.knowledge_base import load_article_search, load_articles
from services.support.agent.domain.articles import Article
from services.support.settings import DATA, load_catalogue
from services.support.suggestions.adapters.examples import Example, read_examples
from services.support.suggestions.adapters.model import TrainedModel, train_model
from shared.vocabulary.tickets import Desk
from tests.eval.bounds import Bounds
from tests.eval.picture import draw_confusion
from tests.eval.tickets import Pairs, format_confusion, judge_desks, judge_tickets
from tests.kit.evaluation import (
    EvaluationResults,
    Question,
    evaluate,
    read_questions,
    read_rows,
)

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PICTURE = ROOT / ".run" / "eval-support" / "confusion.png"
_DECLINED_LEAST = 0.9
_TUNED = "reglage"


@dataclass(frozen=True, slots=True)
class _AnswerBounds:
    right_least: float
    """Share of known questions answered by a right passage."""
    wrong_most: int
    """Number of known questions answered by another passage."""
    unknown_declined_least: float
    """Share of unknown questions that are declined."""


_NEW_SET = _AnswerBounds(0.85, 1, 1.0)
_OLDER_SETS = {
    "questions.csv": _AnswerBounds(0.95, 2, 1.0),
    "questions-2.csv": _AnswerBounds(0.93, 4, 1.0),
}
"""Bounds of longer sets, near what they reach."""


def main() -> int:
    """Train, evaluate, print and draw; return 1 when a figure is out of its bound, else 0."""
    bounds = Bounds()
    catalogue = load_catalogue(DATA / "catalogue.csv")
    _judge_model(catalogue.desks, bounds)
    search = load_article_search()
    _judge_answers(search, load_articles(catalogue.by_code), bounds)
    _judge_near_misses(search, bounds)
    for fault in bounds.faults:
        print(f"NOT HELD  {fault}")
    return int(bool(bounds.faults))


def _list_files(name: str) -> list[Path]:
    return sorted(HERE.glob(f"{name}*.csv"))


def _judge_model(desks: Mapping[str, Desk], bounds: Bounds) -> None:
    examples = read_examples(DATA / "exemples")
    sets = {file.name: read_examples(file) for file in _list_files("tickets")}
    seen = {_normalise(each) for each in examples}
    truths = {each.sub_category for tickets in sets.values() for each in tickets}
    bounds.check_none("sub-categories without a ticket held out", desks.keys() - truths)
    bounds.check_none("tickets of sub-categories that there are not", truths - desks.keys())
    model = train_model(examples, desks)
    print(f"{len(examples)} examples, {len(desks)} sub-categories")
    pairs: Pairs = Counter()
    for name, tickets in sets.items():
        again = {each.title for each in tickets if _normalise(each) in seen}
        bounds.check_none(f"{name}, tickets that are also examples", again)
        print(f"{name}: {len(tickets)} tickets held out")
        known = [each for each in tickets if each.sub_category in desks]
        pairs += judge_tickets(model, known, desks, bounds)
    _judge_desks(model, seen, bounds)
    classes = sorted(desks, key=lambda code: (desks[code], code))
    draw_confusion(PICTURE, classes, pairs)
    print(f"what tickets were (down) and were read as (across), as in {PICTURE.relative_to(ROOT)}")
    print(format_confusion(classes, pairs))


def _judge_desks(model: TrainedModel, seen: set[str], bounds: Bounds) -> None:
    for file in _list_files("bureaux"):
        rows = read_rows(file)
        again = {
            row["titre"]
            for row in rows
            if _normalise(Example("", row["titre"], row["description"])) in seen
        }
        bounds.check_none(f"{file.name}, tickets that are also examples", again)
        print(f"{file.name}: {len(rows)} tickets held out, of which only the desk is known")
        suggested = [
            (Desk(row["bureau"]), model.suggest(row["titre"], row["description"]).desk)
            for row in rows
        ]
        judge_desks(suggested, bounds)


def _normalise(example: Example) -> str:
    return " ".join(example.text.casefold().split())


def _judge_answers(search: ArticleSearch, articles: Mapping[str, Article], bounds: Bounds) -> None:
    sets = {file.name: read_questions(file) for file in _list_files("questions")}
    passages = {each.code for article in articles.values() for each in article.passages}
    labels = {
        label
        for questions in sets.values()
        for each in questions
        for label in each.passages
        if not label.startswith("@")
    }
    asked = {label.partition("#")[0] for label in labels}
    bounds.check_none("articles without a question", articles.keys() - asked)
    bounds.check_none("questions of passages that there are not", labels - passages)
    for name, questions in sets.items():
        found = evaluate(search, questions)
        least = _OLDER_SETS.get(name, _NEW_SET)
        print(f"{name}: {found.known} known questions, {found.unknown} unknown")
        bounds.check_at_least(
            "known, answered by the right passage", found.right_rate, least.right_least, found.known
        )
        bounds.check_at_most(
            "known, answered by a wrong passage", found.wrong, least.wrong_most, found.known
        )
        print(f"  known, declined: {found.declined} of {found.known}")
        if found.unknown:
            bounds.check_at_least(
                "unknown, declined",
                found.unknown_declined_rate,
                least.unknown_declined_least,
                found.unknown,
            )
        _show_misses(found)


def _judge_near_misses(search: ArticleSearch, bounds: Bounds) -> None:
    """Evaluate the agent on off-topic questions; those marked `reglage` are only printed."""
    for file in _list_files("hors_sujet"):
        rows = read_rows(file)
        kinds = {
            kind: evaluate(
                search, [Question(row["question"]) for row in rows if row["moitie"] == kind]
            )
            for kind in dict.fromkeys(row["moitie"] for row in rows)
        }
        print(f"{file.name}: {len(rows)} questions off the subject")
        for kind, found in kinds.items():
            if kind == _TUNED:
                print(f"  {kind}, declined: {found.unknown_declined_rate:.3f} of {found.unknown}")
                continue
            bounds.check_at_least(
                f"{kind}, declined", found.unknown_declined_rate, _DECLINED_LEAST, found.unknown
            )
            _show_misses(found)


def _show_misses(found: EvaluationResults) -> None:
    for each in found.misses:
        print(f"    {' | '.join(each.asked.passages) or 'unknown'}: {each.asked.question}")
        print(f"      answered by {each.given}, closest {each.closest}")


if __name__ == "__main__":
    sys.exit(main())
