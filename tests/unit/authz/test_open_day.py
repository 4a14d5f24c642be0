"""The checks of rights go by a day on which the chat is open."""

from datetime import date

import pytest

from tests.authz.__main__ import count_days_to_open_day


@pytest.mark.parametrize(
    ("day", "days"),
    [
        (date(2026, 11, 30), 0),
        (date(2026, 12, 25), 1),
        (date(2027, 1, 1), 1),
        (date(2026, 12, 31), 0),
        (date(2027, 7, 14), 1),
    ],
)
def test_a_public_holiday_is_passed_over(day: date, days: int) -> None:
    assert count_days_to_open_day(day) == days
