"""`make eval-support`: what the model and the virtual agent get right on sets written apart.

Nothing here trains on the evaluation sets. Whoever wrote tickets.csv and questions.csv saw no
example and no article; half of hors_sujet.csv set the agent's bounds, the other half judges them.
"""

import csv
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from services.support.adapters.answering import article_search, evaluate_answers
from services.support.adapters.model import Example, TrainedSuggester, read_examples
from services.support.application.evaluation import OFF_TOPIC, Asked, Figures, evaluate
from services.support.settings import DATA, catalogue_at
from shared.vocabulary.tickets import Desk
from tests.eval.picture import draw_confusion

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PICTURE = ROOT / ".run" / "eval-support" / "confusion.png"
_DESK_LEAST = 0.95
_FIRST_THREE_LEAST = 0.85
_FIRST_LEAST = 0.85
_DECLINED_LEAST = 0.9
_TUNED, _HELD_OUT = "reglage", "tenue"
_THREE = 3


def main() -> int:
    """Train, evaluate, print, draw; 1 when a figure is below what is promised."""
    catalogue = catalogue_at(DATA / "catalogue.csv")
    desks = {code: sub.desk for code, sub in catalogue.by_code.items()}
    examples = read_examples(DATA / "exemples")
    held_out = read_examples(HERE / "tickets.csv")
    seen = {_key(example) for example in examples}
    again = [example for example in held_out if _key(example) in seen]
    if again:
        print(f"{len(again)} tickets are also examples: {again[0]}")
        return 1
    print(
        f"{len(examples)} examples, {len(held_out)} tickets held out, {len(desks)} sub-categories"
    )
    model = TrainedSuggester(examples, desks)
    return max(_classification(model, held_out, desks), _answers(), _near_misses())


def _key(example: Example) -> str:
    return " ".join(example.text.casefold().split())


def _classification(
    model: TrainedSuggester, tickets: Sequence[Example], desks: dict[str, Desk]
) -> int:
    rankings = [model.ranking(ticket.title, ticket.description) for ticket in tickets]
    truth = [ticket.sub_category for ticket in tickets]
    of_desk = [
        model.desk_of(ticket.title, ticket.description) is desks[ticket.sub_category]
        for ticket in tickets
    ]
    suggestions = [model.suggest(ticket.title, ticket.description) for ticket in tickets]
    flags = [
        suggestion.contradicts(desks[each])
        for suggestion, each in zip(suggestions, truth, strict=True)
    ]
    pairs = Counter(zip(truth, (ranking[0] for ranking in rankings), strict=True))
    classes = sorted(desks, key=lambda code: (desks[code], code))
    draw_confusion(PICTURE, classes, pairs)
    for code in classes:
        of_code = [rank for rank, each in enumerate(truth) if each == code]
        first = sum(rankings[rank][0] == code for rank in of_code)
        third = sum(code in rankings[rank][:_THREE] for rank in of_code)
        taken = ", ".join(
            f"{other} {count}"
            for (here, other), count in pairs.most_common()
            if here == code and other != code
        )
        print(f"  {code:<15} {first:>3}/{len(of_code)} first, {third:>3} in three   {taken}")
    desk = sum(of_desk) / len(tickets)
    first = sum(ranking[0] == each for ranking, each in zip(rankings, truth, strict=True))
    three = sum(each in ranking[:_THREE] for ranking, each in zip(rankings, truth, strict=True))
    print(f"technical against business: {desk:.3f} (at least {_DESK_LEAST})")
    print(f"sub-category first: {first / len(tickets):.3f}")
    share = three / len(tickets)
    print(f"sub-category in the first three: {share:.3f} (at least {_FIRST_THREE_LEAST})")
    print(f"tickets of the right desk wrongly flagged: {sum(flags)} of {len(flags)}")
    print(f"confusion matrix: {PICTURE.relative_to(ROOT)}")
    return int(desk < _DESK_LEAST or share < _FIRST_THREE_LEAST)


def _answers() -> int:
    found = evaluate_answers(HERE / "questions.csv")
    print(f"right article first: {found.first_rate:.3f} (at least {_FIRST_LEAST})")
    print(f"right answer given: {found.right_rate:.3f}")
    print(f"off the subject, declined: {found.declined_rate:.3f}")
    _show_misses(found)
    return int(found.first_rate < _FIRST_LEAST)


def _near_misses() -> int:
    """Ask what only sounds like the subject; the agent's bounds were set on the other half."""
    with (HERE / "hors_sujet.csv").open(encoding="utf-8", newline="") as lines:
        rows = [*csv.DictReader(lines, delimiter=";", strict=True)]
    search = article_search()
    by_half = {
        half: evaluate(
            search, (Asked(OFF_TOPIC, row["question"]) for row in rows if row["moitie"] == half)
        )
        for half in (_TUNED, _HELD_OUT)
    }
    found = by_half[_HELD_OUT]
    print(
        f"near the subject but off it, declined: {found.declined_rate:.3f} "
        f"of {found.off_topic} held out (at least {_DECLINED_LEAST}); "
        f"{by_half[_TUNED].declined_rate:.3f} of those tuned on"
    )
    _show_misses(found)
    return int(found.declined_rate < _DECLINED_LEAST)


def _show_misses(found: Figures) -> None:
    for miss in found.misses:
        print(f"  {miss}")


if __name__ == "__main__":
    sys.exit(main())
