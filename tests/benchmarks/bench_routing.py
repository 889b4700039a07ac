"""Routing at size, against the bound and against its peers in the same run, each with the same seconds.

``python -m tests.benchmarks.bench_routing SIZES="1000x100 10000x300" UTIL=0.9 SEEDS=1,2 SECONDS=10 PEERS="regret"``

Every plan is verified. Peers: ``one_by_one`` and ``regret`` (simple rules), ``cp_sat`` and ``highs`` (one thread each,
on a model with running totals, which keeps rows sparse; their seconds don't count building it). HiGHS runs in a process
of its own, if ``highspy`` is installed: beside OR-Tools in one process neither can be imported.
"""

import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import numpy as np
from ortools.linear_solver.python.model_builder_helper import ModelBuilderHelper, ModelSolverHelper

from fabroute.solver.engines import solve
from fabroute.solver.insertion import one_by_one
from fabroute.solver.large.ledger import Ledger, ways_of
from fabroute.solver.large.market import market_of, no_prices, sweep
from fabroute.solver.large.start import insert_by_regret
from fabroute.solver.limits import SolveLimits
from fabroute.solver.plan import UNROUTED, RoutingPlan, plan_cost
from fabroute.solver.problem import NO_LOT, IntArray, RoutingProblem
from fabroute.solver.verify import verify, verify_plan
from tests.benchmarks.bench_files import processor
from tests.benchmarks.routing_instances import UNROUTED_MULTIPLIER, Instance, Size, make_instance

Result = TypeVar("Result")

PEERS = ("one_by_one", "regret", "cp_sat", "highs")
DETERMINISTIC_SHARE = 0.4
"""Deterministic seconds for one second of wall time: a quiet core needs up to two and a half for one."""
_MILLIS_PER_EURO = 100_000
_HIGHS = """
import sys, highspy
path, seconds = sys.argv[1:]
solver = highspy.Highs()
solver.setOptionValue("output_flag", False)
solver.setOptionValue("threads", 1)
solver.setOptionValue("time_limit", float(seconds))
solver.readModel(path)
solver.run()
solution = solver.getSolution()
if solution.value_valid:
    print(*(column for column, value in enumerate(solution.col_value) if value > 0.5))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What to run."""

    sizes: tuple[Size, ...] = (Size(orders=1_000, nodes=100),)
    utilisation: float = 0.9
    seeds: tuple[int, ...] = (1,)
    seconds: float = 10.0
    patience: float = 1.0
    """Wall time of our engine is cut off at so many times the seconds: over 1 on a busy machine, to see its work."""
    peers: tuple[str, ...] = PEERS

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


def main(arguments: Sequence[str]) -> int:
    """Print a table for each size and seed; ends with 1 if a plan breaks a rule."""
    settings = Settings.parse(arguments)
    print(f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}; {settings.seconds:g} s each")
    print(f"an order that stays unserved costs {UNROUTED_MULTIPLIER:g} times its cheapest option and 50 euros")
    for size in settings.sizes:
        for seed in settings.seeds:
            run(size, seed, settings)
    return 0


def run(size: Size, seed: int, settings: Settings) -> tuple[Row, ...]:
    """Make one instance, solve it, and print what came of it beside the peers."""
    began = time.perf_counter()
    instance = make_instance(size, utilisation=settings.utilisation, seed=seed)
    built = time.perf_counter() - began
    plan, seconds = timed(lambda: ours(instance.problem, settings, seed))
    broken = verify_plan(instance.problem, plan)
    if broken:
        raise SystemExit(f"the plan breaks {broken[0].rule}: {broken[0].message}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\n{size} at {settings.utilisation:.0%}, seed {seed}: {instance.problem.option_count:,} options", end="")
    print(f" built in {built:.1f} s, bound {plan.bound / _MILLIS_PER_EURO:,.0f} euros, peak {peak:,.0f} MiB")
    rows = [_row(instance, f"{plan.engine} ({plan.status})", plan.chosen, seconds)]
    print(f"  {'method':<32}{'euros':>12}{'over bound':>12}{'unserved':>10}{'late':>7}{'seconds':>9}{'cpu':>7}")
    _say(rows[0], plan.bound)
    for name in settings.peers:
        if name == "highs" and find_spec("highspy") is None:
            print(f"  {name:<32}left out: highspy is not installed")
            continue
        row = peer(instance, name, settings.seconds)
        rows += [row] if row else []
        _say(row, plan.bound) if row else print(f"  {name:<32}no plan within {settings.seconds:g} s")
    return tuple(rows)


def ours(problem: RoutingProblem, settings: Settings, seed: int) -> RoutingPlan:
    """Solve within the seconds of wall time, everything included."""
    limits = SolveLimits(
        seed=seed,
        deterministic_seconds=DETERMINISTIC_SHARE * settings.seconds,
        wall_seconds=settings.patience * settings.seconds,
    )
    return solve(problem, limits)


def peer(instance: Instance, name: str, seconds: float) -> Row | None:
    """Return what a peer makes of it, or nothing if it finds no plan that keeps the rules in time."""
    problem = instance.problem
    rules: dict[str, Callable[[], Sequence[int]]] = {
        "one_by_one": lambda: one_by_one(problem).chosen,
        "regret": lambda: regret(problem),
    }
    if name in rules:
        chosen, took = timed(rules[name])
        return _row(instance, name, chosen, took)
    search = {"cp_sat": by_cp_sat, "highs": by_highs}[name]
    found, took = timed(lambda: search(problem, seconds))
    return None if found is None or verify(problem, found) else _row(instance, name, found, took)


def regret(problem: RoutingProblem) -> list[int]:
    """Insert by regret on true costs: the line that would lose most by losing its cheapest option goes first."""
    market = market_of(problem)
    priced = sweep(market, no_prices(problem))
    ways = ways_of(market, priced)
    ledger = Ledger(problem, ways.unrouted)
    insert_by_regret(ledger, ways, market, priced)
    return [int(option) for option in ledger.chosen()]


def by_cp_sat(problem: RoutingProblem, seconds: float) -> list[int] | None:
    """Let CP-SAT search the whole model for so many seconds with one worker."""
    solver = ModelSolverHelper("sat")
    solver.set_time_limit_in_seconds(seconds)
    solver.set_solver_specific_parameters("num_workers:1")
    solver.solve(model_of(problem))
    if not solver.has_solution():
        return None
    return _choice(problem, np.flatnonzero(np.asarray(solver.variable_values()) > 0.5))


def by_highs(problem: RoutingProblem, seconds: float) -> list[int] | None:
    """Let HiGHS search the whole model for so many seconds in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "model.mps"))
        model_of(problem).write_to_mps_file(path)
        command = [sys.executable, "-c", _HIGHS, path, str(seconds)]
        columns = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return _choice(problem, np.array(columns, dtype=np.int64)) if columns else None


def _choice(problem: RoutingProblem, columns: IntArray) -> list[int]:
    """Return the choice that the columns at one mean; columns after the options are no choices."""
    taken = columns[columns < problem.option_count]
    chosen = np.full(problem.line_count, UNROUTED, dtype=np.int64)
    chosen[problem.option_line[taken]] = taken
    return [int(option) for option in chosen]


def model_of(problem: RoutingProblem) -> ModelBuilderHelper:
    """Return the whole problem as a mixed-integer model: running totals of minutes keep the rows sparse."""
    model = ModelBuilderHelper()
    options, lines, cells = problem.option_count, problem.line_count, problem.capacity.size
    columns = model.add_var_array([options + lines], 0.0, 1.0, True, "x").tolist()
    columns += [_total(model, limit) for limit in problem.cumulative_capacity().ravel().tolist()]
    cost = np.concatenate([problem.option_cost, problem.unrouted_cost, np.zeros(cells, dtype=np.int64)]) / 1_000
    model.set_objective_coefficients(columns, cost.tolist())
    ones = np.ones(options + lines)
    owner = np.concatenate([problem.option_line, np.arange(lines)])
    _rows(model, np.arange(options + lines), owner, ones, lower=np.ones(lines), upper=np.ones(lines))
    _running_totals(model, problem)
    lots = np.flatnonzero(problem.option_lot != NO_LOT)
    nothing = np.full(len(problem.stock), -np.inf)
    _rows(model, lots, problem.option_lot[lots], problem.option_grams[lots], lower=nothing, upper=problem.stock)
    return model


def _total(model: ModelBuilderHelper, limit: int) -> int:
    column = model.add_var()
    model.set_var_lower_bound(column, 0.0)
    model.set_var_upper_bound(column, float(limit))
    model.set_var_integrality(column, True)
    return column


def _running_totals(model: ModelBuilderHelper, problem: RoutingProblem) -> None:
    """Total up to a bucket = total up to the one before + minutes due in it."""
    buckets, first = problem.capacity.shape[1], problem.option_count + problem.line_count
    cells = np.arange(problem.capacity.size)
    later = cells[cells % buckets > 0]
    columns = np.concatenate([np.arange(problem.option_count), first + cells, first + later - 1])
    rows = np.concatenate([problem.option_pool * buckets + problem.option_bucket, cells, later])
    weights = np.concatenate([problem.option_minutes, -np.ones(len(cells)), np.ones(len(later))])
    _rows(model, columns, rows, weights, lower=np.zeros(len(cells)), upper=np.zeros(len(cells)))


def _rows(
    model: ModelBuilderHelper,
    columns: IntArray,
    rows: IntArray,
    weights: IntArray | np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    *,
    lower: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    upper: IntArray | np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> None:
    first = -1
    for least, most in zip(lower.tolist(), upper.tolist(), strict=True):
        row = model.add_linear_constraint()
        first = row if first < 0 else first
        model.set_constraint_lower_bound(row, least)
        model.set_constraint_upper_bound(row, most)
    for row, column, weight in zip(rows.tolist(), columns.tolist(), weights.tolist(), strict=True):
        model.add_term_to_constraint(first + row, column, float(weight))


def timed(work: Callable[[], Result]) -> tuple[Result, Seconds]:
    """Return what the work returns, and its seconds."""
    began, busy = time.perf_counter(), sum(os.times()[:4])
    result = work()
    return result, Seconds(wall=time.perf_counter() - began, cpu=sum(os.times()[:4]) - busy)


def _row(instance: Instance, method: str, chosen: Sequence[int], seconds: Seconds) -> Row:
    routed = [option for option in chosen if option != UNROUTED]
    return Row(
        method=method,
        cost=plan_cost(instance.problem, chosen),
        unserved=len(chosen) - len(routed),
        late=int(instance.late[routed].sum()),
        seconds=seconds,
    )


def _say(row: Row, bound: int) -> None:
    over = f"{row.cost / bound - 1.0:.2%}" if bound else "–"
    print(
        f"  {row.method:<32}{row.cost / _MILLIS_PER_EURO:>12,.0f}{over:>12}{row.unserved:>10}{row.late:>7}"
        f"{row.seconds.wall:>9.1f}{row.seconds.cpu:>7.1f}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
