"""`make eval-support`: evaluates the model and the virtual agent on held-out sets.

No training uses these sets. Whoever wrote tickets*.csv and questions*.csv saw no example and no
article. The rows of hors_sujet*.csv marked `reglage` were used to set the thresholds of the agent;
all other rows evaluate it. Each file is evaluated alone, and must reach every bound.
"""

import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from services.support.agent.adapters.article_search import ArticleSearch
from services.support.agent.adapters.knowledge_base import load_article_search, load_articles
from services.support.settings import DATA, load_catalogue
from services.support.suggestions.adapters.examples import Example, read_examples
from services.support.suggestions.adapters.model import train_model
from shared.vocabulary.tickets import Desk
from tests.eval.bounds import Bounds
from tests.eval.picture import draw_confusion
from tests.eval.tickets import Pairs, format_confusion, judge_tickets
from tests.kit.evaluation import (
    OFF_TOPIC,
    EvaluationResults,
    Question,
    evaluate,
    read_questions,
    read_rows,
)

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PICTURE = ROOT / ".run" / "eval-support" / "confusion.png"
_FIRST_LEAST = 0.85
_DECLINED_LEAST = 0.9
_TUNED = "reglage"


def main() -> int:
    """Train, evaluate, print and draw; return 1 when a figure is out of its bound, else 0."""
    bounds = Bounds()
    catalogue = load_catalogue(DATA / "catalogue.csv")
    _judge_model(catalogue.desks, bounds)
    search = load_article_search()
    _judge_answers(search, {*load_articles(catalogue.by_code)}, bounds)
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
    classes = sorted(desks, key=lambda code: (desks[code], code))
    draw_confusion(PICTURE, classes, pairs)
    print(f"what tickets were (down) and were read as (across), as in {PICTURE.relative_to(ROOT)}")
    print(format_confusion(classes, pairs))


def _normalise(example: Example) -> str:
    return " ".join(example.text.casefold().split())


def _judge_answers(search: ArticleSearch, articles: set[str], bounds: Bounds) -> None:
    sets = {file.name: read_questions(file) for file in _list_files("questions")}
    subjects = {each.subject for questions in sets.values() for each in questions} - {OFF_TOPIC}
    bounds.check_none("articles without a question held out", articles - subjects)
    bounds.check_none("questions of articles that there are not", subjects - articles)
    for name, questions in sets.items():
        found = evaluate(search, questions)
        print(f"{name}: {len(questions)} questions held out")
        bounds.check_at_least("right article first", found.first_rate, _FIRST_LEAST, found.asked)
        print(f"  right answer given: {found.right_rate:.3f}")
        _check_declined("off the subject, declined", found, bounds)
        _show_misses(found)


def _judge_near_misses(search: ArticleSearch, bounds: Bounds) -> None:
    """Evaluate the agent on off-topic questions; those marked `reglage` are only printed."""
    for file in _list_files("hors_sujet"):
        rows = read_rows(file)
        kinds = {
            kind: evaluate(
                search,
                [Question(OFF_TOPIC, row["question"]) for row in rows if row["moitie"] == kind],
            )
            for kind in dict.fromkeys(row["moitie"] for row in rows)
        }
        print(f"{file.name}: {len(rows)} questions off the subject")
        for kind, found in kinds.items():
            if kind == _TUNED:
                print(f"  {kind}, declined: {found.declined_rate:.3f} of {found.off_topic}")
                continue
            _check_declined(f"{kind}, declined", found, bounds)
            _show_misses(found)


def _check_declined(what: str, found: EvaluationResults, bounds: Bounds) -> None:
    if found.off_topic:
        bounds.check_at_least(what, found.declined_rate, _DECLINED_LEAST, found.off_topic)


def _show_misses(found: EvaluationResults) -> None:
    for each in found.misses:
        print(f"    {each.asked.subject}: {each.asked.question}")
        print(f"      answered from {each.given}, closest {each.closest}")


if __name__ == "__main__":
    sys.exit(main())
