"""Terminal output of the `ask` command: an answer, its source and its score."""

from services.support.agent.application.ports import ArticleFinder
from services.support.agent.domain.search_hits import choose_answer
from services.support.agent.domain.sentences import UNSURE


def format_answer(question: str, answers: ArticleFinder) -> str:
    """Format the answer to a question, its source, and the score of each article found."""
    found = answers.search(question)
    best = choose_answer(found)
    lines = [best.passage.text if best else UNSURE, ""]
    if best:
        lines.append(f"Source : {best.article.code}, « {best.passage.heading} »")
    lines += [
        f"  {each.score:7.2f}  étranger {each.foreign:4.0%}  {each.passage.code}" for each in found
    ]
    return "\n".join(lines) + "\n"
