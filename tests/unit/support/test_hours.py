"""Opening hours over two years, against a calendar and a change of hour written by hand."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.support.desks.domain import rules
from services.support.desks.domain.hours import Availability, OpeningHours
from services.support.settings import DATA, Settings
from shared.vocabulary.dates import PARIS

HOURS = OpeningHours()
closing, is_open, next_opening, worked = (
    HOURS.find_closing,
    HOURS.is_open,
    HOURS.find_next_opening,
    HOURS.measure_open_time,
)

ROOT = Path(__file__).parents[3]
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
FIRST, LAST = date(2026, 1, 1), date(2027, 12, 31)
HOLIDAYS = {
    *(date(year, month, day) for year in (2026, 2027) for month, day in (
        (1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25),
    )),
    date(2026, 4, 6), date(2026, 5, 14), date(2026, 5, 25),
    date(2027, 3, 29), date(2027, 5, 6), date(2027, 5, 17),
}  # fmt: skip
SUMMERS = (
    (datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)),
    (datetime(2027, 3, 28, 1, tzinfo=UTC), datetime(2027, 10, 31, 1, tzinfo=UTC)),
)
CHANGES = {moment.date() for summer in SUMMERS for moment in summer}
BRIDGES = {each + step for each in HOLIDAYS for step in (-DAY, DAY)}
SPECIAL = sorted(
    day
    for day in HOLIDAYS | CHANGES | BRIDGES | {each + DAY for each in CHANGES}
    if FIRST <= day <= LAST
)


def oracle(moment: datetime) -> bool:
    """Tell whether people answer, by hand."""
    is_summer = any(start <= moment < end for start, end in SUMMERS)
    local = moment + timedelta(hours=2 if is_summer else 1)
    in_the_day = local.hour * 60 + local.minute
    is_worked = local.isoweekday() < 6 and local.date() not in HOLIDAYS
    return is_worked and 8 * 60 + 30 <= in_the_day < 18 * 60 + 30


def minutes_of(day: date) -> list[datetime]:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return [midnight + rank * MINUTE for rank in range(24 * 60)]


days = st.dates(FIRST + 7 * DAY, LAST - 14 * DAY)
moments = st.builds(lambda day, minute: minutes_of(day)[minute], days, st.integers(0, 24 * 60 - 1))
finer = st.builds(lambda at, ms: at + timedelta(milliseconds=ms), moments, st.integers(0, 59_999))


@pytest.mark.parametrize("day", SPECIAL, ids=str)
def test_every_minute_around_holidays_and_changes_of_hour(day: date) -> None:
    assert [m for m in minutes_of(day) if is_open(m) != oracle(m)] == []


@given(days)
@settings(max_examples=100, deadline=None)
def test_every_minute_of_any_day(day: date) -> None:
    assert [m for m in minutes_of(day) if is_open(m) != oracle(m)] == []


def test_the_two_years_have_as_many_open_days_as_counted_by_hand() -> None:
    noons = [datetime(2026, 1, 1, 11, tzinfo=UTC) + rank * DAY for rank in range(730)]

    assert sum(map(is_open, noons)) == sum(map(oracle, noons)) == 522 - 9 - 7


@given(finer)
@settings(max_examples=150, deadline=None)
def test_the_next_opening_is_open_and_nothing_between_is(moment: datetime) -> None:
    opening = next_opening(moment)

    assert opening.utcoffset() is not None
    assert opening >= moment
    assert oracle(opening.astimezone(UTC))
    if opening != moment:
        assert not oracle((opening - MINUTE).astimezone(UTC))
        between = int((opening - moment) / MINUTE)
        assert not any(oracle(moment + rank * MINUTE) for rank in range(between))


@given(finer)
@settings(max_examples=100, deadline=None)
def test_what_is_open_closes_later_that_day_and_is_open_until_then(moment: datetime) -> None:
    opening = next_opening(moment)
    end = closing(opening).astimezone(UTC)

    assert end > opening
    assert not oracle(end)
    assert oracle(end - MINUTE)


@given(moments, st.integers(0, 6 * 24 * 60))
@settings(max_examples=50, deadline=None)
def test_worked_is_the_number_of_open_minutes(start: datetime, length: int) -> None:
    counted = sum(oracle(start + rank * MINUTE) for rank in range(length))

    assert worked(start, start + length * MINUTE) == counted * MINUTE


@given(st.lists(finer, min_size=3, max_size=3))
@settings(max_examples=200, deadline=None)
def test_worked_is_additive_and_monotone(three: list[datetime]) -> None:
    a, b, c = sorted(three)

    assert worked(a, b) + worked(b, c) == worked(a, c)
    assert timedelta() <= worked(a, b) <= min(worked(a, c), b - a)
    assert worked(c, a) == timedelta()


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-07-13T18:30+02:00", "2026-07-15T08:30+02:00"),
        ("2026-07-14T10:00+02:00", "2026-07-15T08:30+02:00"),
        ("2026-04-03T18:30+02:00", "2026-04-07T08:30+02:00"),
        ("2026-12-24T18:29:59.999+01:00", "2026-12-24T18:29:59.999+01:00"),
        ("2026-12-24T18:30+01:00", "2026-12-28T08:30+01:00"),
        ("2026-03-27T20:00+01:00", "2026-03-30T08:30+02:00"),
        ("2027-10-30T12:00+02:00", "2027-11-02T08:30+01:00"),
    ],
)
def test_openings_that_a_calendar_shows(moment: str, opens: str) -> None:
    found = next_opening(datetime.fromisoformat(moment))

    assert found == datetime.fromisoformat(opens)
    assert found.utcoffset() == datetime.fromisoformat(opens).utcoffset()


def settings_of(**changed: str) -> Settings:
    return Settings(kafka="k", mongo="m", **changed)  # type: ignore[arg-type]


def test_an_operator_may_choose_other_days_and_hours() -> None:
    chosen = settings_of(
        desks_open_at="09:00",
        desks_close_at="12:00",
        desks_days="2 6",
        desks_closed_on="2026-07-11 2026-07-18",
    ).hours
    thursday = datetime(2026, 7, 9, 10, tzinfo=PARIS)
    opens = datetime(2026, 7, 21, 9, tzinfo=PARIS)

    # Saturdays 11 and 18 are closed by the operator, Tuesday 14 is a public holiday.
    assert not chosen.is_open(thursday)
    assert chosen.find_next_opening(thursday) == opens
    assert chosen.is_open(opens)
    assert chosen.find_closing(opens) == opens + timedelta(hours=3)
    assert not chosen.is_open(opens + timedelta(hours=3))
    assert chosen.measure_open_time(thursday, opens + timedelta(days=7)) == timedelta(hours=6)


@pytest.mark.parametrize(
    "changed",
    [
        {"desks_open_at": "18:30"},
        {"desks_open_at": "8h30"},
        {"desks_close_at": "18:30+02:00"},
        {"desks_days": ""},
        {"desks_days": "0 1"},
        {"desks_days": "lundi"},
        {"desks_closed_on": "24/12/2026"},
        {"desks_closed_on": "2026-W52-4"},
        {"desks_closed_on": "20261224"},
        {"desks_closed_on": "0026-12-24"},
    ],
)
def test_hours_at_which_nobody_would_answer_end_the_service_at_start(
    changed: dict[str, str],
) -> None:
    with pytest.raises(ValueError, match="validation error"):
        settings_of(**changed)


def test_hours_across_a_change_of_hour_are_measured_as_they_pass() -> None:
    night = OpeningHours(opens=time(0), closes=time(6), days=frozenset({7}))
    spring = datetime(2026, 3, 29, tzinfo=PARIS)

    assert night.measure_open_time(spring, spring + timedelta(days=1)) == timedelta(hours=5)


IN_FRENCH = "du lundi au vendredi, de 8 h 30 à 18 h 30"
IN_ENGLISH = "Monday to Friday, 8:30 to 18:30 in Paris, but for French public holidays"


def test_what_is_written_of_the_hours_is_what_holds_unless_an_operator_chose() -> None:
    article = (DATA / "articles" / "contacter-assistance.md").read_text(encoding="utf-8")
    pages = [ROOT / "docs" / name for name in ("glossary.md", "integrate.md", "operate.md")]

    assert (
        settings_of().hours
        == HOURS
        == OpeningHours(time(8, 30), time(18, 30), frozenset(range(1, 6)))
    )
    assert f"{IN_FRENCH} (heure de Paris), sauf les jours fériés" in article
    assert IN_FRENCH in rules.CLOSED.source
    assert [page.name for page in pages if IN_ENGLISH not in page.read_text("utf-8")] == []


def test_when_people_next_answer_is_said_only_while_they_do_not() -> None:
    open_, closed = (datetime(2026, 7, 13, hour, tzinfo=PARIS) for hour in (12, 20))

    assert HOURS.find_availability(open_) == Availability(is_open=True, opens_at=None)
    assert HOURS.find_availability(closed) == Availability(
        is_open=False, opens_at=datetime(2026, 7, 15, 8, 30, tzinfo=PARIS)
    )
