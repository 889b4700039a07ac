"""What rules cost: worked by hand, against other owners' lines, within their time."""

from dataclasses import replace

import numpy as np
import pytest

from fabroute.routing.rules import WEIGHTS, ObjectiveWeights, generalised_cost_millis
from fabroute.routing.rules.policies import MinimumShare, PolicyView, ShareCap
from fabroute.routing.service.archive import ArchivedRun
from fabroute.routing.service.policy_costs import RuleCost, rule_in_words
from fabroute.routing.service.rule_prices import price_rules
from fabroute.routing.service.variants import options_of, weighed_anew, with_options, without_quotas
from fabroute.solver.plan import UNROUTED, plan_cost
from tests.factories.archives import OWNER, a_policy, an_archived_run, some_orders

SECOND, THIRD = 233, 466
"""What two clips cost more at the second and the third node: 33.62, 35.95 and 38.28."""


def costs(run: ArchivedRun, *, seconds: float = 20.0) -> dict[tuple[str, str], RuleCost]:
    """The price of each rule, with as much time as it takes."""
    return {(cost.organisation_id, cost.rule): cost for cost in price_rules(run, elapsed_seconds=seconds)}


def test_a_forty_percent_cap_costs_what_six_of_ten_lines_pay_more_elsewhere() -> None:
    """Four lines at 33.62, four at 35.95 and two at 38.28: 4 × 2.33 + 2 × 4.66 = 18.64 for the cap."""
    run = an_archived_run(*some_orders(10), policies=(a_policy(ShareCap(node_id=None, share=0.4)),))

    (cost,) = costs(run).values()

    assert cost == RuleCost(
        organisation_id=OWNER,
        rule="cap:any:lines",
        policy_version=1,
        lines=6,
        landed_minor=4 * SECOND + 2 * THIRD,
        cost_millis=(4 * SECOND + 2 * THIRD) * 1_000,
        proven=True,
    )


def test_each_rule_has_its_own_price_with_all_others_kept() -> None:
    """With a cap of two at N1 and of two at N2, one line goes to N3; without either, to the node that is then free."""
    caps = (ShareCap(node_id="N1", share=0.4), ShareCap(node_id="N2", share=0.4))
    run = an_archived_run(*some_orders(5), policies=(a_policy(*caps),))

    found = costs(run)

    assert found[OWNER, "cap:N1:lines"].landed_minor == 2 * SECOND + THIRD
    assert found[OWNER, "cap:N2:lines"].landed_minor == THIRD - SECOND
    assert [found[OWNER, f"cap:{node}:lines"].lines for node in ("N1", "N2")] == [3, 1]


def test_a_minimum_share_costs_the_detour() -> None:
    minimum = MinimumShare(node_id="N3", share=0.5, shortfall_minor=1_000)
    run = an_archived_run(*some_orders(4), policies=(a_policy(minimum_shares=(minimum,)),))

    (cost,) = costs(run).values()

    assert (cost.rule, cost.lines, cost.landed_minor) == ("minimum:N3:lines", 2, 2 * THIRD)
    assert (cost.cost_millis, cost.proven) == (2 * THIRD * 1_000, True)


def test_a_minimum_share_that_is_missed_costs_nothing_because_nobody_pays_for_its_shortfall() -> None:
    minimum = MinimumShare(node_id="N3", share=0.5, shortfall_minor=400)
    run = an_archived_run(*some_orders(4), policies=(a_policy(minimum_shares=(minimum,)),))

    (cost,) = costs(run).values()

    assert (cost.lines, cost.landed_minor, cost.cost_millis) == (0, 0, 0)
    assert {run.node_of(option) for option in run.chosen} == {"N1"}


def test_rules_that_can_not_bite_have_no_price() -> None:
    loose = a_policy(ShareCap(node_id="N3", share=0.9))

    assert costs(an_archived_run(*some_orders(1), policies=(loose,))) == {}
    assert costs(an_archived_run(*some_orders(3))) == {}


def test_lines_of_other_owners_stay_where_they_are() -> None:
    """Another owner's line took the only time at N1: without its cap, the owner's lines can't have that either."""
    lines = (*some_orders(1, owner="org_other", prefix="other"), *some_orders(2))
    minutes = {"N1-A": (7,) + (0,) * 13}
    run = an_archived_run(*lines, policies=(a_policy(ShareCap(node_id="N2", share=0.4)),), free_minutes=minutes)

    found = costs(run)

    at_n1 = [line for line, option in enumerate(run.chosen) if run.node_of(option) == "N1"]
    assert len(at_n1) == 1
    (cost,) = found.values()
    assert cost.organisation_id == OWNER
    assert cost.landed_minor in (0, THIRD - SECOND)
    assert cost.lines <= 1


def test_a_line_left_out_counts_as_a_line_and_in_the_cost_but_not_as_money() -> None:
    run = an_archived_run(*some_orders(4), policies=(a_policy(ShareCap(node_id="N1", share=0.5)),))
    nowhere = replace(run, chosen=tuple(UNROUTED if run.node_of(it) == "N2" else it for it in run.chosen))

    (cost,) = costs(nowhere).values()

    assert (cost.lines, cost.landed_minor) == (2, 0)
    one = int(run.problem.option_cost[run.chosen[0]])
    assert cost.cost_millis <= 2 * (int(run.problem.unrouted_cost[0]) - one) + 48_000
    assert cost.cost_millis >= 2 * (int(run.problem.unrouted_cost[0]) - one) - 48_000


def test_without_time_a_rule_costs_what_is_known_and_never_less_than_nothing() -> None:
    run = an_archived_run(*some_orders(10), policies=(a_policy(ShareCap(node_id=None, share=0.4)),))

    (cost,) = costs(run, seconds=0.0).values()

    assert 0 <= cost.cost_millis <= 1_864_000
    assert cost.lines <= 6


# ---------------------------------------------------------------- weights


HURRY = ObjectiveWeights(millis_per_hour=50_000, millis_per_co2e_gram=0, millis_per_late_hour=100_000)


def test_weights_are_priced_in_the_usual_ones() -> None:
    policy = PolicyView(organisation_id=OWNER, version=3, weights={"cheapest": HURRY})
    run = an_archived_run(*some_orders(1), policies=(policy,))

    (cost,) = costs(run).values()

    usual = replace(run, policies={})
    cheapest = min(
        generalised_cost_millis(
            WEIGHTS["cheapest"],
            landed_minor=int(run.landed_minor[option]),
            minutes=int(run.minutes[option]),
            co2e_g=int(run.co2e_g[option]),
        )
        for option in range(run.problem.option_count)
    )
    chosen = run.chosen[0]
    paid = int(weighed_anew(run, {})[chosen])
    assert (cost.rule, cost.policy_version) == ("weights:cheapest", 3)
    assert cost.cost_millis == paid - cheapest
    assert weighed_anew(usual, {}).tolist() == run.problem.option_cost.tolist()


def test_weighing_anew_is_the_formula_of_costs() -> None:
    lines = some_orders(1, objective="balanced")
    run = an_archived_run(*lines)
    policy = PolicyView(organisation_id=OWNER, weights={"balanced": HURRY})

    found = weighed_anew(run, {OWNER: policy})

    by_formula = [
        generalised_cost_millis(HURRY, landed_minor=landed, minutes=minutes, co2e_g=grams)
        for landed, minutes, grams in zip(
            run.landed_minor.tolist(), run.minutes.tolist(), run.co2e_g.tolist(), strict=True
        )
    ]
    assert found.tolist() == by_formula
    assert weighed_anew(run, {"org_other": policy}).tolist() == run.problem.option_cost.tolist()


@pytest.mark.parametrize(("hard", "late_hours"), [(True, 0), (False, 24)])
def test_only_a_need_by_that_may_be_missed_has_late_hours(hard: bool, late_hours: int) -> None:
    run = an_archived_run(*some_orders(1))
    due = replace(run.lines[0], need_by_minutes=int(run.minutes[0]) - 24 * 60, need_by_hard=hard)
    late = ObjectiveWeights(millis_per_hour=0, millis_per_co2e_gram=0, millis_per_late_hour=100_001)
    policy = PolicyView(organisation_id=OWNER, weights={"cheapest": late})

    found = weighed_anew(replace(run, lines=(due,)), {OWNER: policy})

    assert int(found[0] - run.problem.option_cost[0]) == late_hours
    assert run.lines[0].objective == "cheapest"


# ---------------------------------------------------------------- variants


def test_a_problem_with_fewer_options_is_the_same_for_those_it_keeps() -> None:
    run = an_archived_run(*some_orders(5), policies=(a_policy(ShareCap(node_id=None, share=0.4)),))
    keep = np.zeros(run.problem.option_count, dtype=np.bool_)
    keep[list(run.chosen)] = True

    part = with_options(run.problem, keep)

    inner = part.from_outer(run.chosen)
    assert part.problem.option_count == 5
    assert plan_cost(part.problem, inner) == plan_cost(run.problem, run.chosen)
    assert part.into_outer(inner) == run.chosen
    assert part.from_outer((UNROUTED,) * 5) == part.into_outer((UNROUTED,) * 5) == (UNROUTED,) * 5


def test_a_problem_without_some_quotas_keeps_the_others() -> None:
    caps = (ShareCap(node_id="N1", share=0.4), ShareCap(node_id="N2", share=0.2))
    run = an_archived_run(*some_orders(5), policies=(a_policy(*caps),))

    left = without_quotas(run.problem, np.array([True, False]))

    assert run.problem.quota_limit.tolist() == [2, 1]
    assert left.quota_limit.tolist() == [1]
    assert set(left.share_quota.tolist()) == {0}
    assert without_quotas(run.problem, np.array([True, True])).is_plain


def test_an_owners_part_of_a_plan_is_its_options_and_what_all_others_take() -> None:
    run = an_archived_run(*some_orders(2), *some_orders(1, owner="org_other", prefix="other"))

    keep = options_of(run, OWNER)

    own = run.problem.option_line < 2
    assert keep[own].all()
    assert np.flatnonzero(keep & ~own).tolist() == [run.chosen[2]]


# ---------------------------------------------------------------- words


def test_rules_are_called_as_people_call_them() -> None:
    policy = a_policy(
        ShareCap(node_id=None, share=0.4),
        ShareCap(node_id="N1", share=0.25, unit="pieces"),
        minimum_shares=(MinimumShare(kind="in_house", share=0.3, shortfall_minor=1),),
    )

    assert rule_in_words(policy, "cap:any:lines") == "the 40% cap on lines at any single node"
    assert rule_in_words(policy, "cap:N1:pieces") == "the 25% cap on pieces at N1"
    assert rule_in_words(policy, "minimum:in_house:lines") == "the minimum of 30% of the lines at in_house"
    assert rule_in_words(policy, "weights:balanced") == "the weights for balanced"
    assert rule_in_words(policy, "ip:rev_1") == "the share cap of revision rev_1"
    assert rule_in_words(policy, "cap:N9:lines") == "cap:N9:lines"
