"""Published assignment problems: how many are solved to their known optimum, proven, and how quickly.

``python -m tests.benchmarks.bench_gap DIR=../shared/realdata/gap [SECONDS=2]``: instances as in OR-Library (agents and
jobs, costs, minutes, capacities) beside ``best_known.csv``. Exits with 1 where a plan or bound contradicts an optimum.
"""

import csv
import os
import platform
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fabroute.solver.engines import solve
from fabroute.solver.limits import SolveLimits
from fabroute.solver.plan import RoutingPlan
from fabroute.solver.problem import NO_LOT, RoutingProblem
from fabroute.solver.verify import verify_plan
from tests.benchmarks.bench_files import processor

STANDARD_FOLDER = "../shared/realdata/gap"
STANDARD_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one instance."""

    name: str
    best_known: int
    plan: RoutingPlan
    broken: bool
    seconds: float
    computing: float
    """Processor seconds."""

    @property
    def family(self) -> str:
        """The set that it belongs to: ``gap3`` of ``gap3-1``."""
        return self.name.partition("-")[0]

    @property
    def contradicts(self) -> bool:
        """Tell whether the plan breaks a rule, or its bound lies over the best known cost."""
        return self.broken or self.plan.bound > self.best_known


def main(arguments: Sequence[str]) -> int:
    """Print a line for each set; return 1 where something contradicts a known optimum."""
    given = dict(argument.split("=", 1) for argument in arguments)
    folder, seconds = Path(given.get("DIR", STANDARD_FOLDER)), float(given.get("SECONDS", STANDARD_SECONDS))
    print(f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}; {seconds:g} s each")
    families: dict[str, list[Result]] = defaultdict(list)
    for name, best_known in best_known_costs(folder).items():
        if (folder / name).is_file():
            result = attempt(read_instance((folder / name).read_text(encoding="ascii")), name, best_known, seconds)
            families[result.family].append(result)
    print(
        f"{'set':<10}{'instances':>10}{'at optimum':>12}{'proven':>8}{'worst gap':>11}{'slowest':>9}{'computing':>11}"
    )
    for family, results in families.items():
        print(summary(family, results))
    return int(any(result.contradicts for results in families.values() for result in results))


def best_known_costs(folder: Path) -> dict[str, int]:
    """Return the best cost known of each instance, by its name; empty without the list."""
    path = folder / "best_known.csv"
    if not path.is_file():
        return {}
    with path.open(encoding="utf8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return {row["Path"].rpartition("/")[2]: int(row["Best known solution value"]) for row in rows}


def read_instance(text: str) -> RoutingProblem:
    """Read one instance: agents are pools of a single day, jobs are lines, and hardly any price leaves one unrouted."""
    agents, jobs, *numbers = map(int, text.split())
    costs, minutes = (
        np.array(numbers[part * agents * jobs :][: agents * jobs]).reshape(agents, jobs) for part in (0, 1)
    )
    capacity = np.array(numbers[2 * agents * jobs :][:agents])
    return RoutingProblem(
        line_count=jobs,
        option_line=np.repeat(np.arange(jobs), agents),
        option_cost=costs.T.ravel(),
        option_pool=np.tile(np.arange(agents), jobs),
        option_bucket=np.zeros(agents * jobs, dtype=np.int64),
        option_minutes=minutes.T.ravel(),
        option_lot=np.full(agents * jobs, NO_LOT),
        option_grams=np.zeros(agents * jobs, dtype=np.int64),
        unrouted_cost=np.full(jobs, 1 + int(costs.max(axis=0).sum())),
        capacity=capacity.reshape(agents, 1),
        stock=np.zeros(0, dtype=np.int64),
    )


def attempt(problem: RoutingProblem, name: str, best_known: int, seconds: float) -> Result:
    """Solve one instance within so many seconds of wall time."""
    began, computed = time.perf_counter(), time.process_time()
    plan = solve(problem, SolveLimits(deterministic_seconds=10 * seconds, wall_seconds=seconds))
    took, computing = time.perf_counter() - began, time.process_time() - computed
    broken = bool(verify_plan(problem, plan))
    return Result(name=name, best_known=best_known, plan=plan, broken=broken, seconds=took, computing=computing)


def summary(family: str, results: Sequence[Result]) -> str:
    """Return the table's line of one set."""
    optimal = sum(result.plan.cost == result.best_known for result in results)
    proven = sum(result.plan.cost == result.plan.bound for result in results)
    worst = max(result.plan.cost / result.best_known - 1.0 for result in results)
    slowest = max(result.seconds for result in results)
    computing = max(result.computing for result in results)
    return f"{family:<10}{len(results):>10}{optimal:>12}{proven:>8}{worst:>11.2%}{slowest:>8.1f}s{computing:>10.2f}s"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
