"""Arithmetic of the windows in which requests of a caller are counted; figures by hand."""

import tracemalloc

import pytest

from shared.runtime.web import caller_counts
from shared.runtime.web.caller_counts import CallerCounts, Usage

# 1 700 000 040 is 28 333 334 minutes: a window of a minute begins there.
START = 1_700_000_040


def test_requests_are_counted_up_to_the_limit_and_no_further() -> None:
    counts = CallerCounts(60)

    taken = [counts.take("moi", 2, START + 12.3) for _ in range(4)]

    assert taken == [
        Usage(2, 1, 60, START + 60, 48),
        Usage(2, 2, 60, START + 60, 48),
        Usage(2, 2, 60, START + 60, 48, is_over=True),
        Usage(2, 2, 60, START + 60, 48, is_over=True),
    ]
    assert [each.remaining for each in taken if each] == [1, 0, 0, 0]


def test_callers_are_counted_apart() -> None:
    counts = CallerCounts(60)
    counts.take("moi", 1, START)

    other = counts.take("autre", 1, START)

    assert other == Usage(1, 1, 60, START + 60, 60)


@pytest.mark.parametrize(
    ("moment", "used", "ends", "left"),
    [
        (START + 59.0, 2, START + 60, 1),
        (START + 59.999, 2, START + 60, 1),
        (START + 60.0, 1, START + 120, 60),
        (START + 119.5, 1, START + 120, 1),
        (START - 0.5, 1, START, 1),
    ],
    ids=["last second", "last moment", "next window", "end of the next", "a clock set back"],
)
def test_a_window_ends_at_a_multiple_of_its_length(
    moment: float, used: int, ends: int, left: int
) -> None:
    counts = CallerCounts(60)
    counts.take("moi", 5, START)

    assert counts.take("moi", 5, moment) == Usage(5, used, 60, ends, left)


def test_what_others_counted_is_used_up_too() -> None:
    counts = CallerCounts(60)
    counts.take("moi", 10, START)
    counts.take("moi", 10, START)

    assert counts.list_changed(START, 100) == {"moi": 2}
    counts.note_shared(START, {"moi": 2}, {"moi": 7})

    assert counts.list_changed(START, 100) == {}
    assert counts.take("moi", 10, START) == Usage(10, 10, 60, START + 60, 60)
    assert counts.take("moi", 10, START) == Usage(10, 10, 60, START + 60, 60, is_over=True)
    assert counts.list_changed(START, 100) == {"moi": 3}


def test_others_may_have_let_in_more_than_the_limit() -> None:
    counts = CallerCounts(60)
    counts.take("moi", 10, START)
    counts.note_shared(START, {"moi": 1}, {"moi": 12})

    usage = counts.read("moi", 10, START)

    assert (usage.used, usage.remaining) == (13, 0)


def test_a_request_counted_while_the_store_was_asked_is_shared_the_next_time() -> None:
    counts = CallerCounts(60)
    counts.take("moi", 10, START)
    shared = counts.list_changed(START, 100)
    counts.take("moi", 10, START)

    counts.note_shared(START, shared, {"moi": 0})

    assert counts.list_changed(START, 100) == {"moi": 2}


def test_an_answer_of_the_store_about_a_past_window_is_dropped() -> None:
    counts = CallerCounts(60)
    counts.take("moi", 10, START)
    counts.take("moi", 10, START + 60)

    counts.note_shared(START, {"moi": 1}, {"moi": 9})
    counts.note_others(START, "moi", 9)

    assert counts.read("moi", 10, START + 60).used == 1
    assert counts.list_changed(START + 60, 100) == {"moi": 1}


def test_reading_counts_nothing() -> None:
    counts = CallerCounts(60)

    assert [counts.read("moi", 3, START).used for _ in range(5)] == [0] * 5
    assert counts.list_changed(START, 100) == {}


def test_the_most_active_callers_are_shared_first() -> None:
    counts = CallerCounts(60)
    for caller, times in (("peu", 1), ("beaucoup", 9), ("assez", 4)):
        for _ in range(times):
            counts.take(caller, 100, START)

    assert counts.list_changed(START, 2) == {"beaucoup": 9, "assez": 4}


def test_addresses_however_many_take_no_place_of_a_known_caller() -> None:
    counts = CallerCounts(60)
    taken = [
        counts.take(f"{rank:064x}", 1, START, is_address=True)
        for rank in range(caller_counts.CALLERS_LIMIT + 1)
    ]

    assert [rank for rank, usage in enumerate(taken) if usage is None] == [50_000]
    assert counts.take("moi", 1, START) == Usage(1, 1, 60, START + 60, 60)
    assert counts.take("moi", 1, START) == Usage(1, 1, 60, START + 60, 60, is_over=True)
    assert counts.take("autre", 1, START + 60, is_address=True) is not None


def test_known_callers_however_many_take_no_place_of_an_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(caller_counts, "CALLERS_LIMIT", 2)
    counts = CallerCounts(60)

    taken = [counts.take(caller, 1, START) for caller in ("un", "deux", "trois")]

    assert [usage is None for usage in taken] == [False, False, True]
    assert counts.take("adresse", 1, START, is_address=True) == Usage(1, 1, 60, START + 60, 60)


def test_a_million_callers_take_bounded_memory_and_those_beyond_it_are_let_in() -> None:
    counts = CallerCounts(60)
    tracemalloc.start()
    try:
        taken = [
            counts.take(f"{rank:064x}", 10, START) is None
            for rank in range(caller_counts.CALLERS_LIMIT)
        ]
        full, _ = tracemalloc.get_traced_memory()
        beyond = sum(
            counts.take(f"{rank:064x}", 10, START) is None
            for rank in range(caller_counts.CALLERS_LIMIT, 1_000_000)
        )
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert not any(taken)
    assert beyond == 1_000_000 - 50_000
    assert full < 20_000_000
    assert held - full < 100_000
    assert counts.take("0" * 64, 1, START) == Usage(1, 1, 60, START + 60, 60, is_over=True)
    assert counts.take(f"{999_999:064x}", 10, START + 60) == Usage(10, 1, 60, START + 120, 60)
