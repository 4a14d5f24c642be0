"""Evaluation of the model on held-out tickets: desk, sub-category, flags on wrong choices."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from services.support.suggestions.adapters.examples import Example
from services.support.suggestions.adapters.model import TrainedModel
from services.support.suggestions.domain.suggestions import Suggestions
from shared.vocabulary.tickets import Desk
from tests.eval.bounds import Bounds
from tests.kit.evaluation import find_desk, rank_sub_categories

_DESK_LEAST = 0.95
_FIRST_THREE_LEAST = 0.85
_FALSE_FLAGS_MOST = 0.02
_FLAGGED_LEAST = 0.6
_CLEAR_LEAST = 0.85
_WRONG_MOST = 0.02
_THREE = 3

Pairs = Counter[tuple[str, str]]
"""Number of tickets by true and predicted sub-category."""


@dataclass(frozen=True, slots=True)
class _Read:
    truth: str
    ranking: Sequence[str]
    desk: Desk
    said: Suggestions


def judge_tickets(
    model: TrainedModel, tickets: Sequence[Example], desks: Mapping[str, Desk], bounds: Bounds
) -> Pairs:
    """Print the shares of right desks, sub-categories and flags; return the confusion matrix."""
    read = [_read(model, each, desks) for each in tickets]
    judge_desks([(desks[each.truth], each.said.desk) for each in read], bounds)
    bounds.check_at_least(
        "technical against business",
        _compute_share(each.desk is desks[each.truth] for each in read),
        _DESK_LEAST,
        len(read),
    )
    first = _compute_share(each.ranking[0] == each.truth for each in read)
    print(f"  sub-category first: {first:.3f}")
    bounds.check_at_least(
        "sub-category in the first three",
        _compute_share(each.truth in each.ranking[:_THREE] for each in read),
        _FIRST_THREE_LEAST,
        len(read),
    )
    bounds.check_at_most(
        "flagged though rightly filed",
        _compute_share(each.said.contradicts(each.truth) for each in read),
        _FALSE_FLAGS_MOST,
        len(read),
    )
    wrong = [(each, code) for each, code in product(read, desks) if code != each.truth]
    for where, is_same in (("of the other desk", False), ("of its own desk", True)):
        flagged = [
            each.said.contradicts(code)
            for each, code in wrong
            if (desks[code] is desks[each.truth]) is is_same
        ]
        bounds.check_at_least(
            f"flagged under each wrong sub-category {where}",
            _compute_share(flagged),
            _FLAGGED_LEAST,
            len(flagged),
        )
    return Counter((each.truth, each.ranking[0]) for each in read)


def judge_desks(suggested: Iterable[tuple[Desk, Desk | None]], bounds: Bounds) -> None:
    """Print how often a desk is suggested, and the wrong one, from pairs of right and suggested."""
    pairs = [*suggested]
    for desk in Desk:
        of_desk = [said for right, said in pairs if right is desk]
        share = _compute_share(said is not None for said in of_desk)
        bounds.check_at_least(f"{desk}, a desk suggested", share, _CLEAR_LEAST, len(of_desk))
        wrong = sum(said not in {desk, None} for said in of_desk)
        print(f"  {desk}, the other desk suggested: {wrong} of {len(of_desk)}")
    wrongs = [said is not right for right, said in pairs if said is not None]
    bounds.check_at_most(
        "wrong desk where one is suggested", _compute_share(wrongs), _WRONG_MOST, len(wrongs)
    )


def format_confusion(classes: Sequence[str], counts: Pairs) -> str:
    """Format the confusion matrix: true classes down, predicted ones across, both numbered."""
    width = max(map(len, classes)) + 4
    numbers = "".join(f"{rank:>4}" for rank in range(1, len(classes) + 1))
    lines = [f"{'':<{width}}{numbers}"]
    for rank, truth in enumerate(classes, 1):
        cells = "".join(f"{counts[truth, said] or '.':>4}" for said in classes)
        lines.append(f"{rank:>2}  {truth:<{width - 4}}{cells}")
    return "\n".join(lines)


def _read(model: TrainedModel, ticket: Example, desks: Mapping[str, Desk]) -> _Read:
    odds = model.estimate_odds(ticket.title, ticket.description)
    said = model.suggest(ticket.title, ticket.description)
    return _Read(ticket.sub_category, rank_sub_categories(odds), find_desk(odds, desks), said)


def _compute_share(them: Iterable[bool]) -> float:
    found = [*them]
    return sum(found) / len(found) if found else 0.0
