"""Terminal output of the `ask` command: an answer, its source and its score."""

from services.support.agent.application.ports import Answers
from services.support.agent.domain.search_hits import answering
from services.support.agent.domain.sentences import UNSURE


def answer_to(question: str, answers: Answers) -> str:
    """Write what the articles say to a question, and how sure that is."""
    found = answers.search(question)
    best = answering(found)
    lines = [best.passage.text if best else UNSURE, ""]
    if best:
        lines.append(f"Source : {best.article.code}, « {best.passage.heading} »")
    lines += [
        f"  {each.score:7.2f}  couvre {each.covered:4.0%}  {each.article.code}" for each in found
    ]
    return "\n".join(lines) + "\n"
