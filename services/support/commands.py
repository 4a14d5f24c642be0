"""Commands of the terminal, without broker or store: train the model, answer a question."""

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from services.support.agent.adapters.knowledge_base import load_article_search
from services.support.agent.entrypoints.terminal import format_answer
from services.support.settings import load_catalogue
from services.support.suggestions.adapters.cross_validation import cross_validate
from services.support.suggestions.adapters.examples import read_examples
from services.support.suggestions.adapters.model import select_examples, train_model
from services.support.suggestions.adapters.model_file import write_model
from services.support.suggestions.entrypoints.training_report import (
    TrainingReport,
    describe_training,
)


def train_to_file(file: Path, examples: Sequence[Path], catalogue: Path) -> str:
    """Train the model for a catalogue, write it to a file, and describe the training.

    Raises ExamplesError, CatalogueError, OSError.
    """
    desks = load_catalogue(catalogue).desks
    read = [each for path in examples for each in read_examples(path)]
    known = select_examples(desks, read)
    began = time.perf_counter()
    model = train_model(known, desks)
    seconds = time.perf_counter() - began
    write_model(file, model)
    counts = Counter(each.sub_category for each in known)
    return describe_training(
        TrainingReport(
            examples=counts,
            untaught=desks.keys() - counts.keys(),
            skipped=len(read) - len(known),
            seconds=seconds,
            shares=cross_validate(known, desks),
            file=file,
            size_bytes=file.stat().st_size,
        )
    )


def answer_question(question: str) -> str:
    """Answer a question from the articles, as the virtual agent would."""
    return format_answer(question, load_article_search())
