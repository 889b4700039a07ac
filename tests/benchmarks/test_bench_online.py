"""The bench of single orders decides what a plain look at every option decides."""

import numpy as np

from fabroute.solver.online import choose_online
from tests.benchmarks.bench_online import DAYS, SERVICES, Settings, every_node_can, half_promised, measure

SETTINGS = Settings(nodes=20, orders=12, seed=5)


def test_every_order_has_an_option_at_every_node_by_every_service() -> None:
    problem = every_node_can(SETTINGS, np.random.default_rng(5))
    assert problem.option_count == 12 * 20 * SERVICES
    assert np.bincount(problem.option_line).tolist() == [60] * 12
    assert problem.capacity.shape == (20, DAYS)


def test_the_choice_is_that_of_a_plain_look_at_every_option() -> None:
    random = np.random.default_rng(5)
    problem = every_node_can(SETTINGS, random)
    residual = half_promised(problem, random)
    for line in range(SETTINGS.orders):
        fitting = []
        for option in np.flatnonzero(problem.option_line == line).tolist():
            pool, bucket = int(problem.option_pool[option]), int(problem.option_bucket[option])
            has_time = int(residual.minutes[pool, bucket:].min()) >= int(problem.option_minutes[option])
            if has_time and residual.grams[problem.option_lot[option]] >= problem.option_grams[option]:
                fitting.append((int(problem.option_cost[option]), option))
        choice = choose_online(problem, line, residual)
        assert choice.option == min(fitting)[1]
        assert int(choice.fits.sum()) == len(fitting)


def test_the_figures_count_options_and_reasons() -> None:
    found = measure(SETTINGS)
    assert (found.options, found.unserved) == (60, 0)
    assert 0 <= found.p50_ms <= found.p99_ms <= found.worst_ms
