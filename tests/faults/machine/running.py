"""Run the machine until it has done enough, by a seed; and say what it did."""

import multiprocessing
import os
import platform
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy.exc import DBAPIError

from tests.faults.machine.bench import Tally
from tests.faults.machine.machine import Product
from tests.faults.machine.state import Illegal

STEPS_OF_A_RUN = 50
_RUNS_AT_ONCE = 10
"""The first of them is the simplest that there is: it does one thing all the time."""

_mine: list[type[Product]] = []
"""The machine of a process that runs beside others."""


def run_steps(machine: type[Product], *, steps: int, seed: int) -> None:
    """Run the machine on fresh databases until it has done so many steps; the same seed, the same rules."""
    round_number = 0
    while machine.tally.done < steps:
        run_once(machine, runs=_RUNS_AT_ONCE, seed=1_000 * seed + round_number)
        round_number += 1
        print(f"seed {seed}: {machine.tally.done:,} steps, {machine.tally.runs} runs", file=sys.stderr, flush=True)


def run_once(machine: type[Product], *, runs: int, seed: int, steps: int = STEPS_OF_A_RUN) -> None:
    """Run the machine a few times under one seed."""
    chosen = settings(
        max_examples=runs,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=(Phase.generate,),  # a failure tells its last steps; shrinking would take minutes
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    run_state_machine_as_test(_seeded(machine, seed), settings=chosen)


def run_side_by_side(machine: type[Product], *, steps: int, seed: int, processes: int) -> list[str]:
    """Run the machine in several processes, each with a seed and databases of its own; return what they found."""
    share, found = -(-steps // processes), list[str]()
    context = multiprocessing.get_context("fork")  # the class is made at run time, and so can't be sent
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_remember, initargs=(machine,)) as pool:
        seeds = [100 * seed + number for number in range(processes)]
        for done, what in pool.map(_run_share, [share] * processes, seeds):
            machine.tally.add(done)
            found += [what] if what else []
    return found


def steps_until_found(machine: type[Product], *, steps: int, seed: int) -> str:
    """Run a machine without a guard; return after how many steps it found out, and by what."""
    try:
        run_steps(machine, steps=steps, seed=seed)
    except (Illegal, DBAPIError) as error:
        return f"found after {machine.tally.done} steps: {str(error).splitlines()[-1][:160]}"
    return f"not found in {machine.tally.done} steps"


def _remember(machine: type[Product]) -> None:
    _mine.append(machine)


def _run_share(steps: int, number: int) -> tuple[Tally, str]:
    """Return what a process did, and what it found."""
    try:
        run_steps(_mine[0], steps=steps, seed=number)
    except (Illegal, DBAPIError) as error:
        return _mine[0].tally, f"seed {number}: {error}"
    return _mine[0].tally, ""


def _seeded(machine: type[Product], number: int) -> type[Product]:
    return seed(number)(machine)


def print_tally(tally: Tally, *, seed: int, seconds: float) -> None:
    """Print steps by rule and answers by code."""
    cores = os.cpu_count()
    print(f"{tally.done:,} steps in {tally.runs} runs, seed {seed}, {seconds:.0f} s, {cores} cores, ", end="")
    print(f"Python {platform.python_version()}; {tally.crashes} crashes, {tally.races.total()} races")
    for rule, count in sorted(tally.steps.items()):
        answers = Counter({code: n for (name, code), n in tally.answers.items() if name == rule})
        told = ", ".join(f"{code} {n}" for code, n in answers.most_common())
        print(f"{rule:>22} {count:6,}  {told}")
