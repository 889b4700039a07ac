"""Moving the files' days to another day."""

from datetime import date

from fabroute.integrations.reference.dates import BASE_DAY, calendar_for


def test_the_base_day_becomes_the_wanted_one_and_all_others_keep_their_distance() -> None:
    calendar = calendar_for(date(2026, 11, 22))
    assert calendar.day(BASE_DAY) == date(2026, 11, 22)
    assert calendar.day(date(2026, 6, 26)) == date(2026, 12, 3)
    assert calendar.day(date(2026, 6, 1)) == date(2026, 11, 8)


def test_without_a_day_the_files_keep_their_own() -> None:
    assert calendar_for(None).day(date(2026, 6, 26)) == date(2026, 6, 26)
    assert calendar_for(BASE_DAY).day(date(2026, 6, 26)) == date(2026, 6, 26)


def test_a_day_beyond_the_calendar_is_its_end() -> None:
    assert calendar_for(date(9000, 1, 1)).day(date(9990, 1, 1)) == date.max
    assert calendar_for(date(100, 1, 1)).day(date(1000, 1, 1)) == date.min
