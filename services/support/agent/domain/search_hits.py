"""Search hits of a question among the articles, and the choice of the one that answers."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.support.agent.domain.articles import Article, Passage

# Scores have no unit and change with the articles. After a change of articles run
# `make eval-support`, which prints what is answered and declined. Set these bounds on the questions
# marked `reglage`; those marked `tenue` and questions*.csv evaluate them.
_HIGH_SCORE = 22.0
"""Minimum score of an article that covers `_HIGH_SCORE_COVERED` of the question."""


_HIGH_SCORE_COVERED = 0.35


_LOW_SCORE = 12.0
"""Minimum score of an article that covers `_LOW_SCORE_COVERED` of the question."""


_LOW_SCORE_COVERED = 0.7


_FOREIGN_LIMIT = 0.3
"""A question with a larger share of foreign words is about something else."""


_CLOSE = 0.6
"""Related articles have at least this share of the best score."""


_OTHERS = 2


@dataclass(frozen=True, slots=True)
class SearchHit:
    """Search hit: an article found for a question, and its best passage."""

    article: Article
    passage: Passage
    score: float
    """BM25 over weighted fields, times `covered`; comparable between questions on the same
    articles."""
    covered: float
    """Share of the question that the article covers, from 0 to 1."""
    foreign: float = 0.0
    """Share of the question in words foreign to the platform, from 0 to 1."""

    @property
    def is_sure(self) -> bool:
        """Whether the hit is sure enough to be an answer.

        Foreign words count too, as a question about something else may hold many words of the
        platform.
        """
        if self.foreign > _FOREIGN_LIMIT:
            return False
        is_clear = self.score >= _HIGH_SCORE and self.covered >= _HIGH_SCORE_COVERED
        return is_clear or (self.score >= _LOW_SCORE and self.covered >= _LOW_SCORE_COVERED)


def choose_answer(found: Sequence[SearchHit]) -> SearchHit | None:
    """Choose the search hit that answers; None when none is sure enough."""
    return found[0] if found and found[0].is_sure else None


def list_related(found: Sequence[SearchHit]) -> tuple[Article, ...]:
    """List the articles whose scores are close to the best one."""
    if not found:
        return ()
    close = [each for each in found[1:] if each.is_sure and each.score >= _CLOSE * found[0].score]
    return tuple(each.article for each in close[:_OTHERS])
