"""The virtual agent at a terminal: an answer, its source, how close it is."""

from services.support.agent.application.agent import UNSURE, Answers
from services.support.agent.domain.intents import answering


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
