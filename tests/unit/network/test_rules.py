"""The calendar of a node, against calendars of 2026 and clocks read by hand."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.network.rules import (
    InvalidCalendar,
    NodeCalendar,
    add_working_days,
    daily_capacity_minutes,
    end_of_day,
    first_production_day,
    is_working_day,
    public_holidays,
    start_of_day,
)


def a_calendar(
    *,
    country: str = "DE",
    timezone: str = "Europe/Berlin",
    working_days: str = "Mon-Fri",
    cutoff_local: str = "15:00",
) -> NodeCalendar:
    return NodeCalendar(country=country, timezone=timezone, working_days=working_days, cutoff_local=cutoff_local)


def working(day: str, *, working_days: str = "Mon-Fri", country: str = "DE") -> bool:
    return is_working_day(date.fromisoformat(day), working_days=working_days, country=country)


def after(day: str, count: int, *, working_days: str = "Mon-Fri", countries: tuple[str, ...] = ("DE",)) -> str:
    return add_working_days(date.fromisoformat(day), count, working_days=working_days, countries=countries).isoformat()


def starts(now: str, calendar: NodeCalendar) -> str:
    return first_production_day(datetime.fromisoformat(now), calendar=calendar).isoformat()


# ---------------------------------------------------------------- working days and holidays


def test_the_working_week_ends_on_friday_saturday_or_sunday() -> None:
    friday, saturday, sunday = "2026-11-20", "2026-11-21", "2026-11-22"
    assert [working(day) for day in (friday, saturday, sunday)] == [True, False, False]
    assert [working(day, working_days="Mon-Sat") for day in (friday, saturday, sunday)] == [True, True, False]
    assert [working(day, working_days="Mon-Sun") for day in (friday, saturday, sunday)] == [True, True, True]


def test_a_public_holiday_is_no_working_day_in_its_country_only() -> None:
    assert not working("2026-11-26", country="US", working_days="Mon-Sun")  # Thanksgiving
    assert working("2026-11-26", country="DE")
    assert not working("2026-10-03", country="DE", working_days="Mon-Sat")  # day of German unity, a Saturday
    assert working("2026-10-03", country="FR", working_days="Mon-Sat")


def test_a_day_in_lieu_is_a_holiday_too() -> None:
    assert not working("2026-12-28", country="GB")  # Boxing Day falls on a Saturday
    assert not working("2026-11-09", country="SG")  # Deepavali falls on a Sunday


def test_a_country_without_known_holidays_has_none() -> None:
    assert public_holidays("XX", 2026) == frozenset()
    assert working("2026-12-25", country="XX")


def test_holidays_are_looked_up_once_for_a_country_and_year() -> None:
    assert public_holidays("DE", 2026) is public_holidays("DE", 2026)
    assert date(2026, 12, 25) in public_holidays("DE", 2026)
    assert date(2027, 12, 25) not in public_holidays("DE", 2026)


# ---------------------------------------------------------------- counting working days


def test_counting_steps_over_the_weekend_and_holidays() -> None:
    assert after("2026-11-20", 1) == "2026-11-23"
    assert after("2026-11-20", 5) == "2026-11-27"
    assert after("2026-12-24", 1) == "2026-12-28"
    assert after("2026-12-31", 1) == "2027-01-04"


def test_no_days_at_all_mean_the_same_day_or_the_next_working_one() -> None:
    assert after("2026-11-20", 0) == "2026-11-20"
    assert after("2026-11-21", 0) == "2026-11-23"
    assert after("2026-12-25", 0) == "2026-12-28"


def test_a_parcel_moves_only_when_both_of_its_ends_are_open() -> None:
    assert after("2026-11-25", 1, countries=("DE",)) == "2026-11-26"
    assert after("2026-11-25", 1, countries=("DE", "US")) == "2026-11-27"
    assert after("2026-11-20", 3, countries=("JP", "IN")) == "2026-11-27"  # 23rd Japan, 24th India


def test_counting_backwards_is_refused() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        after("2026-11-20", -1)


@given(
    day=st.dates(min_value=date(2024, 1, 1), max_value=date(2030, 1, 1)),
    first=st.integers(min_value=1, max_value=12),
    second=st.integers(min_value=1, max_value=12),
)
def test_counting_in_two_goes_is_counting_in_one(day: date, first: int, second: int) -> None:
    halfway = add_working_days(day, first, working_days="Mon-Fri", countries=("DE",))
    twice = add_working_days(halfway, second, working_days="Mon-Fri", countries=("DE",))
    assert twice == add_working_days(day, first + second, working_days="Mon-Fri", countries=("DE",))
    assert is_working_day(twice, working_days="Mon-Fri", country="DE")


# ---------------------------------------------------------------- the first day that can produce


def test_work_until_the_cutoff_starts_today_and_later_work_tomorrow() -> None:
    assert starts("2026-11-19T14:59:59+01:00", a_calendar()) == "2026-11-19"
    assert starts("2026-11-19T15:00:00+01:00", a_calendar()) == "2026-11-19"
    assert starts("2026-11-19T15:00:01+01:00", a_calendar()) == "2026-11-20"
    assert starts("2026-11-20T15:30:00+01:00", a_calendar()) == "2026-11-23"


def test_work_on_a_day_off_starts_on_the_next_working_day_whatever_the_hour() -> None:
    assert starts("2026-11-22T09:00:00+01:00", a_calendar()) == "2026-11-23"
    assert starts("2026-11-22T23:00:00+01:00", a_calendar()) == "2026-11-23"
    assert starts("2026-12-25T09:00:00+01:00", a_calendar(working_days="Mon-Sun")) == "2026-12-27"


def test_the_cutoff_is_read_from_the_clock_of_the_node() -> None:
    # 09:29 UTC is 14:59 in India and 17:29 in Singapore.
    now = "2026-11-19T09:29:00+00:00"
    assert starts(now, a_calendar(country="IN", timezone="Asia/Kolkata")) == "2026-11-19"
    assert starts(now, a_calendar(country="SG", timezone="Asia/Singapore")) == "2026-11-20"
    assert starts("2026-11-19T09:31:00+00:00", a_calendar(country="IN", timezone="Asia/Kolkata")) == "2026-11-20"


def test_the_date_is_the_local_one() -> None:
    # 18:00 UTC on Thursday is already Friday in Singapore and still Thursday in Los Angeles.
    now = "2026-11-19T18:00:00+00:00"
    assert starts(now, a_calendar(country="SG", timezone="Asia/Singapore", cutoff_local="14:00")) == "2026-11-20"
    assert starts(now, a_calendar(country="US", timezone="America/Los_Angeles")) == "2026-11-19"


def test_the_cutoff_follows_the_clock_through_the_change_to_summer_time() -> None:
    calendar = a_calendar(working_days="Mon-Sun")
    # 14:30 UTC is 15:30 in winter and 16:30 in summer; 13:30 UTC is 14:30 and 15:30.
    assert starts("2026-03-28T13:30:00+00:00", calendar) == "2026-03-28"
    assert starts("2026-03-29T13:30:00+00:00", calendar) == "2026-03-30"


def test_an_instant_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        first_production_day(datetime(2026, 11, 19, 12), calendar=a_calendar())


# ---------------------------------------------------------------- days as instants


@pytest.mark.parametrize(
    ("day", "timezone", "end"),
    [
        ("2026-11-22", "Europe/Berlin", "2026-11-22T23:00:00+00:00"),
        ("2026-07-01", "Europe/Berlin", "2026-07-01T22:00:00+00:00"),
        ("2026-11-22", "Asia/Kolkata", "2026-11-22T18:30:00+00:00"),
        ("2026-11-22", "Asia/Singapore", "2026-11-22T16:00:00+00:00"),
        ("2026-11-22", "America/Los_Angeles", "2026-11-23T08:00:00+00:00"),
    ],
)
def test_a_day_is_over_at_local_midnight(day: str, timezone: str, end: str) -> None:
    over = end_of_day(date.fromisoformat(day), timezone=timezone)
    assert over.isoformat() == end
    assert over.tzinfo is UTC


@pytest.mark.parametrize(
    ("day", "timezone", "hours"),
    [
        ("2026-03-29", "Europe/Berlin", 23),
        ("2026-10-25", "Europe/Berlin", 25),
        ("2026-03-08", "America/New_York", 23),
        ("2026-11-01", "America/New_York", 25),
        ("2026-03-29", "Asia/Kolkata", 24),
    ],
)
def test_a_day_of_changing_clocks_is_an_hour_shorter_or_longer(day: str, timezone: str, hours: int) -> None:
    local = date.fromisoformat(day)
    lasts = end_of_day(local, timezone=timezone) - start_of_day(local, timezone=timezone)
    assert lasts == timedelta(hours=hours)
    assert end_of_day(local, timezone=timezone) == start_of_day(local + timedelta(days=1), timezone=timezone)


# ---------------------------------------------------------------- minutes that a machine offers


@pytest.mark.parametrize(
    ("utilisation", "minutes"), [(0, 1440), (0.5, 720), (0.85, 216), (0.9, 144), (0.41, 849), (1, 0)]
)
def test_a_working_day_offers_what_other_work_leaves(utilisation: float, minutes: int) -> None:
    monday = date(2026, 11, 23)
    assert daily_capacity_minutes(monday, utilisation=utilisation, calendar=a_calendar()) == minutes


def test_days_off_and_holidays_offer_nothing() -> None:
    saturday, christmas = date(2026, 11, 21), date(2026, 12, 25)
    assert daily_capacity_minutes(saturday, utilisation=0.5, calendar=a_calendar()) == 0
    assert daily_capacity_minutes(saturday, utilisation=0.5, calendar=a_calendar(working_days="Mon-Sat")) == 720
    assert daily_capacity_minutes(christmas, utilisation=0.5, calendar=a_calendar(working_days="Mon-Sun")) == 0


@pytest.mark.parametrize("utilisation", [-0.01, 1.01, float("nan")])
def test_a_utilisation_outside_0_to_1_is_refused(utilisation: float) -> None:
    with pytest.raises(InvalidCalendar, match="share from 0 to 1"):
        daily_capacity_minutes(date(2026, 11, 23), utilisation=utilisation, calendar=a_calendar())


# ---------------------------------------------------------------- calendars that can't be used


def test_a_calendar_is_checked_at_birth_and_says_what_to_write_instead() -> None:
    with pytest.raises(InvalidCalendar, match="Mon-Fri, Mon-Sat, Mon-Sun"):
        a_calendar(working_days="Tue-Thu")
    with pytest.raises(InvalidCalendar, match="HH:MM"):
        a_calendar(cutoff_local="3 pm")
    with pytest.raises(InvalidCalendar, match="IANA name"):
        a_calendar(timezone="Europe/Atlantis")
    with pytest.raises(InvalidCalendar, match="IANA name"):
        a_calendar(timezone="Europe")


# ---------------------------------------------------------------- together


@given(
    now=st.datetimes(min_value=datetime(2025, 1, 1), max_value=datetime(2029, 1, 1), timezones=st.just(UTC)),
    timezone=st.sampled_from(["Europe/Berlin", "Asia/Kolkata", "Asia/Singapore", "America/Los_Angeles"]),
    country=st.sampled_from(["DE", "IN", "SG", "US"]),
)
def test_production_starts_on_a_working_day_that_is_not_over(now: datetime, timezone: str, country: str) -> None:
    calendar = a_calendar(country=country, timezone=timezone)
    day = first_production_day(now, calendar=calendar)
    assert is_working_day(day, working_days="Mon-Fri", country=country)
    assert daily_capacity_minutes(day, utilisation=0, calendar=calendar) == 1440
    assert end_of_day(day, timezone=timezone) > now
