"""One archived run decided again: what is supposed, what is carried on, and what is kept between two turns."""

import json
from dataclasses import replace
from datetime import date

from fabroute.routing.rules.policies import PlacedShares, PolicyView, ShareCap
from fabroute.routing.service.archive import ArchivedRun
from fabroute.routing.service.shadow_lines import ComparedLine, LineFigures, changed_lines, most_changed
from fabroute.routing.service.shadow_redecide import (
    Carried,
    NetworkChange,
    PlanFigures,
    Redecided,
    Supposition,
    figures_of,
    placements_of,
    redecide,
)
from fabroute.routing.service.shadow_report import ComparedRun, Placement, ShadowState, state_of
from fabroute.solver.plan import UNROUTED
from tests.factories.archives import OWNER, a_policy, an_archived_run, some_orders
from tests.factories.routing import MONDAY_MORNING

MONDAY = date(2026, 6, 15)
NOTHING = Supposition(policies={}, used={}, kinds={}, network=NetworkChange(), carried=Carried(), decided=frozenset())


def supposing(
    run: ArchivedRun,
    *policies: PolicyView,
    network: NetworkChange | None = None,
    carried: Carried | None = None,
    decided: frozenset[str] | None = None,
) -> Redecided:
    """What a run would have decided under policies, on a network, with what is carried."""
    supposed = replace(
        NOTHING,
        policies={policy.organisation_id: policy for policy in policies},
        used={policy.organisation_id: dict.fromkeys(policy.windows, PlacedShares()) for policy in policies},
        network=network or NetworkChange(),
        carried=carried or Carried(),
        decided=frozenset(line.line_id for line in run.lines) if decided is None else decided,
    )
    return redecide(run, supposed, wall_seconds=20.0)


def run_as_it_was(run: ArchivedRun) -> Redecided:
    return Redecided(chosen=run.chosen, status=run.status, carried=Carried())


def nodes_of(run: ArchivedRun, found: Redecided) -> list[str]:
    return sorted("" if option == UNROUTED else run.node_of(option) for option in found.chosen)


def test_where_nothing_is_different_the_plan_is_the_one_that_was() -> None:
    run = an_archived_run(*some_orders(4))

    found = supposing(run)

    assert found == Redecided(chosen=run.chosen, status=run.status, carried=Carried())
    assert nodes_of(run, found) == ["N1"] * 4


def test_a_cap_moves_lines_and_carries_the_time_and_material_that_they_leave_and_take() -> None:
    run = an_archived_run(*some_orders(2))

    found = supposing(run, a_policy(ShareCap(node_id=None, share=0.5)))

    assert nodes_of(run, found) == ["N1", "N2"]
    minutes, grams = (int(values[run.chosen[0]]) for values in (run.problem.option_minutes, run.problem.option_grams))
    assert found.carried.minutes == {("N1-A", MONDAY): minutes, ("N2-A", MONDAY): -minutes}
    assert found.carried.grams == {"lot_N1": grams, "lot_N2": -grams}


def test_a_policy_that_is_dropped_gives_lines_back_to_the_best_node() -> None:
    run = an_archived_run(*some_orders(4), policies=(a_policy(ShareCap(node_id=None, share=0.5)),))

    found = supposing(run, PolicyView(organisation_id=OWNER))

    assert sorted(run.node_of(option) for option in run.chosen) == ["N1", "N1", "N2", "N2"]
    assert nodes_of(run, found) == ["N1"] * 4


def test_the_policies_of_others_stay() -> None:
    lines = (*some_orders(2), *some_orders(2, owner="org_other", prefix="other"))
    halves = tuple(a_policy(ShareCap(node_id=None, share=0.5), owner=owner) for owner in (OWNER, "org_other"))
    run = an_archived_run(*lines, policies=halves)

    found = supposing(run, PolicyView(organisation_id=OWNER))

    assert nodes_of(run, found) == ["N1", "N1", "N1", "N2"]
    assert [run.node_of(option) for option in found.chosen[:2]] == ["N1", "N1"]


def test_what_earlier_runs_took_more_is_not_there_any_more() -> None:
    run = an_archived_run(*some_orders(1))
    all_days = {("N1-A", MONDAY.replace(day=15 + day)): -10_000 for day in range(14)}

    found = supposing(run, carried=Carried(minutes=all_days))
    short = supposing(run, carried=Carried(grams={"lot_N1": -10_000, "lot_N2": -10_000}))

    assert nodes_of(run, found) == ["N2"]
    assert nodes_of(run, short) == ["N3"]


def test_time_of_days_that_a_run_does_not_look_at_is_left_aside() -> None:
    run = an_archived_run(*some_orders(1))
    elsewhere = {("N1-A", date(2026, 5, 1)): -10_000, ("N9-A", MONDAY): -10_000}

    assert nodes_of(run, supposing(run, carried=Carried(minutes=elsewhere))) == ["N1"]


def test_without_nodes_or_their_time_lines_go_elsewhere_or_nowhere() -> None:
    run = an_archived_run(*some_orders(2))
    every = frozenset(("N1", "N2", "N3"))

    assert nodes_of(run, supposing(run, network=NetworkChange(without_nodes=frozenset(("N1",))))) == ["N2", "N2"]
    assert nodes_of(run, supposing(run, network=NetworkChange(without_nodes=every))) == ["", ""]
    assert nodes_of(run, supposing(run, network=NetworkChange(capacity_factor={"N1": 0.0, "N2": 0.0}))) == ["N3", "N3"]


def test_of_a_node_without_time_what_earlier_runs_took_is_not_given_back() -> None:
    """As without the node, in the second run too, to which the first gives back what it took there in truth."""
    run = an_archived_run(*some_orders(2))
    without = NetworkChange(without_nodes=frozenset(("N1",)))
    no_time = NetworkChange(capacity_factor={"N1": 0.0})

    firsts = [supposing(run, network=network) for network in (without, no_time)]
    seconds = [
        supposing(run, network=network, carried=first.carried)
        for network, first in zip((without, no_time), firsts, strict=True)
    ]

    minutes = int(run.problem.option_minutes[run.chosen[0]])
    assert [nodes_of(run, found) for found in (*firsts, *seconds)] == [["N2", "N2"]] * 4
    assert firsts[0].carried == replace(firsts[1].carried, taken={})
    assert firsts[1].carried.taken == {("N1-A", MONDAY): 2 * minutes}
    assert seconds[1].carried.taken == {("N1-A", MONDAY): 4 * minutes}


def test_half_the_time_is_half_of_what_was_free_before_the_runs_of_the_shadow() -> None:
    """Two jobs' time is left after three jobs in truth: 2.5 of 5 were free; one is taken, so that one fits and not two.

    Had what they took come back whole, half of two and two given back were three jobs' time.
    """
    job = int(an_archived_run(*some_orders(1)).problem.option_minutes[0])
    run = an_archived_run(*some_orders(2), free_minutes={"N1-A": (2 * job, *(0,) * 13)})
    carried = Carried(minutes={("N1-A", MONDAY): 2 * job}, taken={("N1-A", MONDAY): 3 * job})

    found = supposing(run, network=NetworkChange(capacity_factor={"N1": 0.5}), carried=carried)

    assert nodes_of(run, run_as_it_was(run)) == ["N1", "N1"]
    assert nodes_of(run, found) == ["N1", "N2"]
    assert found.carried.taken == {("N1-A", MONDAY): 5 * job}
    assert found.carried.minutes[("N1-A", MONDAY)] == 3 * job


def test_lines_that_the_run_did_not_decide_in_the_end_carry_nothing() -> None:
    run = an_archived_run(*some_orders(2))

    found = supposing(run, a_policy(ShareCap(node_id=None, share=0.5)), decided=frozenset())

    assert nodes_of(run, found) == ["N1", "N2"]
    assert found.carried == Carried()


def test_figures_are_of_the_lines_that_are_looked_at() -> None:
    run = an_archived_run(*some_orders(3))
    plan = (run.chosen[0], run.chosen[1], UNROUTED)

    figures = figures_of(run, plan, lines=(1, 2), both=frozenset((1,)))

    assert (figures.lines, figures.unrouted, figures.late_lines, figures.late_minutes) == (2, 1, 0, 0)
    assert figures.landed_minor == int(run.landed_minor[run.chosen[1]]) == 3_362
    assert figures.cost_millis == int(run.problem.option_cost[run.chosen[1]] + run.problem.unrouted_cost[2])
    assert figures.co2e_g == int(run.co2e_g[run.chosen[1]])
    assert figures.delivery_minutes == int(run.minutes[run.chosen[1]])
    assert placements_of(run, plan, (1, 2)) == {"line_1": {"N1": 2}, "line_2": {}}


def test_figures_add_up() -> None:
    one = PlanFigures(
        lines=1,
        unrouted=2,
        cost_millis=3,
        landed_minor=4,
        co2e_g=5,
        delivery_minutes=9,
        late_lines=6,
        late_minutes=7,
        without_options=8,
    )

    assert one + one == PlanFigures(
        lines=2,
        unrouted=4,
        cost_millis=6,
        landed_minor=8,
        co2e_g=10,
        delivery_minutes=18,
        late_lines=12,
        late_minutes=14,
        without_options=16,
    )
    assert sum((one, one), PlanFigures()) == one + one


def a_line(name: str, *, was: int | None, would_be: int | None, minutes: int = 600) -> ComparedLine:
    """A line that would cost something else, or have no place."""
    was_so, would_be_so = (
        None if cost is None else LineFigures(node_ids=("N1",), landed_minor=cost, minutes=length, co2e_g=700)
        for cost, length in ((was, 600), (would_be, minutes))
    )
    return ComparedLine(
        line_id=name,
        order_id="ord_1",
        revision_id="rev_1",
        quantity=2,
        at=MONDAY_MORNING,
        as_was=was_so,
        as_would_be=would_be_so,
    )


def test_of_lines_that_go_elsewhere_those_that_change_most_are_kept() -> None:
    lines = [
        a_line("slower", was=4_000, would_be=4_000, minutes=900),
        a_line("dearer", was=4_000, would_be=4_100),
        a_line("nowhere", was=4_000, would_be=None),
        a_line("cheaper", was=4_000, would_be=3_000),
    ]

    assert [line.line_id for line in most_changed(lines)] == ["nowhere", "cheaper", "dearer", "slower"]
    assert [line.line_id for line in most_changed(lines, most=2)] == ["nowhere", "cheaper"]


def test_lines_that_go_another_way_are_compared() -> None:
    run = an_archived_run(*some_orders(3))
    plan = (run.chosen[0], UNROUTED, run.chosen[2])

    (found,) = changed_lines(run, plan, (0, 1, 2))

    assert (found.line_id, found.order_id, found.as_would_be) == ("line_1", run.lines[1].order_id, None)
    assert found.as_was == LineFigures(
        node_ids=("N1",),
        landed_minor=3_362,
        minutes=int(run.minutes[run.chosen[1]]),
        co2e_g=int(run.co2e_g[run.chosen[1]]),
    )


def test_what_is_kept_between_turns_is_read_back_as_it_was() -> None:
    compared = ComparedRun(
        run_id="run_1",
        at=MONDAY_MORNING,
        as_was=PlanFigures(lines=2),
        as_would_be=PlanFigures(lines=2, unrouted=1),
        moved=1,
        proven=False,
        nodes_as_was={"N1": 2},
        nodes_as_would_be={"N1": 1},
    )
    state = ShadowState(
        queue=("run_2", "run_3"),
        runs=(compared,),
        skipped={"run_0": "its archive is gone"},
        lines=(a_line("line_1", was=4_000, would_be=None), a_line("line_2", was=4_000, would_be=4_100)),
        placed={"line_1": Placement(at=MONDAY_MORNING, organisation_id=OWNER, revision_id="rev_1", pieces={"N1": 2})},
        carried=Carried(minutes={("N1-A", MONDAY): -7}, grams={"lot_N1": 3}, taken={("N1-A", MONDAY): 9}),
        attempt=4,
    )

    kept = json.loads(json.dumps(state.document(is_over=False)))

    assert state_of(kept) == state
    assert kept["total"]["moved"] == 1
    assert [line["line_id"] for line in state.document(is_over=True)["lines"]] == ["line_1", "line_2"]
    assert kept["nodes"] == [{"node_id": "N1", "as_was_lines": 2, "as_would_be_lines": 1}]
    assert "state" not in state.document(is_over=True)
