from datetime import UTC, datetime, timedelta, timezone

import pytest

from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.kernel.time import TimeWindow, require_aware, utc_now

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)


def test_the_present_instant_is_in_utc() -> None:
    now = utc_now()

    assert now.tzinfo is UTC
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)


def test_an_instant_with_an_offset_is_taken_as_utc() -> None:
    in_berlin = datetime(2026, 6, 15, 14, tzinfo=timezone(timedelta(hours=2)))

    assert require_aware(in_berlin, name="need_by") == NOON
    assert require_aware(in_berlin, name="need_by").tzinfo is UTC


def test_an_instant_without_an_offset_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="need_by needs a time zone offset") as refusal:
        require_aware(datetime(2026, 6, 15, 12), name="need_by")

    assert "2026-06-15T12:00:00+02:00" in str(refusal.value)


def test_a_window_may_be_an_instant_but_not_end_before_it_starts() -> None:
    assert TimeWindow(start=NOON, end=NOON).end == NOON
    with pytest.raises(ValueError, match="before it starts"):
        TimeWindow(start=NOON, end=NOON - timedelta(seconds=1))


def test_a_refusal_carries_words_fields_and_headers() -> None:
    problem = FieldProblem(pointer="/lines/0/quantity", message="must be at least 1")
    error = DomainError("can't take the order", problems=(problem,), headers={"Retry-After": "1"})

    assert (error.message, error.problems, error.headers) == (
        "can't take the order",
        (problem,),
        {"Retry-After": "1"},
    )
    assert (error.code, error.status, str(error)) == ("domain_error", 400, "can't take the order")
    assert DomainError("bare").headers == {}
