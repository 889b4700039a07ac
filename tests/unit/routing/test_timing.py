"""From the end of production to the customer's door."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from fabroute.logistics.rules import Location
from fabroute.network.rules import add_working_days
from fabroute.routing.service.timing import (
    NEVER,
    clock_offset_hours,
    earliest_bucket,
    ladder,
    latest_bucket,
)
from tests.factories.routing import a_node_view, an_estimate, some_calendars


def test_what_is_made_on_monday_leaves_on_tuesday_and_is_there_on_wednesday() -> None:
    calendars = some_calendars()
    buckets = calendars.delivery_buckets(a_node_view(), off_machine_minutes=0, country="DE", transit_days=1)

    assert [calendars.day(buckets[bucket]) for bucket in range(5)] == [
        date(2026, 6, 17),  # Monday's
        date(2026, 6, 18),
        date(2026, 6, 19),
        date(2026, 6, 22),  # Thursday's leaves on Friday and is there on Monday
        date(2026, 6, 23),  # Friday's leaves on Monday
    ]


def test_cooling_delays_the_dispatch_and_past_the_cut_off_a_day_more() -> None:
    calendars = some_calendars()
    by_the_cut_off = calendars.delivery_buckets(
        a_node_view(), off_machine_minutes=15 * 60, country="DE", transit_days=1
    )
    after_it = calendars.delivery_buckets(a_node_view(), off_machine_minutes=15 * 60 + 1, country="DE", transit_days=1)
    a_day_later = calendars.delivery_buckets(a_node_view(), off_machine_minutes=24 * 60, country="DE", transit_days=1)

    assert calendars.day(by_the_cut_off[0]) == date(2026, 6, 17)
    assert calendars.day(after_it[0]) == date(2026, 6, 18)
    assert calendars.day(a_day_later[0]) == date(2026, 6, 18)


def test_a_node_that_works_on_sundays_sends_but_parcels_rest() -> None:
    calendars = some_calendars()
    node = a_node_view(working_days="Mon-Sun")
    buckets = calendars.delivery_buckets(node, off_machine_minutes=0, country="DE", transit_days=1)

    assert calendars.day(buckets[4]) == date(2026, 6, 22)  # made on Friday, sent on Saturday
    assert calendars.day(buckets[5]) == date(2026, 6, 22)  # made on Saturday, sent on Sunday


def test_a_courier_in_the_same_city_delivers_on_the_day_of_dispatch() -> None:
    calendars = some_calendars()
    buckets = calendars.delivery_buckets(a_node_view(), off_machine_minutes=0, country="DE", transit_days=0)

    assert calendars.day(buckets[0]) == date(2026, 6, 16)
    assert calendars.day(buckets[3]) == date(2026, 6, 19)


def test_holidays_at_both_ends_hold_a_parcel_up() -> None:
    # 14 July is a holiday in France only, 15 August falls on a Saturday.
    calendars = some_calendars(now=datetime(2026, 7, 10, 8, 0, tzinfo=UTC))
    to_france = calendars.delivery_buckets(a_node_view(), off_machine_minutes=0, country="FR", transit_days=2)
    at_home = calendars.delivery_buckets(a_node_view(), off_machine_minutes=0, country="DE", transit_days=2)

    assert calendars.day(at_home[0]) == date(2026, 7, 15)  # made on Friday, sent on Monday the 13th
    assert calendars.day(to_france[0]) == date(2026, 7, 16)


@pytest.mark.parametrize(("country", "transit_days"), [("DE", 0), ("FR", 2), ("US", 4), ("JP", 7), ("IN", 45)])
def test_days_of_delivery_are_those_of_the_calendar_counted_one_by_one(country: str, transit_days: int) -> None:
    calendars = some_calendars(now=datetime(2026, 12, 10, 8, 0, tzinfo=UTC), horizon_days=45)
    node = a_node_view(working_days="Mon-Sat")
    buckets = calendars.delivery_buckets(node, off_machine_minutes=600, country=country, transit_days=transit_days)

    for bucket in range(45):
        made = calendars.first_day + timedelta(days=bucket)
        sent = add_working_days(made + timedelta(days=1), 0, working_days="Mon-Sat", countries=("DE",))
        there = add_working_days(sent, transit_days, working_days="Mon-Fri", countries=("DE", country))
        assert calendars.day(buckets[bucket]) == there
    assert len(buckets) == 45


def test_parcels_are_handed_over_at_five_by_the_sun() -> None:
    calendars = some_calendars()
    berlin = Location(latitude=52.5, longitude=13.4, country="DE")
    arrivals = calendars.arrivals(a_node_view(), estimate=an_estimate(), destination=berlin, transit=((1, 1000),))

    # By longitude Berlin is an hour ahead of UTC: 17:00 there is 16:00, and now it is 8:00.
    assert arrivals.p90[:2].tolist() == [(2 * 24 + 8) * 60, (3 * 24 + 8) * 60]
    assert calendars.instant(int(arrivals.p90[0])) == datetime(2026, 6, 17, 16, 0, tzinfo=UTC)
    assert calendars.minutes_to_delivery_hour(berlin) == 8 * 60


@pytest.mark.parametrize(("longitude", "offset"), [(13.4, 1), (-97.3, -6), (136.9, 9), (0.0, 0), (-0.1, 0)])
def test_clocks_follow_the_longitude(longitude: float, offset: int) -> None:
    assert clock_offset_hours(longitude) == offset


def test_before_the_cut_off_production_begins_today_with_what_is_left_of_the_day() -> None:
    clock = some_calendars().clock(a_node_view())

    assert clock.first_bucket == 0
    assert clock.first_day_minutes == 14 * 60  # 10:00 in Berlin
    assert clock.usable_minutes((1440, 500, 500)).tolist() == [840, 500, 500]
    assert clock.usable_minutes((300, 500, 500)).tolist() == [300, 500, 500]


def test_after_the_cut_off_production_begins_on_the_next_working_day() -> None:
    friday_afternoon = datetime(2026, 6, 19, 14, 0, tzinfo=UTC)
    clock = some_calendars(now=friday_afternoon).clock(a_node_view())

    assert clock.first_bucket == 3
    assert clock.first_day_minutes == 1440
    assert clock.usable_minutes((700, 0, 0, 700, 700)).tolist() == [0, 0, 0, 700, 700]


def test_a_node_where_it_is_still_yesterday_begins_with_the_first_day_of_the_run() -> None:
    night = datetime(2026, 6, 16, 2, 0, tzinfo=UTC)  # 21:00 on Monday in Wichita
    clock = some_calendars(now=night).clock(a_node_view(country="US", timezone="America/Chicago"))

    assert clock.first_bucket == 0
    assert clock.first_day_minutes == 1440


def test_a_machine_that_holds_nothing_offers_its_share_of_every_working_day() -> None:
    clock = some_calendars(horizon_days=7).clock(a_node_view())

    assert clock.full_minutes(utilisation=0.5).tolist() == [720, 720, 720, 720, 720, 0, 0]


def test_the_end_of_a_day_is_midnight_at_the_node() -> None:
    assert some_calendars().clock(a_node_view()).end_of_bucket(0) == datetime(2026, 6, 15, 22, 0, tzinfo=UTC)


def test_the_earliest_end_is_where_the_running_total_reaches_the_minutes() -> None:
    cumulative = np.cumsum([100, 0, 200, 0])

    assert earliest_bucket(cumulative, minutes=100, not_before=0) == 0
    assert earliest_bucket(cumulative, minutes=101, not_before=0) == 2
    assert earliest_bucket(cumulative, minutes=100, not_before=1) == 1
    assert earliest_bucket(cumulative, minutes=301, not_before=0) == NEVER
    assert earliest_bucket(cumulative, minutes=1, not_before=4) == NEVER


def test_the_latest_end_is_the_last_that_arrives_in_time() -> None:
    arrivals = np.array([1000, 2000, 2000, 5000])

    assert latest_bucket(arrivals, minutes_to_need_by=2000) == 2
    assert latest_bucket(arrivals, minutes_to_need_by=4999) == 2
    assert latest_bucket(arrivals, minutes_to_need_by=999) == -1
    assert latest_bucket(arrivals, minutes_to_need_by=9999) == 3


def test_deadlines_are_close_at_first_and_end_with_the_latest() -> None:
    assert ladder(2, 2) == (2,)
    assert ladder(2, 5) == (2, 3, 4, 5)
    assert ladder(0, 44) == (0, 1, 2, 3, 5, 8, 13, 21, 34, 44)
    assert ladder(3, 9) == (3, 4, 5, 6, 8, 9)
    assert ladder(0, 2) == (0, 1, 2)
    assert ladder(4, 3) == ()


def test_days_and_buckets_are_two_names_of_the_same() -> None:
    calendars = some_calendars()

    assert calendars.bucket(calendars.day(7)) == 7
    assert calendars.bucket(date(2026, 6, 14)) == -1
    assert calendars.minutes_until(datetime(2026, 6, 15, 9, 30, 59, tzinfo=UTC)) == 90
