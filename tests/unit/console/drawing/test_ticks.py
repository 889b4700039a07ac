from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from fabroute.console.drawing.ticks import money_ticks, nice_step, time_step, time_ticks

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


@pytest.mark.parametrize(
    ("span", "most", "step"), [(10, 5, 2), (11, 5, 5), (25, 5, 5), (26, 5, 10), (0.9, 5, 0.2), (100, 1, 100)]
)
def test_steps_are_1_2_and_5(span: float, most: int, step: float) -> None:
    assert nice_step(span, most) == pytest.approx(step)


def test_amounts_are_round_and_hold_both_ends() -> None:
    assert money_ticks(3140, 4490) == [3000, 3500, 4000, 4500]
    assert money_ticks(3000, 4500) == [3000, 3500, 4000, 4500]
    assert money_ticks(0, 3) == [0, 1, 2, 3]
    assert money_ticks(500, 500) == [500]
    assert money_ticks(123_456_789, 987_654_321) == [
        0,
        200_000_000,
        400_000_000,
        600_000_000,
        800_000_000,
        1_000_000_000,
    ]


def test_times_step_by_hours_that_divide_a_day_then_by_days() -> None:
    spans = {4: 1, 10: 2, 14: 3, 29: 6, 59: 12, 61: 24, 130: 48, 260: 120}
    assert {hours: time_step(timedelta(hours=hours)) // timedelta(hours=1) for hours in spans} == spans


def test_hours_begin_at_the_midnight_of_the_zone() -> None:
    ticks = time_ticks(datetime(2026, 11, 21, 4, tzinfo=UTC), datetime(2026, 11, 22, 3, tzinfo=UTC), zone=AMSTERDAM)
    assert [f"{it:%d %H:%M}" for it in ticks] == [
        "21 00:00",
        "21 06:00",
        "21 12:00",
        "21 18:00",
        "22 00:00",
        "22 06:00",
    ]


def test_a_day_is_a_day_also_when_clocks_change() -> None:
    ticks = time_ticks(datetime(2026, 10, 23, 22, tzinfo=UTC), datetime(2026, 10, 26, 22, tzinfo=UTC), zone=AMSTERDAM)
    assert [f"{it:%d %H:%M}" for it in ticks] == ["24 00:00", "25 00:00", "26 00:00", "27 00:00"]
    assert ticks[2].astimezone(UTC) - ticks[1].astimezone(UTC) == timedelta(hours=25)


def test_equal_instants_have_two_ticks_at_most() -> None:
    instant = datetime(2026, 11, 21, 4, 30, tzinfo=UTC)
    assert [f"{it:%H:%M}" for it in time_ticks(instant, instant, zone=UTC)] == ["04:00", "05:00"]
