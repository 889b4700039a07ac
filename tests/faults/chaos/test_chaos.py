"""Orders through faults, small enough for every run of the tests: ``make chaos`` is the same at any size."""

from pathlib import Path

import pytest
from rich.console import Console

from tests.faults.chaos.faults import FAULTS
from tests.faults.chaos.incidents import INCIDENTS
from tests.faults.chaos.run import ChaosSize, plan_of, run_chaos
from tests.faults.chaos.schedule import Weighted
from tests.faults.chaos.table import print_report

SMALL = ChaosSize(orders=500, faults=15, seed=7, cancelled=0.8)


def test_the_same_seed_plans_the_same_faults_evenly_over_the_orders() -> None:
    plan, again, other = plan_of(SMALL), plan_of(SMALL), plan_of(ChaosSize(orders=500, faults=15, seed=8))

    assert plan == again
    assert [it.name for it in plan] != [it.name for it in other]
    assert [it.after_orders for it in plan] == [31, 62, 93, 125, 156, 187, 218, 250, 281, 312, 343, 375, 406, 437, 468]
    assert len({it.seed for it in plan}) == 15


def test_every_kind_of_fault_comes_before_any_comes_too_often() -> None:
    kinds: tuple[Weighted, ...] = (*FAULTS, *INCIDENTS)
    once_round = sum(kind.weight for kind in kinds)
    names = [it.name for it in plan_of(ChaosSize(orders=2_000, faults=once_round, seed=3))]

    assert set(names) == {kind.name for kind in kinds}
    assert {name: names.count(name) for name in names} == {kind.name: kind.weight for kind in kinds}


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_five_hundred_orders_through_fifteen_faults_are_neither_lost_nor_doubled(tmp_path: Path) -> None:
    report = run_chaos(SMALL, folder=tmp_path, tell=lambda _: None)
    print_report(report, Console(width=140))

    assert report.verdict.problems == ()
    assert report.calm
    assert len(report.struck) == SMALL.faults
    assert report.verdict.figures["orders acknowledged"] == SMALL.orders
