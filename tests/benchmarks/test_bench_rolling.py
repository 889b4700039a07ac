"""The rolling month, small: what holds on every day of it, and that it repeats."""

from collections.abc import Sequence

import numpy as np
import pytest

from fabroute.solver.plan import UNROUTED
from tests.benchmarks.bench_rolling import POLICIES, Run, Settings, broken_rules, keeps_promise, main, outcome_of, roll
from tests.benchmarks.rolling_month import HORIZON, MONTH, Month, Shop, make_month
from tests.benchmarks.routing_instances import Size

SIZE = Size(orders=200, nodes=12)
SETTINGS = Settings(size=SIZE, seconds=0.2, price_seconds=0.01)
MONTH_OF_TESTS = make_month(SIZE, utilisation=0.9, seed=2)


class Diary:
    """Notes on every day who was fixed to what, and checks what may never change."""

    def __init__(self) -> None:
        self.days = 0
        self.fixed: dict[int, int] = {}
        self.broken: list[str] = []

    def __call__(self, run: Run) -> None:
        """Note a day."""
        self.days += 1
        shop, problem = run.shop, run.month.problem
        self._check(all(shop.chosen[line] == option for line, option in self.fixed.items()), "fixed work moved")
        self.fixed |= {int(line): int(shop.chosen[line]) for line in np.flatnonzero(shop.is_fixed)}
        left = shop.left()[:, shop.today + 1 :]
        self._check(not left.size or int(left.min()) >= 0, "more was promised than there is time for")
        self._check(int(shop.stock.min()) >= 0, "more was promised than there is material for")
        taken = shop.chosen[shop.chosen != UNROUTED]
        self._check(bool(keeps_promise(run.month, run.promised)[taken].all()), "a promise was broken")
        came = np.flatnonzero(shop.chosen != UNROUTED)
        self._check(bool((run.month.day[came] <= shop.today).all()), "an order was planned before it came")
        self._check(bool((problem.option_bucket[taken] > run.month.day[came]).all()), "work began before its order")

    def _check(self, holds: bool, rule: str) -> None:
        if not holds:
            self.broken.append(f"day {self.days}: {rule}")


@pytest.fixture(scope="module")
def runs() -> dict[str, tuple[Run, Diary]]:
    """Each policy's month, with its diary."""
    found = {}
    for policy in POLICIES:
        diary = Diary()
        run, _ = roll(MONTH_OF_TESTS, policy=policy, settings=SETTINGS, seed=2, checks=(diary,))
        found[policy] = run, diary
    return found


@pytest.mark.parametrize("policy", POLICIES)
def test_promises_fixed_work_time_and_material_are_kept_on_every_day(
    runs: dict[str, tuple[Run, Diary]], policy: str
) -> None:
    run, diary = runs[policy]
    assert diary.days == HORIZON
    assert diary.broken == []
    assert broken_rules(run) == []
    assert int(run.shop.worked.sum()) == int(
        run.month.problem.option_minutes[run.shop.chosen[run.shop.chosen != UNROUTED]].sum()
    )


def test_the_joint_policy_is_the_cheapest_and_as_many_orders_are_on_time(runs: dict[str, tuple[Run, Diary]]) -> None:
    cheapest, prices, joint = (outcome_of((runs[policy][0], 0.0)) for policy in POLICIES)
    assert joint.cost < cheapest.cost
    assert joint.not_on_time <= cheapest.not_on_time
    assert (cheapest.moves, prices.moves) == (0, 0)


def test_the_same_seed_gives_the_same_month_and_the_same_plan(runs: dict[str, tuple[Run, Diary]]) -> None:
    again = make_month(SIZE, utilisation=0.9, seed=2)
    assert again.problem.snapshot_sha256() == MONTH_OF_TESTS.problem.snapshot_sha256()
    assert again.arrival.tolist() == MONTH_OF_TESTS.arrival.tolist()
    run, _ = roll(again, policy="joint", settings=SETTINGS, seed=2)
    assert run.shop.chosen.tolist() == runs["joint"][0].shop.chosen.tolist()


def test_another_seed_gives_another_month() -> None:
    other = make_month(SIZE, utilisation=0.9, seed=4)
    assert other.problem.snapshot_sha256() != MONTH_OF_TESTS.problem.snapshot_sha256()
    assert abs(other.problem.line_count - SIZE.orders) < 5 * SIZE.orders**0.5


def test_orders_come_within_the_month_and_every_option_ends_after_its_order_came() -> None:
    month = MONTH_OF_TESTS
    assert bool((np.diff(month.arrival) >= 0).all())
    assert bool(((month.arrival >= 0) & (month.arrival < MONTH)).all())
    assert bool((month.problem.option_bucket > month.day[month.problem.option_line]).all())
    assert len(month.arrival) == month.problem.line_count


def _two_days_of_work(*, orders: Sequence[int]) -> tuple[Month, Shop]:
    """Return a shop in which the first options of these orders are taken."""
    month = MONTH_OF_TESTS
    shop = Shop(month)
    for line in orders:
        shop.take(line, int(month.options_of(line)[0]))
    return month, shop


def test_a_machine_takes_the_work_of_the_earliest_deadline_first_and_no_more_than_a_day_has() -> None:
    month, shop = _two_days_of_work(orders=range(40))
    asked = int(shop.open_minutes.sum())
    for _ in range(3):
        shop.pass_midnight()
    worked = shop.worked[:, :3]
    assert bool((worked <= month.problem.capacity[:, :3]).all())
    assert int(worked.sum()) == asked - int(shop.open_minutes.sum())
    idle = np.argwhere(worked < month.problem.capacity[:, :3])
    open_pools = set(month.problem.option_pool[shop.chosen[np.flatnonzero(shop.open_minutes > 0)]].tolist())
    assert {int(pool) for pool, day in idle if day == 2} & open_pools == set()


def test_taking_another_option_gives_the_first_one_back() -> None:
    month, shop = _two_days_of_work(orders=[0])
    first, last = int(month.options_of(0)[0]), int(month.options_of(0)[-1])
    shop.take(0, last)
    fresh = Shop(month)
    fresh.take(0, last)
    assert shop.stock.tolist() == fresh.stock.tolist()
    assert shop.left().tolist() == fresh.left().tolist()
    shop.take(0, UNROUTED)
    assert shop.stock.tolist() == month.problem.stock.tolist()
    assert first != last


def test_the_table_names_every_policy_and_the_means(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["SIZE=40x6", "SEEDS=1", "SECONDS=0.1", "PRICE_SECONDS=0.01"]) == 0
    printed = capsys.readouterr().out
    assert [line.split()[0] for line in printed.splitlines() if line.startswith("  ")].count("joint") == 2
    assert "means over seeds 1" in printed
    assert "2.5 times its cheapest option and 50 euros" in printed
