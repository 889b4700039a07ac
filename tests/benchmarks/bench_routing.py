"""Routing at size, against the bound and against its peers in the same run, each with the same seconds.

``python -m tests.benchmarks.bench_routing SIZES="1000x100 10000x300" UTIL=0.9 SEEDS=1,2 SECONDS=10 PEERS="regret"``

Every plan is verified. Peers: ``tenth`` (our engine with a tenth of the seconds), ``one_by_one`` and ``regret`` (simple
rules), ``cp_sat`` and ``highs`` (one thread each; their seconds don't count building the model). ``BUILDS=1`` lets
powder-bed orders share builds, ``LP=1`` checks the bound of the prices against the linear optimum, ``PROFILE=1`` prints
the five functions in which our engine spends most.
"""

import cProfile
import os
import platform
import pstats
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from fabroute.routing.service.candidates import CandidateFinder
from fabroute.solver.engines import solve
from fabroute.solver.insertion import one_by_one
from fabroute.solver.large.market import market_of
from fabroute.solver.large.openings import price_market
from fabroute.solver.limits import Budget, SolveLimits
from fabroute.solver.plan import UNROUTED, RoutingPlan, plan_cost
from fabroute.solver.problem import RoutingProblem
from fabroute.solver.verify import verify, verify_plan
from tests.benchmarks.bench_files import processor
from tests.benchmarks.routing_builds import with_builds
from tests.benchmarks.routing_instances import UNROUTED_MULTIPLIER, Instance, Size, make_instance
from tests.benchmarks.routing_peers import Found, by_cp_sat, by_highs, has_highs, linear_optimum, regret
from tests.factories.large_batches import a_large_snapshot

Result = TypeVar("Result")

LOOKING_SECONDS = 2.0
PEERS = ("tenth", "one_by_one", "regret", "cp_sat", "highs")
DETERMINISTIC_SHARE = 0.4
"""Deterministic seconds for one second of wall time: a quiet core needs up to two and a half for one."""
_MILLIS_PER_EURO = 100_000
_TOP = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What to run."""

    sizes: tuple[Size, ...] = (Size(orders=1_000, nodes=100),)
    utilisation: float = 0.9
    seeds: tuple[int, ...] = (1,)
    seconds: float = 10.0
    patience: float = 1.0
    """Wall time of all methods is cut off at so many times the seconds: over 1 on a busy machine, to see their work."""
    peers: tuple[str, ...] = PEERS
    builds: bool = False
    linear: bool = False
    profile: bool = False

    @classmethod
    def parse(cls, arguments: Sequence[str]) -> "Settings":
        """Read ``NAME=value`` arguments; those not given keep their standard."""
        given = dict(argument.split("=", 1) for argument in arguments)
        standard = cls()
        return cls(
            sizes=tuple(map(Size.parse, given["SIZES"].split())) if "SIZES" in given else standard.sizes,
            utilisation=float(given.get("UTIL", standard.utilisation)),
            seeds=tuple(map(int, given["SEEDS"].split(","))) if "SEEDS" in given else standard.seeds,
            seconds=float(given.get("SECONDS", standard.seconds)),
            patience=float(given.get("PATIENCE", standard.patience)),
            peers=tuple(given["PEERS"].split()) if "PEERS" in given else standard.peers,
            builds=given.get("BUILDS") == "1",
            linear=given.get("LP") == "1",
            profile=given.get("PROFILE") == "1",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Seconds:
    """What a piece of work took."""

    wall: float
    cpu: float
    """Of this process and of those that it waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    method: str
    cost: int
    unserved: int
    late: int
    seconds: Seconds
    best_at: float | None = None
    """Seconds until its best plan, where the method tells."""


def main(arguments: Sequence[str]) -> int:
    """Print a table for each size and seed; ends with 1 if a plan breaks a rule."""
    settings = Settings.parse(arguments)
    print(f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}; {settings.seconds:g} s each")
    _, looking = timed(CandidateFinder(a_large_snapshot()).choices)
    print(f"200 lines look at 60 nodes in {looking.cpu:.2f} s of CPU; the goal is {LOOKING_SECONDS:g}")
    print(f"an order that stays unserved costs {UNROUTED_MULTIPLIER:g} times its cheapest option and 50 euros")
    for size in settings.sizes:
        for seed in settings.seeds:
            run(size, seed, settings)
    return 0


def run(size: Size, seed: int, settings: Settings) -> tuple[Row, ...]:
    """Make one instance, solve it, and print what came of it beside the peers."""
    instance, made = timed(lambda: _instance(size, seed, settings))
    plan, seconds = timed(lambda: ours(instance.problem, settings, seed))
    broken = verify_plan(instance.problem, plan)
    if broken:
        raise SystemExit(f"the plan breaks {broken[0].rule}: {broken[0].message}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    kind = f"{len(instance.problem.build_cost):,} builds, " if settings.builds else ""
    print(
        f"\n{size} at {settings.utilisation:.0%}, seed {seed}: {instance.problem.option_count:,} options, {kind}",
        end="",
    )
    print(f"built in {made.wall:.1f} s, bound {plan.bound / _MILLIS_PER_EURO:,.0f} euros, ", end="")
    print(f"gap {plan.gap:.2%}, peak {peak:,.0f} MiB, unserved at {UNROUTED_MULTIPLIER:g} times")
    print(f"  {'method':<32}{'euros':>12}{'over bound':>12}{'unserved':>10}{'late':>7}", end="")
    print(f"{'seconds':>9}{'cpu':>7}{'best at':>9}")
    rows = [_row(instance, f"{plan.engine} ({plan.status})", Found(chosen=plan.chosen), seconds)]
    _say(rows[0], plan.bound)
    rows += [row for name in settings.peers if (row := _asked(instance, name, settings, seed, plan.bound)) is not None]
    if settings.linear:
        check_bound(instance.problem, settings.seconds)
    if settings.profile:
        print_profile(lambda: ours(instance.problem, settings, seed))
    return tuple(rows)


def _instance(size: Size, seed: int, settings: Settings) -> Instance:
    instance = make_instance(size, utilisation=settings.utilisation, seed=seed)
    return with_builds(instance) if settings.builds else instance


def ours(problem: RoutingProblem, settings: Settings, seed: int, *, part: float = 1.0) -> RoutingPlan:
    """Solve within the seconds of wall time, or a part of them, everything included."""
    limits = SolveLimits(
        seed=seed,
        deterministic_seconds=DETERMINISTIC_SHARE * settings.seconds * part,
        wall_seconds=settings.patience * settings.seconds * part,
    )
    return solve(problem, limits)


def _asked(instance: Instance, name: str, settings: Settings, seed: int, bound: int) -> Row | None:
    """Ask a peer, and print what it made of it."""
    if name == "highs" and not has_highs():
        print(f"  {name:<32}left out: highspy is not installed (pip install highspy)")
        return None
    row = peer(instance, name, settings, seed)
    if row is None:
        print(f"  {name:<32}no plan that keeps the rules within {settings.seconds:g} s")
    else:
        _say(row, bound)
    return row


def peer(instance: Instance, name: str, settings: Settings, seed: int = 1) -> Row | None:
    """Return what a peer makes of it, or nothing if it finds no plan that keeps the rules in time."""
    problem, seconds = instance.problem, settings.patience * settings.seconds
    methods: dict[str, Callable[[], Found | None]] = {
        "tenth": lambda: Found(chosen=ours(problem, settings, seed, part=0.1).chosen),
        "one_by_one": lambda: Found(chosen=one_by_one(problem).chosen),
        "regret": lambda: Found(chosen=regret(problem)),
        "cp_sat": lambda: by_cp_sat(problem, seconds),
        "highs": lambda: by_highs(problem, seconds),
    }
    found, took = timed(methods[name])
    return None if found is None or verify(problem, found.chosen) else _row(instance, name, found, took)


def check_bound(problem: RoutingProblem, seconds: float) -> tuple[int, float]:
    """Print and return the bound that prices alone prove, and the optimum of a linear programme, milli-minor."""
    limits = SolveLimits(deterministic_seconds=seconds, wall_seconds=60.0 * seconds)
    _, priced = price_market(market_of(problem), Budget(limits=limits), seconds=DETERMINISTIC_SHARE * seconds)
    optimum, took = timed(lambda: linear_optimum(problem))
    print(f"  linear optimum {optimum / _MILLIS_PER_EURO:,.1f} euros in {took.wall:.1f} s; ", end="")
    print(f"the prices prove {priced.bound / _MILLIS_PER_EURO:,.1f}, {1.0 - priced.bound / optimum:.4%} less")
    return priced.bound, optimum


def print_profile(work: Callable[[], object]) -> None:
    """Print the five functions in which some work spends most of its own time."""
    profile = cProfile.Profile()
    profile.runcall(work)
    stats = pstats.Stats(profile).get_stats_profile()
    whole = stats.total_tt or 1.0
    functions = sorted(stats.func_profiles.items(), key=lambda each: -each[1].tottime)[:_TOP]
    for name, function in functions:
        where = f"{Path(function.file_name).name}:{function.line_number}" if function.line_number else "built in"
        print(f"  {function.tottime / whole:>6.1%} of {whole:.1f} s in {function.ncalls} calls of {name} ({where})")


def timed(work: Callable[[], Result]) -> tuple[Result, Seconds]:
    """Return what the work returns, and its seconds."""
    began, busy = time.perf_counter(), sum(os.times()[:4])
    result = work()
    return result, Seconds(wall=time.perf_counter() - began, cpu=sum(os.times()[:4]) - busy)


def _row(instance: Instance, method: str, found: Found, seconds: Seconds) -> Row:
    routed = [option for option in found.chosen if option != UNROUTED]
    return Row(
        method=method,
        cost=plan_cost(instance.problem, found.chosen),
        unserved=len(found.chosen) - len(routed),
        late=int(instance.late[routed].sum()),
        seconds=seconds,
        best_at=found.best_at,
    )


def _say(row: Row, bound: int) -> None:
    over = f"{row.cost / bound - 1.0:.2%}" if bound else "–"
    best_at = f"{row.best_at:.1f}" if row.best_at is not None else "–"
    print(
        f"  {row.method:<32}{row.cost / _MILLIS_PER_EURO:>12,.0f}{over:>12}{row.unserved:>10}{row.late:>7}"
        f"{row.seconds.wall:>9.1f}{row.seconds.cpu:>7.1f}{best_at:>9}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
