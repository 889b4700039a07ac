"""A month of orders under three policies: online cheapest, online with prices, and promise at once, then improve.

``python -m tests.benchmarks.bench_rolling SIZE=1000x50 UTIL=0.9 SEEDS=1,2,3,4,5 SECONDS=1``

Every order gets its promise when it comes, from what is left then. `cheapest` takes the cheapest option that fits;
`prices` the one of least cost at the prices of last night's run, which expects the coming week to be like the last one;
`joint` promises as `prices` does, and every night plans anew, together, what no machine has taken yet. Promises
are hard: never later, never dearer. What a move takes is not free: the plan pays the price of what is scarce, and the
stability price for each order that moves. Neither is in the cost that is shown. An order that found no place when it
came is tried again by every run; its first place is its promise. Orders that come late or never are not on time.
"""

import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from fabroute.solver.engines import solve
from fabroute.solver.large.ascent import find_prices
from fabroute.solver.large.market import market_of
from fabroute.solver.limits import Budget, SolveLimits
from fabroute.solver.online import choose_online
from fabroute.solver.plan import UNROUTED, ScarcityPrices
from fabroute.solver.problem import IntArray, RoutingProblem
from fabroute.solver.verify import verify, verify_plan
from tests.benchmarks.bench_files import processor
from tests.benchmarks.rolling_month import HORIZON, MONTH, Month, Shop, make_month
from tests.benchmarks.routing_instances import DAYS, UNROUTED_MULTIPLIER, Size

STABILITY_MILLIS = 200_000
"""Two euros."""
FORECAST_DAYS = 7
"""The joint run prices with the orders of the last week as those of the next."""
WINDOW = DAYS + FORECAST_DAYS + 1
POLICIES = ("cheapest", "prices", "joint")
_MILLIS_PER_EURO = 100_000
_SIZE = Size(orders=1_000, nodes=50)
_HEAD = f"  {'policy':<10}{'euros':>12}{'late':>7}{'unserved':>10}{'not on time':>13}{'moves/order':>13}{'seconds':>9}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What to run."""

    size: Size = _SIZE
    utilisation: float = 0.9
    seeds: tuple[int, ...] = (1, 2, 3, 4, 5)
    seconds: float = 1.0
    """Deterministic seconds of each joint run."""
    price_seconds: float = 0.1
    runs_a_day: int = 1
    """Of the joint policy."""

    @classmethod
    def parse(cls, arguments: Sequence[str]) -> "Settings":
        """Read ``NAME=value`` arguments; those not given keep their standard."""
        given = dict(argument.split("=", 1) for argument in arguments)
        standard = cls()
        return cls(
            size=Size.parse(given["SIZE"]) if "SIZE" in given else standard.size,
            utilisation=float(given.get("UTIL", standard.utilisation)),
            seeds=tuple(map(int, given["SEEDS"].split(","))) if "SEEDS" in given else standard.seeds,
            seconds=float(given.get("SECONDS", standard.seconds)),
            runs_a_day=int(given.get("RUNS_A_DAY", standard.runs_a_day)),
            price_seconds=float(given.get("PRICE_SECONDS", standard.price_seconds)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a policy made of a month."""

    policy: str
    orders: int
    cost: int
    """Milli-minor: the final options of all orders; those unserved at their price."""
    late: int
    unserved: int
    moves: int
    seconds: float

    @property
    def not_on_time(self) -> int:
        """Orders that come late or never."""
        return self.late + self.unserved

    @property
    def moves_per_order(self) -> float:
        """How often an order was moved after its promise, on average."""
        return self.moves / max(1, self.orders)


@dataclass(slots=True, kw_only=True, eq=False)
class Run:
    """A month under way: the shop, the promises, and the prices of the last joint run."""

    month: Month
    settings: Settings
    seed: int
    policy: str
    shop: Shop
    promised: IntArray
    """The option that each order was promised first, or ``UNROUTED``."""
    prices: ScarcityPrices | None = None
    moves: int = 0
    came: int = 0
    """How many orders have come."""
    checks: list[Callable[["Run"], None]] = field(default_factory=list)
    """Called after every day: what must hold then."""


def main(arguments: Sequence[str]) -> int:
    """Print a table for each seed and the means."""
    settings = Settings.parse(arguments)
    print(f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}")
    print(f"about {settings.size} in {MONTH} days at {settings.utilisation:.0%}; an order that stays unserved costs")
    print(
        f"{UNROUTED_MULTIPLIER:g} times its cheapest option and 50 euros; a move costs {_euros(STABILITY_MILLIS)} euros"
    )
    outcomes = [outcome for seed in settings.seeds for outcome in _seed(settings, seed)]
    print(f"\nmeans over seeds {','.join(map(str, settings.seeds))}\n{_HEAD}")
    for policy in POLICIES:
        _say_mean([outcome for outcome in outcomes if outcome.policy == policy])
    return 0


def _seed(settings: Settings, seed: int) -> list[Outcome]:
    month = make_month(settings.size, utilisation=settings.utilisation, seed=seed)
    print(f"\nseed {seed}: {month.problem.line_count} orders, {month.problem.option_count:,} options")
    print(_HEAD)
    outcomes = []
    for policy in POLICIES:
        outcomes.append(outcome_of(roll(month, policy=policy, settings=settings, seed=seed)))
        _say(outcomes[-1])
    return outcomes


def roll(
    month: Month,
    *,
    policy: str,
    settings: Settings,
    seed: int,
    checks: Sequence[Callable[[Run], None]] = (),
) -> tuple[Run, float]:
    """Let a month pass under a policy; return how it ended, and the seconds that took."""
    began = time.perf_counter()
    nobody = np.full(month.problem.line_count, UNROUTED, dtype=np.int64)
    run = Run(
        month=month, settings=settings, seed=seed, policy=policy, shop=Shop(month), promised=nobody, checks=list(checks)
    )
    for day in range(HORIZON):
        _night(run, day)
        _day(run, day)
        for check in run.checks:
            check(run)
    broken = broken_rules(run)
    if broken:
        raise SystemExit(f"{policy}: {broken[0]}")
    return run, time.perf_counter() - began


def broken_rules(run: Run) -> list[str]:
    """Return what is wrong with a month that is over, counted from what the machines did: nothing, it must be."""
    problem, shop, chosen = run.month.problem, run.shop, run.shop.chosen
    served = np.flatnonzero(chosen != UNROUTED)
    option = chosen[served]
    grams = np.bincount(problem.option_lot[option], problem.option_grams[option], minlength=len(problem.stock))
    rules = {
        "a machine worked more than a day has": (shop.worked > problem.capacity).any(),
        "work was left over": shop.open_minutes.any(),
        "what was worked is not what was chosen": shop.worked.sum() != problem.option_minutes[option].sum(),
        "an order was made after its deadline": (shop.finished_on[served] > problem.option_bucket[option]).any(),
        "a lot gave more than it had": (grams > problem.stock).any(),
        "a promise was broken": not keeps_promise(run.month, run.promised)[option].all(),
        "a promised order was dropped": ((run.promised != UNROUTED) & (chosen == UNROUTED)).any(),
        "the plan as a whole breaks a rule": bool(verify(problem, chosen.tolist())),
    }
    return [rule for rule, is_broken in rules.items() if is_broken]


def _night(run: Run, day: int) -> None:
    """Before a day begins: re-plan and price, as the policy does, then let the machines take the day's work."""
    if run.policy != "cheapest" and 0 < day <= MONTH:
        run.prices = _prices(run, day)
    if run.policy == "joint" and day > 0:
        _improve(run, day)
    run.shop.pass_midnight()


def _day(run: Run, day: int) -> None:
    """Let the orders of a day come; the joint policy plans anew between them, if more than once a day."""
    lines = np.flatnonzero(run.month.day == day).tolist()
    hours = run.month.arrival[lines] - day
    for part in range(run.settings.runs_a_day):
        if part and run.policy == "joint" and lines:
            _improve(run, day + 1)
        for line, hour in zip(lines, hours.tolist(), strict=True):
            if int(hour * run.settings.runs_a_day) == part:
                _arrive(run, line)


def _arrive(run: Run, line: int) -> None:
    """Promise an order what is least in cost, at the prices of the last joint run if the policy has them."""
    run.came = line + 1
    choice = choose_online(run.month.problem, line, run.shop.residual(), run.prices)
    if choice.option != UNROUTED:
        run.shop.take(line, choice.option)
        run.promised[line] = choice.option


def _improve(run: Run, day: int) -> None:
    """Re-plan together all that no machine has taken, for the days from ``day`` on: options that keep the promise."""
    problem, keys = _standing_problem(run, day)
    if not problem.line_count:
        return
    limits = SolveLimits(seed=run.seed, deterministic_seconds=run.settings.seconds, wall_seconds=600.0)
    plan = solve(problem, limits)
    broken = verify_plan(problem, plan)
    if broken:
        raise SystemExit(f"day {day}: the plan breaks {broken[0].rule}: {broken[0].message}")
    for option in (option for option in plan.chosen if option != UNROUTED):
        _move(run, int(keys[option]))


def _move(run: Run, option: int) -> None:
    line = int(run.month.problem.option_line[option])
    before = int(run.shop.chosen[line])
    if option == before:
        return
    run.shop.take(line, option)
    if before == UNROUTED:
        run.promised[line] = option
    else:
        run.moves += 1


def _standing_problem(run: Run, day: int) -> tuple[RoutingProblem, IntArray]:
    """Return the joint problem of all orders that came and that no machine has taken, and its options' numbers."""
    whole, shop = run.month.problem, run.shop
    standing = (np.arange(whole.line_count) < run.came) & ~shop.is_fixed
    line = whole.option_line
    usable = np.flatnonzero(standing[line] & (whole.option_bucket >= day) & keeps_promise(run.month, run.promised))
    lines, compact = np.unique(line[usable], return_inverse=True)
    moved = (shop.chosen[line[usable]] != UNROUTED) & (shop.chosen[line[usable]] != usable)
    left = shop.left(without=standing)[:, day:]
    highest = np.minimum.accumulate(left[:, ::-1], axis=1)[:, ::-1]
    stock = shop.stock.copy()
    owners = np.flatnonzero(standing & (shop.chosen != UNROUTED))
    np.add.at(stock, whole.option_lot[shop.chosen[owners]], whole.option_grams[shop.chosen[owners]])
    problem = RoutingProblem(
        line_count=len(lines),
        option_line=compact,
        option_cost=whole.option_cost[usable] + STABILITY_MILLIS * moved + _scarcity(run, usable),
        option_pool=whole.option_pool[usable],
        option_bucket=whole.option_bucket[usable] - day,
        option_minutes=whole.option_minutes[usable],
        option_lot=whole.option_lot[usable],
        option_grams=whole.option_grams[usable],
        unrouted_cost=_unrouted(run, lines),
        capacity=np.diff(highest, axis=1, prepend=0),
        stock=stock,
    )
    return problem, usable


def _scarcity(run: Run, options: IntArray) -> IntArray:
    """Return what else the minutes and grams of options could be sold for: what a move takes is not free."""
    if run.prices is None:
        return np.zeros(len(options), dtype=np.int64)
    return np.rint(run.prices.of_options(run.month.problem)[options]).astype(np.int64)


def _unrouted(run: Run, lines: IntArray) -> IntArray:
    """An order that was promised may not be dropped: that costs more than anything else."""
    price = run.month.problem.unrouted_cost[lines]
    return np.where(run.promised[lines] == UNROUTED, price, 1_000 * price)


def keeps_promise(month: Month, promised: IntArray) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Tell which options are neither dearer nor later than what their order was promised first."""
    problem = month.problem
    first = promised[problem.option_line]
    dearer = problem.option_cost > problem.option_cost[first]
    later = month.late & ~month.late[first]
    return np.asarray((first == UNROUTED) | ~(dearer | later))


def _prices(run: Run, day: int) -> ScarcityPrices:
    """Return what a minute and a gram are worth if the coming week is like the last one."""
    whole, shop = run.month.problem, run.shop
    came = (run.month.day < day) & (run.month.day >= day - FORECAST_DAYS)
    option = np.flatnonzero(came[whole.option_line])
    lines, compact = np.unique(whole.option_line[option], return_inverse=True)
    bucket = whole.option_bucket[option] + min(day, FORECAST_DAYS) - day
    left = np.maximum(shop.left()[:, day : day + WINDOW], 0)
    highest = np.minimum.accumulate(left[:, ::-1], axis=1)[:, ::-1]
    days_left = max(1, MONTH - day)
    problem = RoutingProblem(
        line_count=len(lines),
        option_line=compact,
        option_cost=whole.option_cost[option],
        option_pool=whole.option_pool[option],
        option_bucket=np.minimum(bucket, left.shape[1] - 1),
        option_minutes=whole.option_minutes[option],
        option_lot=whole.option_lot[option],
        option_grams=whole.option_grams[option],
        unrouted_cost=whole.unrouted_cost[lines],
        capacity=np.diff(highest, axis=1, prepend=0),
        stock=shop.stock * min(FORECAST_DAYS, days_left) // days_left,
    )
    budget = Budget(limits=SolveLimits(deterministic_seconds=run.settings.price_seconds, wall_seconds=600.0))
    found = find_prices(market_of(problem), budget, seconds=run.settings.price_seconds).prices
    minute = np.zeros(whole.capacity.shape)
    minute[:, :day] = found.minute[:, :1]
    minute[:, day : day + left.shape[1]] = found.minute
    return ScarcityPrices(minute=minute, gram=found.gram)


def outcome_of(ended: tuple[Run, float]) -> Outcome:
    """Return what a policy made of a month."""
    run, seconds = ended
    problem, chosen = run.month.problem, run.shop.chosen
    served = chosen != UNROUTED
    cost = int(problem.option_cost[chosen[served]].sum() + problem.unrouted_cost[~served].sum())
    return Outcome(
        policy=run.policy,
        orders=problem.line_count,
        cost=cost,
        late=int(run.month.late[chosen[served]].sum()),
        unserved=int((~served).sum()),
        moves=run.moves,
        seconds=seconds,
    )


def _say(outcome: Outcome) -> None:
    print(
        f"  {outcome.policy:<10}{_euros(outcome.cost):>12}{outcome.late:>7}{outcome.unserved:>10}"
        f"{outcome.not_on_time:>13}{outcome.moves_per_order:>13.3f}{outcome.seconds:>9.1f}",
        flush=True,
    )


def _say_mean(outcomes: Sequence[Outcome]) -> None:
    count = max(1, len(outcomes))
    cost = sum(outcome.cost for outcome in outcomes) // count
    late, unserved = (sum(counts) / count for counts in zip(*((it.late, it.unserved) for it in outcomes), strict=True))
    moves = sum(outcome.moves_per_order for outcome in outcomes) / count
    seconds = sum(outcome.seconds for outcome in outcomes) / count
    print(
        f"  {outcomes[0].policy:<10}{_euros(cost):>12}{late:>7.1f}{unserved:>10.1f}{late + unserved:>13.1f}"
        f"{moves:>13.3f}{seconds:>9.1f}"
    )


def _euros(millis: int) -> str:
    return f"{millis / _MILLIS_PER_EURO:,.0f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
