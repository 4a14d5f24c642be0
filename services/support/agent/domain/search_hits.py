"""Search hits of a question among the passages, and the choice of the one that answers."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.support.agent.domain.articles import Article, Passage

# Scores have no unit and change with the articles. After a change of articles run
# `make eval-support`, which prints what is answered and declined, and says which sets these bounds
# were set on.
_LOW_SCORE = -0.7
"""Minimum score of a passage that answers a question without a foreign word."""


_LEAST_LEAD = 0.2
"""Least distance of an answer's score to that of the next passage."""


_FOREIGN_COST = 1.6
"""Score that a question in foreign words alone must have in addition."""


_FOREIGN_LIMIT = 0.42
"""A question with a larger share of foreign words is about something else."""


_CLOSE = 0.5
"""Related articles have a passage within this distance of the best score."""


_OTHERS = 2


@dataclass(frozen=True, slots=True)
class SearchHit:
    """Search hit: the passage of an article closest to a question."""

    article: Article
    passage: Passage
    score: float
    """How much closer the question is to the passage than to all others; comparable between
    questions on the same articles."""
    lead: float = 0.0
    """Distance of the score to that of the best other passage; below 0 when that one is better."""
    foreign: float = 0.0
    """Share of the question in words foreign to the platform, from 0 to 1."""
    is_off_topic: bool = False
    """Whether the question is closer to those about something else."""

    @property
    def is_close(self) -> bool:
        """Whether the passage is close enough to the question to be about it.

        Foreign words raise the score that is needed: a question about something else may hold many
        words of the platform, and one word that nobody knew is no reason to decline the rest.
        """
        if self.is_off_topic or self.foreign > _FOREIGN_LIMIT:
            return False
        return self.score >= _LOW_SCORE + _FOREIGN_COST * self.foreign

    @property
    def is_sure(self) -> bool:
        """Whether the hit is sure enough to be an answer: close, and no other passage as close."""
        return self.is_close and self.lead >= _LEAST_LEAD


def choose_answer(found: Sequence[SearchHit]) -> SearchHit | None:
    """Choose the search hit that answers; None when none is sure enough."""
    return found[0] if found and found[0].is_sure else None


def list_related(found: Sequence[SearchHit]) -> tuple[Article, ...]:
    """List the other articles whose scores are close to the best one."""
    if not found:
        return ()
    close = [each for each in found[1:] if each.is_close and each.score >= found[0].score - _CLOSE]
    return tuple(each.article for each in close[:_OTHERS])
