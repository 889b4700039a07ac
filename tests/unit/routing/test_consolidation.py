"""Lines that wait for others: who does, until when, for which day, and that no promise pays for it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from fabroute.orders.service import ClaimedLine
from fabroute.routing.rules.policies import PolicyView
from fabroute.routing.service.candidates import CandidateFinder
from fabroute.routing.service.consolidation import waits_until
from fabroute.routing.service.decide import decide
from fabroute.routing.service.decided import Decided
from fabroute.routing.service.documents import decision_document, promised_at, why
from fabroute.routing.service.options import Option
from fabroute.solver.limits import SolveLimits
from fabroute.solver.plan import PlanStatus
from tests.factories.spares import CAP_MINOR, OPENING_MINOR, a_spare_order, a_spares_snapshot

LIMITS = SolveLimits(seed=7, deterministic_seconds=5.0, wall_seconds=20.0)
WEDNESDAY = datetime(2026, 6, 17, 8, tzinfo=UTC)
"""10:00 in Berlin: an order that is due in seven days is handed over on Tuesday at the latest."""
WINDOW = timedelta(hours=36)
POLICIES = {"org_1": PolicyView(organisation_id="org_1", version=1, consolidation_window_hours=36)}


def order(
    number: int = 1, *, objective: str = "cheapest", criticality: str = "consumer", due_days: int = 7
) -> ClaimedLine:
    return a_spare_order(number, placed_at=WEDNESDAY, objective=objective, criticality=criticality, due_days=due_days)


def decided(*lines: ClaimedLine, window_hours: int = 36, now: datetime = WEDNESDAY) -> Decided:
    return decide(a_spares_snapshot(*lines, window_hours=window_hours, now=now), LIMITS)


def chosen(run: Decided) -> list[Option]:
    found = [verdict.chosen for verdict in run.verdicts]
    return [option for option in found if option is not None]


def made_on(run: Decided, line_id: str) -> list[date]:
    return [day for machine in run.days[line_id] for day, _ in machine.minutes_by_day]


# ---------------------------------------------------------------- S2 in one run


def test_s2_seven_orders_are_one_build_none_late_and_proven() -> None:
    run = decided(*(order(number) for number in range(1, 8)), window_hours=0)
    options = chosen(run)

    assert sum(option.price.production_minor for option in options) == 75_80
    assert 7 * (OPENING_MINOR + 4 * CAP_MINOR) == 345_80
    assert run.plan.status is PlanStatus.OPTIMAL
    assert len({option.build.key for option in options if option.build}) == 1
    assert [option.price.freight_minor for option in options] == [options[0].price.freight_minor] * 7
    due = WEDNESDAY + timedelta(days=7)
    assert all(promised_at(option, run.calendars) <= due for option in options)
    assert run.dispatch_at == {}


def test_s2_an_eighth_order_that_is_fastest_is_not_held_back() -> None:
    lines = [order(number) for number in range(1, 8)]
    run = decided(*lines, order(8, objective="fastest"))
    alone = decided(order(8, objective="fastest"))

    assert sorted(run.dispatch_at) == [line.line_id for line in lines]
    assert set(run.dispatch_at.values()) == {WEDNESDAY + WINDOW}
    *seven, eighth = chosen(run)
    assert eighth.minutes == chosen(alone)[0].minutes
    assert made_on(run, "line_8") == [date(2026, 6, 17)]
    assert sum(option.price.production_minor for option in seven) == 75_80
    assert min(made_on(run, "line_1")) == date(2026, 6, 19)


def test_a_decision_says_what_its_build_saves_and_nothing_of_others() -> None:
    run = decided(*(order(number) for number in range(1, 8)), window_hours=0)
    verdict = run.verdicts[0]
    document = decision_document(verdict, sentence="", solver={}, calendars=run.calendars)
    build = document["build"]

    assert isinstance(build, dict)
    assert {name: build[name] for name in ("lines", "volume_share", "saved_minor")} == {
        "lines": 7,
        "volume_share": 0.1429,
        "saved_minor": 38_57,
    }
    assert "org_2" not in repr(document)
    assert "line_2" not in repr(document)


def test_the_sentence_says_with_how_many_a_build_is_shared_and_what_that_saves() -> None:
    seven = decided(*(order(number) for number in range(1, 8)), window_hours=0)
    two = decided(order(1), order(2), window_hours=0)

    said = why(seven.verdicts[0], seven.calendars)
    assert "; a build shared with 6 others saves 38.57 EUR; " in said
    assert "; a build shared with 1 other saves 22.50 EUR; " in why(two.verdicts[0], two.calendars)
    assert len(said.encode()) <= 200


# ---------------------------------------------------------------- who waits, and until when


def test_a_line_waits_for_its_owners_window_counted_from_its_order() -> None:
    assert waits_until(order(), POLICIES) == WEDNESDAY + WINDOW
    assert waits_until(replace(order(), organisation_id="org_2"), POLICIES) is None
    assert waits_until(order(), {}) is None


@pytest.mark.parametrize(
    ("objective", "criticality"), [("fastest", "consumer"), ("cheapest", "aog"), ("balanced", "line_down")]
)
def test_who_is_in_a_hurry_never_waits(objective: str, criticality: str) -> None:
    hurried = order(objective=objective, criticality=criticality)
    run = decided(hurried)

    assert waits_until(hurried, POLICIES) is None
    assert run.dispatch_at == {}
    assert made_on(run, "line_1") == [date(2026, 6, 17)]


def test_a_line_that_waits_is_promised_for_after_its_wait_with_a_day_to_spare() -> None:
    """Told on Thursday at 20:00, the node begins on Friday; the parcel leaves on Monday if it ends on Sunday."""
    (option,) = chosen(run := decided(order()))

    assert run.calendars.day(option.bucket) == date(2026, 6, 21)
    assert run.dispatch_at == {"line_1": WEDNESDAY + WINDOW}
    assert made_on(run, "line_1") == [date(2026, 6, 19)]
    assert promised_at(option, run.calendars) <= WEDNESDAY + timedelta(days=7)


def test_where_there_is_no_time_to_wait_the_node_is_told_at_once() -> None:
    due_soon = order(due_days=2)
    waiting, hurried = decided(due_soon), decided(due_soon, window_hours=0)

    assert waiting.dispatch_at == {}
    assert [option.minutes for option in chosen(waiting)] == [option.minutes for option in chosen(hurried)]
    assert waiting.days == hurried.days


def test_a_short_time_to_wait_ends_at_the_cutoff_of_the_last_day_that_can_be_spared() -> None:
    """Due on Tuesday morning: made by Thursday at the latest, so told on Wednesday before 15:00 in Berlin."""
    run = decided(order(due_days=6))
    (option,) = chosen(run)

    assert run.calendars.day(option.bucket) == date(2026, 6, 18)
    assert run.dispatch_at == {"line_1": datetime(2026, 6, 17, 13, 0, tzinfo=UTC)}
    assert made_on(run, "line_1") == [date(2026, 6, 17)]


def test_a_wait_that_is_over_is_not_begun_again() -> None:
    late = decided(order(), now=WEDNESDAY + WINDOW + timedelta(minutes=1))

    assert late.dispatch_at == {}
    assert len(chosen(late)) == 1


def test_a_build_is_dispatched_when_the_first_of_its_lines_has_to_be() -> None:
    first, second = order(1), replace(order(2), placed_at=WEDNESDAY + timedelta(hours=5))
    run = decided(first, second, now=WEDNESDAY + timedelta(hours=5))
    one, other = chosen(run)

    assert one.build is not None
    assert one.build == replace(other.build, saved_minor=one.build.saved_minor) if other.build else False
    assert run.dispatch_at == dict.fromkeys(("line_1", "line_2"), WEDNESDAY + WINDOW)


def test_machine_time_after_the_wait_that_others_hold_is_not_counted_on() -> None:
    """The printer is taken from Friday on: the line is made before that, and does not wait."""
    snapshot = a_spares_snapshot(order(), window_hours=36, now=WEDNESDAY)
    free = {"N1-A": (1440, 1440, *(0,) * 12)}
    run = decide(replace(snapshot, network=replace(snapshot.network, capacity=free)), LIMITS)
    (option,) = chosen(run)

    assert made_on(run, "line_1") == [date(2026, 6, 17)]
    assert run.dispatch_at == {}
    assert option.price.production_minor == OPENING_MINOR + 4 * CAP_MINOR


# ---------------------------------------------------------------- what waiting is worth


def test_earlier_than_waited_for_is_worth_nothing_and_later_costs_time() -> None:
    line = order(objective="balanced")
    finder = CandidateFinder(a_spares_snapshot(line, window_hours=36, now=WEDNESDAY))
    (choices,) = finder.choices()
    cost: dict[int, int] = {}
    for option in choices.options:
        cost[option.bucket] = min(option.cost_millis, cost.get(option.bucket, option.cost_millis))
    wanted = choices.options[0].way.wanted

    assert (wanted, choices.options[0].bucket, min(cost)) == (3, 4, 0)
    # Made on Saturday or Sunday it leaves on Monday; so does what is made on Friday, a day earlier than wanted.
    assert [cost[bucket] - cost[4] for bucket in (0, 1, 2, 4)] == [3, 2, 1, 0]


def test_without_a_window_nothing_is_as_it_would_not_have_been() -> None:
    line = order()
    with_policy, without = decided(line, window_hours=0), decide(a_spares_snapshot(line, now=WEDNESDAY), LIMITS)

    assert with_policy.days == without.days
    assert [option.way.wanted for option in chosen(without)] == [None]
    assert [option.minutes for option in chosen(with_policy)] == [option.minutes for option in chosen(without)]
