"""Timeouts of the store's client."""

import pytest

from shared.runtime.store.database import list_timeouts

PLAIN = {"serverSelectionTimeoutMS": 3000, "connectTimeoutMS": 3000, "socketTimeoutMS": 20_000}


@pytest.mark.parametrize(
    ("uri", "stated"),
    [
        ("mongodb://a:1,b:2/?replicaSet=rs0", set()),
        ("mongodb://user:p%40ss@a:1/base?socketTimeoutMS=60000", {"socketTimeoutMS"}),
        (
            "mongodb://a/?CONNECTTIMEOUTMS=5&serverselectiontimeoutms=7&tls=true",
            {"connectTimeoutMS", "serverSelectionTimeoutMS"},
        ),
    ],
)
def test_a_timeout_that_the_connection_string_states_wins(uri: str, stated: set[str]) -> None:
    assert list_timeouts(uri) == {
        name: value for name, value in PLAIN.items() if name not in stated
    }
