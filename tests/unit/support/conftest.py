"""The model of tickets, trained once for all tests that read it."""

import pytest

from services.support.settings import DATA, load_catalogue
from services.support.suggestions.adapters.examples import read_examples
from services.support.suggestions.adapters.model import TrainedModel, train_model


@pytest.fixture(scope="session")
def model() -> TrainedModel:
    """What the examples teach, over the whole catalogue."""
    return train_model(
        read_examples(DATA / "exemples"), load_catalogue(DATA / "catalogue.csv").desks
    )
