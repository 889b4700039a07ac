"""Reports count in the order of their numbers, each once, whatever order they come in."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import permutations

import pytest

from fabroute.production.service.reports.rules import (
    KNOWN_REPORTS,
    NewReport,
    UnknownReport,
    in_turn,
    prints_of,
    require_known,
)

AT = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)


def a_report(*, sequence: int = 1, name: str = "printed", at: datetime = AT, **data: object) -> NewReport:
    return NewReport(sequence=sequence, name=name, occurred_at=at, data=data)


def test_the_first_number_is_waited_for_and_gaps_stop_what_comes_after() -> None:
    assert in_turn({}) is None
    assert in_turn({2: "waiting", 3: "waiting"}) is None
    assert in_turn({1: "waiting", 2: "waiting"}) == 1
    assert in_turn({1: "applied", 2: "refused", 3: "waiting", 5: "waiting"}) == 3
    assert in_turn({1: "applied", 3: "waiting"}) is None
    assert in_turn({1: "applied"}) is None


def test_every_order_of_arrival_comes_to_the_same_order_of_effects() -> None:
    orders = 0
    for arrival in permutations((1, 2, 3, 4, 5, 2)):
        states: dict[int, str] = {}
        done: list[int] = []
        for number in arrival:
            states.setdefault(number, "waiting")
            while (turn := in_turn(states)) is not None:
                states[turn] = "refused" if turn == 3 else "applied"
                done.append(turn)
        assert done == [1, 2, 3, 4, 5]
        orders += 1
    assert orders == 720


def test_a_report_is_told_from_another_by_all_that_it_says() -> None:
    known = a_report(serial="S-1", note="a")
    assert known.sha256 == a_report(note="a", serial="S-1").sha256
    assert known.sha256 == a_report(serial="S-1", note="a", sequence=7).sha256
    others = [
        a_report(serial="S-2", note="a"),
        a_report(serial="S-1"),
        a_report(serial="S-1", note="a", name="print_failed"),
        a_report(serial="S-1", note="a", at=AT + timedelta(milliseconds=1)),
        a_report(serial="S-1", note="a", at=AT.astimezone(timezone(timedelta(hours=2)))),
    ]
    assert len({known.sha256, *(it.sha256 for it in others)}) == 6


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownReport, match="use started, printed, print_failed, inspected") as refusal:
        require_known((a_report(), a_report(name="printing")))
    assert (refusal.value.code, refusal.value.status) == ("unknown_report", 422)
    assert [it.pointer for it in refusal.value.problems] == ["/reports/1/name"]


def test_data_that_a_report_does_not_have_is_refused_where_it_stands() -> None:
    wrong = (a_report(name="started", note="x"), a_report(seriel="S-1", number="2"), a_report(number=True))
    with pytest.raises(UnknownReport) as refusal:
        require_known(wrong)
    found = [(it.pointer, it.message) for it in refusal.value.problems]
    assert found == [
        ("/reports/0/data/note", "a report of started has no note: it takes nothing"),
        (
            "/reports/1/data/seriel",
            "a report of printed has no seriel: it takes result, number, serial, note, evidence_id",
        ),
        ("/reports/1/data/number", "number of printed must be a whole number"),
        ("/reports/2/data/number", "number of printed must be a whole number"),
    ]


def test_what_is_known_is_taken() -> None:
    require_known((a_report(), a_report(serial="S-1", number=2), a_report(name="started")))
    assert set(KNOWN_REPORTS) == {"started", "printed", "print_failed", "inspected"}


def test_the_parts_that_reports_tell_of_are_the_good_prints() -> None:
    told = (a_report(), a_report(result="good"), a_report(result="failed"), a_report(name="print_failed"))
    assert prints_of(told) == 2
    assert prints_of((a_report(name="started"),)) == 0
