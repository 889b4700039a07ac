"""Markets, prices and ledgers for tests of the engine for large scopes."""

from fabroute.solver.large.ascent import find_prices
from fabroute.solver.large.ledger import Ledger, Ways, ways_of
from fabroute.solver.large.market import Market, Sweep, market_of
from fabroute.solver.large.start import insert_by_regret
from fabroute.solver.limits import Budget, SolveLimits
from fabroute.solver.problem import RoutingProblem
from tests.factories.solver import OptionRow, routing_problem


def a_budget(*, seconds: float = 6.0, wall_seconds: float = 300.0, seed: int = 0) -> Budget:
    """Return a fresh account; the wall clock is far away unless told."""
    return Budget(limits=SolveLimits(seed=seed, deterministic_seconds=seconds, wall_seconds=wall_seconds))


def priced_market(problem: RoutingProblem, *, seconds: float = 1.0) -> tuple[Market, Sweep]:
    """Return a problem's market and the sweep at its prices."""
    market = market_of(problem)
    return market, find_prices(market, a_budget(), seconds=seconds)


def inserted(market: Market, priced: Sweep) -> tuple[Ledger, Ways]:
    """Return the ledger of the first plan, and the ways it was made from."""
    ways = ways_of(market, priced)
    ledger = Ledger(market.problem, ways.unrouted)
    insert_by_regret(ledger, ways, market, priced)
    return ledger, ways


def two_days_two_lots() -> RoutingProblem:
    """Return three lines on one pool with 60 minutes a day, on lots of 100 and 50 grams."""
    return routing_problem(
        options=[
            OptionRow(line=0, cost=10, bucket=0, minutes=40, lot=0, grams=70),
            OptionRow(line=0, cost=14, bucket=1, minutes=40, lot=1, grams=50),
            OptionRow(line=1, cost=20, bucket=1, minutes=30, lot=0, grams=40),
            OptionRow(line=2, cost=30, bucket=0, minutes=25),
            OptionRow(line=2, cost=36, bucket=1, minutes=25),
        ],
        capacity=[[60, 60]],
        stock=[100, 50],
        unrouted=100,
    )
