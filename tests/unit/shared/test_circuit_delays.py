"""How long each role has on each cadre, from when, and what silence then means."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.circuit.delays import Delay
from shared.circuit.loader import load_current
from shared.vocabulary.dates import PARIS
from shared.vocabulary.roles import Role

CIRCUIT = load_current()

BY_HAND = {
    ("A10 A13 A14", "titulaire"): ("validation", 15, "attente", "valider"),
    ("A4 A10 A13", "moe"): ("etat_acompte", 7, "attente", "signaler"),
    ("A7 A14", "moe"): ("decompte_general", 30, "reception", "offrir"),
    ("A17", "moa"): ("decompte_general", 30, "reception", "offrir"),
    ("A18 A20", "titulaire"): ("acceptation", 30, "attente", "signaler"),
    ("A20", "moa"): ("contestation", 30, "attente", "signaler"),
    ("A18", "moe"): ("contestation", 30, "attente", "signaler"),
    ("A22", "moa"): ("decompte_tacite", 10, "attente", "conclure"),
    ("A22", "moe"): ("decompte_tacite", 10, "attente", "conclure"),
}


def _by_hand() -> Iterable[tuple[tuple[str, Role], tuple[str, int, str, str]]]:
    for (cadres, role), what in BY_HAND.items():
        for cadre in cadres.split():
            yield (cadre, Role(role)), what


def test_the_delays_are_those_of_the_texts_and_there_is_no_other() -> None:
    expected = dict(_by_hand())

    for cadre in (f"A{rank}" for rank in range(1, 26)):
        for role in Role:
            delay = CIRCUIT.find_delay(cadre, role)
            told = delay and (delay.name, delay.days, delay.start, delay.effect)
            assert told == expected.get((cadre, role)), (cadre, role)
    assert all(each.label and each.source for each in CIRCUIT.delays)


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        # Days are counted from the day after: a piece of the 24th has all of the 1st.
        ("2026-11-24T10:00Z", 7, "2026-12-01T23:00Z"),
        ("2026-11-24T00:00Z", 7, "2026-12-01T23:00Z"),
        ("2026-11-24T22:59Z", 7, "2026-12-01T23:00Z"),
        ("2026-11-24T23:00Z", 7, "2026-12-02T23:00Z"),
        # Summer time begins on 29 March 2026 and ends on 25 October 2026.
        ("2026-03-21T10:00Z", 7, "2026-03-28T23:00Z"),
        ("2026-03-22T10:00Z", 7, "2026-03-29T22:00Z"),
        ("2026-03-23T10:00Z", 7, "2026-03-30T22:00Z"),
        ("2026-10-17T10:00Z", 7, "2026-10-24T22:00Z"),
        ("2026-10-18T10:00Z", 7, "2026-10-25T23:00Z"),
        ("2026-10-19T10:00Z", 7, "2026-10-26T23:00Z"),
        ("2026-03-22T22:59Z", 7, "2026-03-29T22:00Z"),
        ("2026-10-24T22:00Z", 15, "2026-11-09T23:00Z"),
        ("2026-10-24T21:59Z", 15, "2026-11-08T23:00Z"),
        # Ends of months and of years, with and without a 29 February.
        ("2026-01-31T10:00Z", 30, "2026-03-02T23:00Z"),
        ("2028-01-31T10:00Z", 30, "2028-03-01T23:00Z"),
        ("2028-02-19T10:00Z", 10, "2028-02-29T23:00Z"),
        ("2026-12-31T10:00Z", 10, "2027-01-10T23:00Z"),
        ("2026-12-31T23:30Z", 10, "2027-01-11T23:00Z"),
    ],
)
def test_a_delay_ends_with_its_last_day_in_paris(start: str, days: int, due: str) -> None:
    delay = next(each for each in CIRCUIT.delays if each.days == days)

    assert delay.compute_due(datetime.fromisoformat(start)) == datetime.fromisoformat(due)


@given(
    start=st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    delay=st.sampled_from(CIRCUIT.delays),
)
def test_whoever_is_awaited_has_all_of_the_days_and_no_more_than_the_rest_of_one(
    start: datetime, delay: Delay
) -> None:
    due = delay.compute_due(start)

    midnight = due.astimezone(PARIS)
    days = (midnight.date() - start.astimezone(PARIS).date()).days
    assert (midnight.hour, midnight.minute, midnight.second, due.tzinfo) == (0, 0, 0, UTC)
    assert days == delay.days + 1
    assert due - start > timedelta(days=delay.days) - timedelta(hours=1)
