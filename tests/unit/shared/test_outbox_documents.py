"""How messages are packed in documents of the outbox, and read back."""

import math
import time
from typing import Any

import pytest
from bson import Timestamp

from shared.runtime.ids import new_id
from shared.runtime.store.outbox_documents import (
    is_well_formed,
    measure_age_s,
    pack_messages,
    unpack_messages,
)

MEGABYTE = 1024 * 1024


def a_message(topic: str = "a", rank: int = 1, size: int = 10) -> dict[str, Any]:
    value = b"x" * size
    return {
        "topic": topic,
        "key": "d1",
        "stream": "d1",
        "rank": rank,
        "value": value,
        "headers": [],
    }


def ranks(document: dict[str, Any]) -> list[int]:
    return [each["rank"] for each in unpack_messages(document)]


def test_messages_of_a_topic_share_a_document_in_their_order() -> None:
    messages = [a_message("a", 1), a_message("b", 1), a_message("a", 2), a_message("b", 2)]

    first, second = pack_messages(messages, Timestamp(1, 1))

    assert (first["topic"], ranks(first)) == ("a", [1, 2])
    assert (second["topic"], ranks(second)) == ("b", [1, 2])


def test_a_message_is_read_back_whole_with_names_of_its_own() -> None:
    message = a_message() | {"headers": [("x", "y")], "later": 7}

    (document,) = pack_messages([message, message], Timestamp(1, 1))
    one, two = unpack_messages(document)

    assert one.items() >= message.items()
    assert one["document"] == two["document"] == document["_id"]
    assert one["id"] != two["id"]


def test_a_document_holds_500_messages() -> None:
    documents = pack_messages([a_message(rank=rank) for rank in range(1001)], Timestamp(1, 1))

    assert [len(each["messages"]) for each in documents] == [500, 500, 1]
    assert [rank for each in documents for rank in ranks(each)] == list(range(1001))


def test_a_document_holds_a_megabyte_and_a_message_of_any_size() -> None:
    large, half = a_message(size=2 * MEGABYTE), a_message(size=MEGABYTE // 2)
    headers = half | {"value": b"", "headers": [("h", "y" * (MEGABYTE // 2 - 1))]}

    documents = pack_messages([half, large, half, headers, half], Timestamp(1, 1))

    assert [len(each["messages"]) for each in documents] == [1, 1, 2, 1]


def test_documents_sort_by_the_clock_of_the_store_then_by_their_order() -> None:
    clocks = [Timestamp(0x0FFFFFFF, 9), Timestamp(0x10000000, 1), Timestamp(0x10000000, 16)]
    messages = [a_message(rank=rank) for rank in range(6000)]

    names = [each["_id"] for clock in clocks for each in pack_messages(messages, clock)]

    assert len(set(names)) == 36
    assert names == sorted(names)


def test_what_an_earlier_release_left_is_read_and_sorts_first() -> None:
    old = {"_id": new_id(), **a_message(rank=7)}
    now = int(time.time())

    (message,) = unpack_messages(old)
    (document,) = pack_messages([a_message()], Timestamp(now, 1))

    assert message.items() >= a_message(rank=7).items()
    assert (message["document"], message["n"]) == (old["_id"], 0)
    assert old["_id"] < document["_id"]


def test_the_age_of_a_document_is_read_from_its_id() -> None:
    (document,) = pack_messages([a_message()], Timestamp(int(time.time()) - 3600, 1))

    assert 3600 <= measure_age_s(document["_id"]) < 3660
    assert measure_age_s(new_id()) < 60
    (ahead,) = pack_messages([a_message()], Timestamp(int(time.time()) + 3600, 1))
    assert measure_age_s(ahead["_id"]) == 0


@pytest.mark.parametrize("name", ["00-by-hand", "", None, 7.5, "zzzzzzzzzzzzzzzz.x.0000"])
def test_an_id_that_tells_no_age_is_as_old_as_can_be(name: object) -> None:
    assert measure_age_s(name) == math.inf


def test_what_the_relay_cannot_read_is_malformed() -> None:
    (document,) = pack_messages([a_message()], Timestamp(1, 1))
    assert is_well_formed(document)
    assert is_well_formed({"_id": "of an earlier release", **a_message()})

    (message,) = document["messages"]
    for malformed in (
        {"_id": "x"},
        {"_id": "x", "messages": []},
        document | {"topic": 1},
        document | {"messages": None},
        document | {"messages": [None]},
        document | {"messages": [message | {"key": None}]},
        document | {"messages": [{name: message[name] for name in message if name != "n"}]},
        document | {"messages": [message | {"value": "text"}]},
        document | {"messages": [message | {"headers": ["traceparent"]}]},
        document | {"messages": [message | {"headers": [["traceparent", 1]]}]},
    ):
        assert not is_well_formed(malformed)
