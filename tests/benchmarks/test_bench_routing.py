"""The benchmarks of routing: instances are what they say, tables count right, peers keep the rules."""

from pathlib import Path

import numpy as np
import pytest

from fabroute.solver.plan import UNROUTED, plan_cost
from fabroute.solver.problem import NO_BUILD, NO_LOT, RoutingProblem
from fabroute.solver.verify import verify
from tests.benchmarks import bench_gap, bench_routing
from tests.benchmarks.bench_routing import Row, Settings, check_bound, peer
from tests.benchmarks.routing_builds import with_builds
from tests.benchmarks.routing_instances import DAYS, Instance, Size, make_instance
from tests.benchmarks.routing_peers import by_cp_sat, regret
from tests.factories.solver import OptionRow, least_cost_by_trying_all, routing_problem, small_mixed_problem

TINY = Size(orders=40, nodes=12)
GAP_OF_TWO_AGENTS = "2 3\n 5 9 4\n 7 6 8\n 3 4 5\n 4 3 6\n 8 4\n"


def option_counts(problem: RoutingProblem) -> list[int]:
    return [int(count) for count in np.bincount(problem.option_line, minlength=problem.line_count)]


@pytest.fixture(scope="module")
def instance() -> Instance:
    """A mid-sized instance."""
    return make_instance(Size(orders=500, nodes=60))


def test_sizes_are_read_and_written() -> None:
    assert Size.parse("10000x300") == Size(orders=10_000, nodes=300)
    assert str(Size(orders=7, nodes=3)) == "7x3"


def test_the_same_seed_makes_the_same_instance_and_another_another(instance: Instance) -> None:
    again = make_instance(Size(orders=500, nodes=60))
    other = make_instance(Size(orders=500, nodes=60), seed=2)

    assert again.problem.snapshot_sha256() == instance.problem.snapshot_sha256()
    assert other.problem.snapshot_sha256() != instance.problem.snapshot_sha256()
    assert again.late.tolist() == instance.late.tolist()


def test_orders_have_options_on_several_nodes_in_two_services(instance: Instance) -> None:
    problem = instance.problem
    counts = option_counts(problem)

    assert problem.line_count == 500
    assert 15 <= np.mean(counts) <= 60
    assert max(counts) <= 3 * 40
    assert problem.capacity.shape[1] == DAYS
    assert (problem.option_lot != NO_LOT).all()


def test_of_one_node_no_service_is_both_dearer_and_not_later(instance: Instance) -> None:
    problem = instance.problem
    for line in range(50):
        options = np.flatnonzero(problem.option_line == line).tolist()
        for first in options:
            for second in options:
                if first != second and problem.option_lot[first] == problem.option_lot[second]:
                    cheaper = problem.option_cost[first] <= problem.option_cost[second]
                    assert not (cheaper and problem.option_bucket[first] > problem.option_bucket[second])


def test_staying_unserved_costs_two_and_a_half_times_the_cheapest_and_fifty_euros(instance: Instance) -> None:
    problem = instance.problem
    cheapest = np.full(500, np.iinfo(np.int64).max)
    np.minimum.at(cheapest, problem.option_line, problem.option_cost)
    served = np.array(option_counts(problem)) > 0

    assert np.abs(problem.unrouted_cost - (2.5 * cheapest + 5_000_000))[served].max() <= 2.0
    assert set(problem.unrouted_cost[~served].tolist()) <= {5_000_000}


def test_higher_utilisation_means_less_capacity() -> None:
    loose, tight = (make_instance(TINY, utilisation=share).problem for share in (0.5, 1.0))

    assert loose.capacity.sum() == pytest.approx(2.0 * tight.capacity.sum(), rel=0.02)
    assert loose.stock.sum() == pytest.approx(2.0 * tight.stock.sum(), rel=0.02)
    assert loose.option_cost.tolist() == tight.option_cost.tolist()


def test_settings_are_read_from_the_command_line() -> None:
    settings = Settings.parse(
        ["SIZES=10x3 20x4", "UTIL=0.8", "SEEDS=1,5", "SECONDS=2.5", "PEERS=regret", "BUILDS=1", "LP=0"]
    )

    assert settings.sizes == (Size(orders=10, nodes=3), Size(orders=20, nodes=4))
    assert (settings.utilisation, settings.seeds, settings.seconds) == (0.8, (1, 5), 2.5)
    assert settings.peers == ("regret",)
    assert (settings.builds, settings.linear, settings.profile) == (True, False, False)
    assert Settings.parse([]) == Settings()


def test_the_bench_prints_its_table_and_counts_by_the_plans(capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(sizes=(TINY,), seconds=1.0, peers=("tenth", "one_by_one", "regret", "cp_sat"))
    rows = bench_routing.run(TINY, 1, settings)
    printed = capsys.readouterr().out

    assert [row.method.split()[0] for row in rows] == ["cp_sat", "tenth", "one_by_one", "regret", "cp_sat"]
    assert all(rows[0].cost <= row.cost for row in rows[1:])
    assert "40x12 at 90%, seed 1" in printed
    assert len(printed.splitlines()) == 8
    assert rows[4].best_at is not None
    assert 0.0 <= rows[4].best_at <= 1.5


def test_the_bench_runs_as_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_routing.main(["SIZES=10x5", "SECONDS=0.5", "PEERS=one_by_one"]) == 0
    assert "one_by_one" in capsys.readouterr().out


def test_peers_keep_the_rules() -> None:
    instance = make_instance(TINY)
    by_rule, by_solver = regret(instance.problem), by_cp_sat(instance.problem, 2.0)
    row = peer(instance, "regret", Settings(seconds=1.0))

    assert verify(instance.problem, by_rule) == ()
    assert by_solver is not None
    assert verify(instance.problem, by_solver.chosen) == ()
    assert row == _counted(instance, by_rule, row)


def test_the_whole_model_has_the_optimum_of_the_problem() -> None:
    """60 minutes a day: two lines due today can't both run; the second goes a day later for 15 more."""
    problem = routing_problem(
        options=[
            OptionRow(line=0, cost=10_000, bucket=0, minutes=60),
            OptionRow(line=1, cost=10_000, bucket=0, minutes=60),
            OptionRow(line=1, cost=25_000, bucket=1, minutes=60, lot=0, grams=5),
        ],
        capacity=[[60, 60]],
        stock=[5],
        unrouted=90_000,
    )

    found = by_cp_sat(problem, 5.0)
    assert found is not None
    assert found.chosen == [0, 2]


def test_the_model_knows_draws_builds_and_quotas() -> None:
    """Against trying everything, on problems with some of each."""
    for seed in range(30):
        problem = small_mixed_problem(seed=seed)
        found = by_cp_sat(problem, 5.0)

        assert found is not None, seed
        assert verify(problem, found.chosen) == (), seed
        assert plan_cost(problem, found.chosen) == least_cost_by_trying_all(problem), seed


def test_powder_bed_options_share_builds_of_their_machine_material_and_day(instance: Instance) -> None:
    problem = with_builds(instance).problem
    shared = problem.option_build != NO_BUILD
    places = set(
        zip(
            problem.option_build[shared].tolist(),
            problem.option_pool[shared].tolist(),
            problem.option_lot[shared].tolist(),
            problem.option_bucket[shared].tolist(),
            strict=True,
        )
    )

    assert len(places) == len(problem.build_cost)
    assert {build for build, *_ in places} == set(range(len(problem.build_cost)))
    assert set(problem.build_cost.tolist()) == {3_500_000, 4_500_000, 11_000_000}
    assert problem.option_count > instance.problem.option_count
    assert (problem.option_volume[~shared] == 0).all()


def test_the_bound_of_the_prices_is_checked_against_a_linear_programme(capsys: pytest.CaptureFixture[str]) -> None:
    bound, optimum = check_bound(make_instance(Size(orders=100, nodes=20)).problem, 2.0)

    assert 0.999 * optimum <= bound <= optimum + 1
    assert "linear optimum" in capsys.readouterr().out


def test_a_profile_names_the_functions_that_take_longest(capsys: pytest.CaptureFixture[str]) -> None:
    bench_routing.print_profile(lambda: sum(option_counts(make_instance(TINY).problem)))
    lines = capsys.readouterr().out.splitlines()

    assert len(lines) == 5
    assert all("calls of" in line for line in lines)


def test_an_instance_of_the_library_is_read() -> None:
    problem = bench_gap.read_instance(GAP_OF_TWO_AGENTS)

    assert problem.line_count == 3
    assert problem.option_cost.tolist() == [5, 7, 9, 6, 4, 8]
    assert problem.option_minutes.tolist() == [3, 4, 4, 3, 5, 6]
    assert problem.option_pool.tolist() == [0, 1] * 3
    assert problem.capacity.tolist() == [[8], [4]]


def test_the_gap_bench_counts_optima(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Job 1 fits agent 1 for 6, jobs 0 and 2 agent 0 for 5 and 4."""
    (tmp_path / "gap1-0").write_text(GAP_OF_TWO_AGENTS, encoding="ascii")
    (tmp_path / "best_known.csv").write_text(
        "Path,Best known solution value\nx/gap1-0,15\nx/gap9-9,1\n", encoding="utf8"
    )

    assert bench_gap.main([f"DIR={tmp_path}", "SECONDS=5"]) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[-1].split()[:5] == ["gap1", "1", "1", "1", "0.00%"]
    assert bench_gap.main([f"DIR={tmp_path / 'nowhere'}"]) == 0


def test_a_bound_over_the_best_known_cost_is_a_contradiction(tmp_path: Path) -> None:
    (tmp_path / "gap1-0").write_text(GAP_OF_TWO_AGENTS, encoding="ascii")
    (tmp_path / "best_known.csv").write_text("Path,Best known solution value\nx/gap1-0,14\n", encoding="utf8")

    assert bench_gap.main([f"DIR={tmp_path}", "SECONDS=5"]) == 1
    assert bench_gap.best_known_costs(tmp_path) == {"gap1-0": 14}


def _counted(instance: Instance, chosen: list[int], row: Row | None) -> Row:
    assert row is not None
    routed = [option for option in chosen if option != UNROUTED]
    late = sum(bool(instance.late[option]) for option in routed)
    cost = sum(
        int(instance.problem.option_cost[option] if option != UNROUTED else instance.problem.unrouted_cost[line])
        for line, option in enumerate(chosen)
    )
    return Row(method="regret", cost=cost, unserved=len(chosen) - len(routed), late=late, seconds=row.seconds)
