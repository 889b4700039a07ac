"""The verdict on a dose of poison: red where a line ran too often, a worker stayed away or something is undecided."""

import io
from dataclasses import replace

from rich.console import Console

from tests.faults.poison.scene import Dose, Outcome
from tests.faults.poison.table import print_outcome, verdict
from tests.faults.poison.watch import EndedWorker

DOSE = Dose(orders=10, poisoned=2, seed=7, kinds=("hang", "abort"))
GOOD = Outcome(
    seconds=60.0,
    healthy={"routed": 8},
    healthy_seconds=20.0,
    poisoned={"parked": 2},
    kinds={"line_1": "hang", "line_2": "abort"},
    runs={"line_1": 4, "line_2": 3},
    broken=6,
    all_runs=20,
    ended=(EndedWorker(kind="hang", seconds=35.0, back_seconds=0.4),),
)


def test_four_runs_and_a_worker_that_is_back_at_once_are_green() -> None:
    said = io.StringIO()
    print_outcome(DOSE, GOOD, Console(width=140, file=said))

    assert verdict(DOSE, GOOD) == ()
    assert said.getvalue().splitlines()[-1] == "green"
    assert "6 of 20 runs broke" in said.getvalue()


def test_whatever_is_not_as_it_should_be_is_named() -> None:
    late = EndedWorker(kind="abort", seconds=0.1, back_seconds=10.5)
    bad = replace(
        GOOD, healthy={"routed": 7, "parked": 1}, poisoned={"routed": 2}, runs={"line_1": 5, "line_2": 1}, ended=(late,)
    )

    assert verdict(DOSE, bad) == (
        "healthy lines: {'routed': 7, 'parked': 1}",
        "poisoned lines: {'routed': 2}",
        "a poisoned line was in 5 runs",
        "1 workers were not back after 10 s",
    )
