"""Which lines are decided together, and how long those wait whose run failed."""

from datetime import timedelta

from fabroute.routing.service.run import groups, pause_after_failure
from tests.factories.routing import a_claimed_line


def test_lines_with_few_attempts_are_decided_together() -> None:
    lines = [a_claimed_line(line_id=f"line_{n}", attempts=1 + n % 2) for n in range(40)]

    assert [len(group) for group in groups(lines)] == [40]
    assert next(groups(lines)) == tuple(lines)


def test_lines_that_failed_often_are_decided_in_small_groups_after_the_others() -> None:
    fresh = [a_claimed_line(line_id=f"fresh_{n}") for n in range(30)]
    tried = [a_claimed_line(line_id=f"tried_{n}", attempts=3) for n in range(20)]
    worn = [a_claimed_line(line_id=f"worn_{n}", attempts=5) for n in range(2)]

    made = list(groups([*worn, *tried, *fresh]))

    assert [len(group) for group in made] == [30, 16, 4, 1, 1]
    assert made[0] == tuple(fresh)
    assert {line.line_id for group in made for line in group} == {line.line_id for line in (*fresh, *tried, *worn)}


def test_small_groups_come_in_another_order_with_each_attempt() -> None:
    def order(attempts: int) -> list[str]:
        lines = [a_claimed_line(line_id=f"line_{n}", attempts=attempts) for n in range(12)]
        return [group[0].line_id for group in groups(lines)]

    assert order(5) == order(5)
    assert order(5) != order(6)
    assert sorted(order(5)) == sorted(order(6))


def test_a_single_line_is_a_group() -> None:
    line = a_claimed_line(attempts=7)

    assert list(groups([line])) == [(line,)]
    assert list(groups([])) == []


def test_each_failure_doubles_the_pause_up_to_five_minutes() -> None:
    assert [pause_after_failure(attempts) for attempts in (1, 2, 3)] == [
        timedelta(seconds=2),
        timedelta(seconds=4),
        timedelta(seconds=8),
    ]
    assert pause_after_failure(20) == timedelta(minutes=5)
