"""The rich ledger: builds, splits and quotas, counted as plain counting does after any moves."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabroute.solver.large.ledger import OPTION, Way, Ways, ways_of
from fabroute.solver.large.market import market_of, no_prices, sweep
from fabroute.solver.large.rich import NONE, RichLedger, needs_of
from fabroute.solver.plan import UNROUTED
from fabroute.solver.problem import HARD, RoutingProblem
from tests.factories.solver import (
    BuildRow,
    Draw,
    OptionRow,
    QuotaRow,
    cost_by_hand,
    is_feasible,
    routing_problem,
    small_mixed_problem,
)


def opened(problem: RoutingProblem) -> tuple[RichLedger, Ways]:
    """Return an empty ledger of a problem, and its ways."""
    market = market_of(problem)
    ways = ways_of(market, sweep(market, no_prices(problem)))
    return RichLedger(problem, ways), ways


def way_to(ways: Ways, option: int) -> Way:
    return next(way for of_line in ways.by_cost for way in of_line if way[OPTION] == option)


def two_in_one_build(*, volume: int = 10, capacity: int = 60) -> RoutingProblem:
    """Return two lines of 10 minutes and volumes 4 and 6 in a build that costs 50 and 15 minutes to open."""
    return routing_problem(
        options=[
            OptionRow(line=0, cost=10, minutes=10, build=0, volume=4),
            OptionRow(line=1, cost=20, minutes=10, build=0, volume=6),
        ],
        builds=[BuildRow(cost=50, pool=0, bucket=0, minutes=15, volume=volume)],
        capacity=[[capacity]],
    )


def test_the_first_line_opens_a_build_and_the_last_closes_it() -> None:
    ledger, ways = opened(two_in_one_build())
    first, second = way_to(ways, 0), way_to(ways, 1)
    assert ledger.margin(first) == 50
    ledger.put(0, first)
    assert (ledger.cost, ledger.room, ledger.volume) == (10 + 50 + 1_000, [[35]], [6])
    assert ledger.margin(second) == 0
    ledger.put(1, second)
    assert (ledger.cost, ledger.room, ledger.volume) == (10 + 50 + 20, [[25]], [0])
    ledger.pull(0, first)
    ledger.pull(1, second)

    assert (ledger.cost, ledger.room, ledger.volume) == (2_000, [[60]], [10])
    assert not ledger.is_open(first)


def test_a_build_needs_volume_and_minutes_for_its_opening() -> None:
    full, ways = opened(two_in_one_build(volume=9))
    full.put(0, way_to(ways, 0))
    assert not full.fits(way_to(ways, 1))
    assert full.fits(way_to(ways, 0))

    short, ways = opened(two_in_one_build(capacity=34))
    assert short.fits(way_to(ways, 0))
    short.put(0, way_to(ways, 0))
    assert (short.room, short.fits(way_to(ways, 1))) == ([[9]], False)
    assert market_of(two_in_one_build(capacity=24)).option.tolist() == []


def test_nothing_enters_a_barred_build() -> None:
    ledger, ways = opened(two_in_one_build())
    ledger.barred = 0
    assert not ledger.fits(way_to(ways, 0))
    ledger.barred = NONE
    assert ledger.fits(way_to(ways, 0))


@pytest.mark.parametrize(("taken", "fits"), [(10, True), (11, False)])
def test_a_split_needs_room_for_all_its_draws_at_once(taken: int, fits: bool) -> None:
    """30 minutes by day 1 and 40 more by day 2 on one pool with 80 by then: each alone fits beside 11, both don't."""
    problem = routing_problem(
        options=[
            OptionRow(line=0, cost=1, bucket=0, minutes=30, draws=(Draw(pool=0, bucket=1, minutes=40),)),
            OptionRow(line=1, cost=1, bucket=1, minutes=taken),
        ],
        capacity=[[50, 30]],
    )
    ledger, ways = opened(problem)
    ledger.put(1, way_to(ways, 1))

    assert ledger.fits(way_to(ways, 0)) is fits
    assert ledger.room[0][1] == 80 - taken


@pytest.mark.parametrize(("taken", "fits"), [(9, True), (10, False)])
def test_grams_of_one_lot_drawn_twice_are_added_up(taken: int, fits: bool) -> None:
    problem = routing_problem(
        options=[
            OptionRow(line=0, cost=1, lot=0, grams=6, draws=(Draw(lot=0, grams=5),)),
            OptionRow(line=1, cost=1, lot=0, grams=taken),
        ],
        stock=[20],
    )
    ledger, ways = opened(problem)
    ledger.put(1, way_to(ways, 1))

    assert ledger.fits(way_to(ways, 0)) is fits
    assert needs_of(problem, ways)[0].lots == ((0, 11),)


@pytest.mark.parametrize(("excess", "fits", "margin"), [(HARD, False, 0), (7, True, 21)])
def test_a_quota_is_kept_or_paid_for(excess: int, fits: bool, margin: int) -> None:
    """Two lines weigh 5 and 6 of 8: the second exceeds it by 3."""
    problem = routing_problem(
        options=[OptionRow(line=0, cost=1), OptionRow(line=1, cost=1)],
        quotas=[QuotaRow(weights={0: 5, 1: 6}, limit=8, excess_cost=excess)],
    )
    ledger, ways = opened(problem)
    ledger.put(0, way_to(ways, 0))

    assert ledger.fits(way_to(ways, 1)) is fits
    assert ledger.margin(way_to(ways, 1)) == margin
    assert ledger.weight == [5]


def test_an_option_that_takes_nothing_more_has_no_needs() -> None:
    problem = routing_problem(
        options=[OptionRow(line=0, cost=1), OptionRow(line=0, cost=2)],
        quotas=[QuotaRow(weights={1: 4}, limit=8, excess_cost=HARD)],
    )
    ledger, ways = opened(problem)

    assert set(ledger.needs) == {1}
    assert ledger.needs[1].weights == ((0, 4),)
    assert ledger.margin(way_to(ways, 0)) == 0


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), steps=st.integers(1, 30))
def test_after_any_moves_cost_and_rules_are_those_of_plain_counting(seed: int, steps: int) -> None:
    problem = small_mixed_problem(seed=seed)
    ledger, ways = opened(problem)
    start = (ledger.cost, [row.copy() for row in ledger.room], ledger.left.copy(), ledger.volume.copy())
    draw = random.Random(seed)
    for _ in range(steps):
        line = draw.randrange(problem.line_count)
        way = ledger.now[line]
        if way is not None:
            ledger.pull(line, way)
        elif ways.by_cost[line] and ledger.fits(wish := draw.choice(ways.by_cost[line])):
            ledger.put(line, wish)
    chosen = ledger.chosen().tolist()

    assert is_feasible(problem, chosen)
    assert ledger.cost == cost_by_hand(problem, chosen)
    for line, way in enumerate(ledger.now):
        if way is not None:
            ledger.pull(line, way)
    assert (ledger.cost, ledger.room, ledger.left, ledger.volume) == start


@settings(deadline=None)
@given(seed=st.integers(0, 10_000))
def test_an_option_fits_where_plain_counting_says_so(seed: int) -> None:
    problem = small_mixed_problem(seed=seed)
    ledger, ways = opened(problem)
    for line, of_line in enumerate(ways.by_cost):
        chosen = ledger.chosen().tolist()
        for way in of_line:
            with_it = [*chosen[:line], way[OPTION], *chosen[line + 1 :]]
            assert ledger.fits(way) == is_feasible(problem, with_it)
            added = cost_by_hand(problem, with_it) - cost_by_hand(problem, chosen)
            assert ledger.margin(way) == added + ledger.unrouted[line] - way[1]
        fitting = [way for way in of_line if ledger.fits(way)]
        if fitting:
            ledger.put(line, fitting[seed % len(fitting)])
    assert ledger.chosen().tolist().count(UNROUTED) <= problem.line_count
