"""Small model for service support: replicas load it, instead of each training one."""

from collections.abc import Mapping
from pathlib import Path

from services.support.settings import DATA, load_catalogue
from services.support.suggestions.adapters.examples import read_examples
from services.support.suggestions.adapters.model import select_examples, train_model
from services.support.suggestions.adapters.model_file import write_model

_SHARE = 5
"""One example in five is used: the suggestions do not matter here."""


def train_support(folder: Path) -> Mapping[str, str]:
    """Train a model on a few examples; return the setting by which support loads it."""
    desks = load_catalogue(DATA / "catalogue.csv").desks
    examples = select_examples(desks, read_examples(DATA / "exemples"))
    file = folder / "model.zip"
    write_model(file, train_model(examples[::_SHARE], desks))
    return {"AIGUILLAGE_MODEL": str(file)}
