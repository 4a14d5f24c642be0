"""Every code that a person meets has words."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pytest

from shared.vocabulary import labels
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from shared.vocabulary.tickets import DESK_LABELS, Desk


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (Role, labels.ROLES),
        (Status, labels.STATUSES),
        (Desk, DESK_LABELS),
    ],
)
def test_every_code_has_its_own_words(codes: type[StrEnum], words: Mapping[Any, str]) -> None:
    assert set(words) == set(codes)
    assert len(set(words.values())) == len(codes)
