"""Policies, revision caps and price caps as quotas: limits, weights, and plans against counting by hand."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import floor
from random import Random

import numpy as np
import pytest

from fabroute.routing.rules.policies import MinimumShare, PlacedShares, PolicyView, ShareCap
from fabroute.routing.service.options import LineChoices, Option
from fabroute.routing.service.problem import JointProblem, Supply, joint_problem
from fabroute.routing.service.quotas import NO_SHARES, ShareFacts, cap_limit
from fabroute.solver.engines import solve
from fabroute.solver.limits import SolveLimits
from fabroute.solver.plan import UNROUTED, PlanStatus, plan_cost
from fabroute.solver.problem import HARD
from fabroute.solver.verify import verify_plan
from tests.factories.routing import a_claimed_line, a_node_view, a_way, an_option, some_choices

OWNER = "org_owner"
LIMITS = SolveLimits(seed=1, deterministic_seconds=2.0, wall_seconds=20.0)
KINDS = {"N1": "in_house", "N2": "service_bureau", "N3": "service_bureau"}
PRICES = {"N1": 1_000, "N2": 1_100, "N3": 1_300}


def an_offer(node_id: str, *, minor: int) -> Option:
    """An option at a node for so much, without freight, in two days."""
    node = a_node_view(node_id=node_id, city=node_id)
    return an_option(a_way(node=node, production_minor=minor, freight_minor=0, minutes=10, hours_to_delivery=(48,)))


def some_lines(count: int, *, quantity: int = 1, prices: dict[str, int] = PRICES) -> list[LineChoices]:
    """Lines that may go to three nodes, at the same prices."""
    return [
        some_choices(
            a_claimed_line(line_id=f"line_{number}", quantity=quantity),
            *(an_offer(node_id, minor=minor) for node_id, minor in prices.items()),
        )
        for number in range(count)
    ]


def joint_of(choices: Sequence[LineChoices], facts: ShareFacts) -> JointProblem:
    """The joint problem on a network with time and material for everything."""
    nodes = {option.way.node.node_id for each in choices for option in each.options}
    supply = Supply(
        minutes={f"{node_id}-A": np.array([100_000]) for node_id in nodes},
        grams={f"lot_{node_id}": 1_000_000 for node_id in nodes},
    )
    return joint_problem(choices, supply=supply, buckets=1, shares=facts)


def under(policy: PolicyView, **used: PlacedShares) -> ShareFacts:
    """What shares are counted by under one owner's policy; ``used`` of the window of 30 days."""
    return ShareFacts(
        policies={OWNER: policy},
        kinds=KINDS,
        used={(OWNER, 30): used["used"]} if used else {},
    )


def capped(*caps: ShareCap, minimum_shares: tuple[MinimumShare, ...] = ()) -> PolicyView:
    return PolicyView(organisation_id=OWNER, version=1, caps=caps, minimum_shares=minimum_shares)


def nodes_of(joint: JointProblem) -> Counter[str]:
    """Where the lines of the best plan go, which must keep every rule."""
    plan = solve(joint.problem, LIMITS)
    assert plan.status is PlanStatus.OPTIMAL
    assert verify_plan(joint.problem, plan) == ()
    return Counter(option.way.node.node_id for option in joint.chosen(plan.chosen).values())


# ---------------------------------------------------------------- limits


@pytest.mark.parametrize(
    ("share", "total", "used", "least", "limit"),
    [
        (0.4, 10, 0, 1, 4),
        (0.4, 12, 0, 1, 4),  # 4.8: never over the share
        (0.4, 10, 3, 1, 1),
        (0.4, 10, 4, 1, 0),
        (0.4, 10, 7, 1, 0),  # over it already
        (0.4, 1, 0, 1, 1),  # the first line of a window has a place
        (0.4, 2, 1, 1, 0),
        (0.5, 100, 0, 60, 60),  # one line of sixty pieces, the smallest
        (0.5, 100, 10, 60, 40),
        (0.29, 100, 0, 1, 29),
    ],
)
def test_a_cap_leaves_its_share_less_what_is_used(share: float, total: int, used: int, least: int, limit: int) -> None:
    assert cap_limit(share, total=total, used=used, least=least) == limit
    assert cap_limit(share, total=total, used=used + limit, least=1) == 0 or used == 0 < limit


def test_without_policies_there_are_no_quotas() -> None:
    joint = joint_of(some_lines(5), NO_SHARES)

    assert joint.rules == ()
    assert joint.problem.is_plain
    assert nodes_of(joint) == {"N1": 5}


def test_quotas_that_nothing_can_break_are_left_out() -> None:
    loose = capped(ShareCap(node_id="N1", share=0.99), ShareCap(node_id="N2", share=0.4))
    joint = joint_of(some_lines(1), under(loose))

    assert joint.rules == ()  # one line is never too much
    assert joint.problem.is_plain
    assert [rule.subject for rule in joint_of(some_lines(5), under(loose)).rules] == ["N1", "N2"]


def test_a_cap_on_any_node_is_a_quota_for_each_that_lines_can_go_to() -> None:
    joint = joint_of(some_lines(10), under(capped(ShareCap(node_id=None, share=0.4))))

    assert [(rule.subject, rule.limit, rule.total) for rule in joint.rules] == [(it, 4, 10) for it in PRICES]
    assert joint.problem.quota_limit.tolist() == [4, 4, 4]
    assert joint.problem.quota_excess_cost.tolist() == [HARD] * 3
    assert joint.problem.share_weight.tolist() == [1] * 30


# ---------------------------------------------------------------- worked by hand


def test_forty_percent_of_ten_lines_cost_what_the_next_nodes_take_more() -> None:
    """Four at 10.00, four at 11.00 and two at 13.00: 110.00 instead of 100.00, 10.00 for the cap."""
    free, bound = (
        joint_of(some_lines(10), NO_SHARES),
        joint_of(some_lines(10), under(capped(ShareCap(node_id=None, share=0.4)))),
    )

    assert nodes_of(bound) == {"N1": 4, "N2": 4, "N3": 2}
    difference = solve(bound.problem, LIMITS).cost - solve(free.problem, LIMITS).cost
    assert difference == (4 * 100 + 2 * 300) * 1_000


def test_pieces_are_capped_by_pieces() -> None:
    """Of 10 + 2 + 2 pieces half is 7: the two small lines fit together, the large one does not."""
    lines = [*some_lines(1, quantity=10), *some_lines(2, quantity=2)]
    lines = [replace(it, line=replace(it.line, line_id=f"line_{number}")) for number, it in enumerate(lines)]
    joint = joint_of(lines, under(capped(ShareCap(node_id="N1", share=0.5, unit="pieces"))))
    plan = solve(joint.problem, LIMITS)

    assert [(rule.limit, rule.total, rule.unit) for rule in joint.rules] == [(7, 14, "pieces")]
    chosen = joint.chosen(plan.chosen)
    assert {line_id: option.way.node.node_id for line_id, option in chosen.items()} == {
        "line_0": "N2",
        "line_1": "N1",
        "line_2": "N1",
    }


def test_what_was_decided_within_the_window_is_counted() -> None:
    used = PlacedShares(lines={"N1": 3, "N9": 2}, pieces={"N1": 3, "N9": 2}, total_lines=5, total_pieces=5)
    joint = joint_of(some_lines(5), under(capped(ShareCap(node_id="N1", share=0.4)), used=used))

    (rule,) = joint.rules
    assert (rule.total, rule.used, rule.limit) == (10, 3, 1)
    assert nodes_of(joint) == {"N1": 1, "N2": 4}


def test_a_soft_cap_is_exceeded_where_its_price_is_lower_than_the_detour() -> None:
    """A detour costs 1.00: at 0.99 for each line over it the cap is exceeded, at 1.01 it is kept."""
    cheap, dear = (
        joint_of(some_lines(4), under(capped(ShareCap(node_id="N1", share=0.5, excess_minor=minor))))
        for minor in (99, 101)
    )

    assert nodes_of(cheap) == {"N1": 4}
    assert nodes_of(dear) == {"N1": 2, "N2": 2}
    assert solve(cheap.problem, LIMITS).cost == 4 * 1_000_048 + 2 * 99_000


def test_a_line_is_never_left_out_to_save_the_price_of_a_share() -> None:
    """A shortfall at 5,000 € a line, and no option in house: every line has a place all the same."""
    minimum = MinimumShare(kind="in_house", share=1.0, shortfall_minor=500_000)
    lines = some_lines(3, prices={"N2": 1_100, "N3": 1_300})
    joint = joint_of(lines, under(capped(minimum_shares=(minimum,))))

    assert nodes_of(joint) == {"N2": 3}
    assert solve(joint.problem, LIMITS).cost == 3 * (1_100_048 + 500_000_000)
    assert joint.problem.unrouted_cost.min() > 501_100_048


def test_a_minimum_share_is_a_price_on_all_other_nodes() -> None:
    """Three of ten at N3 cost 3.00 more each: worth it at 3.01 a shortfall, not at 2.99."""
    met, missed = (
        joint_of(
            some_lines(10),
            under(capped(minimum_shares=(MinimumShare(node_id="N3", share=0.3, shortfall_minor=minor),))),
        )
        for minor in (301, 299)
    )

    assert [(rule.kind, rule.subject, rule.limit) for rule in met.rules] == [("minimum", "N3", 7)]
    assert nodes_of(met) == {"N1": 7, "N3": 3}
    assert nodes_of(missed) == {"N1": 10}


def test_a_minimum_of_pieces_weighs_pieces() -> None:
    minimum = MinimumShare(node_id="N3", share=0.5, shortfall_minor=100, unit="pieces")
    joint = joint_of(some_lines(2, quantity=4), under(capped(minimum_shares=(minimum,))))

    (rule,) = joint.rules
    assert (rule.limit, rule.total, rule.unit) == (4, 8, "pieces")
    assert nodes_of(joint) == {"N1": 1, "N3": 1}  # 3.00 more instead of four pieces at 1.00


def test_only_the_owners_own_lines_count() -> None:
    own = some_lines(2)
    other = [
        replace(it, line=replace(it.line, organisation_id="org_other", line_id=f"o{it.line.line_id}")) for it in own
    ]
    joint = joint_of([*own, *other], under(capped(ShareCap(node_id=None, share=0.5))))

    assert {rule.total for rule in joint.rules} == {2}
    assert nodes_of(joint) == {"N1": 3, "N2": 1}


def test_a_cap_that_no_line_has_a_place_under_leaves_them_out() -> None:
    used = PlacedShares(lines={"N1": 9}, pieces={"N1": 9}, total_lines=9, total_pieces=9)
    lines = some_lines(3, prices={"N1": 1_000})
    joint = joint_of(lines, under(capped(ShareCap(node_id=None, share=0.5)), used=used))

    plan = solve(joint.problem, LIMITS)
    assert plan.chosen == (UNROUTED,) * 3
    assert plan.status is PlanStatus.OPTIMAL


def test_the_share_cap_of_a_revision_counts_its_pieces_of_a_year() -> None:
    year = PlacedShares(lines={"N1": 1}, pieces={"N1": 6}, total_lines=1, total_pieces=6)
    facts = ShareFacts(revision_caps={"rev_1": 0.5}, used={("rev_1", 365): year}, kinds=KINDS)
    joint = joint_of(some_lines(3, quantity=2), facts)

    assert [(rule.kind, rule.rule, rule.subject, rule.limit, rule.total) for rule in joint.rules] == [
        ("ip", "ip:rev_1", "N1", 0, 12),
    ]
    assert nodes_of(joint) == {"N2": 3}  # six of twelve pieces are at N1 already


# ---------------------------------------------------------------- price caps


def an_order(*prices: tuple[int, ...], cap_minor: int) -> list[LineChoices]:
    """The lines of one order, each with options at these prices."""
    return [
        some_choices(
            a_claimed_line(line_id=f"line_{number}", order_id="ord_1", max_price_minor=cap_minor),
            *(an_offer(f"N{node}", minor=minor) for node, minor in enumerate(of_line, start=1)),
        )
        for number, of_line in enumerate(prices)
    ]


def test_the_lines_of_an_order_share_its_cap_as_suits_them_together() -> None:
    """30.00 for both: either line may take what the other leaves, which fixed halves would have forbidden."""
    joint = joint_of(an_order((1_000, 1_800), (1_000, 1_900), cap_minor=3_000), NO_SHARES)

    (rule,) = joint.rules
    assert (rule.kind, rule.subject, rule.limit, rule.unit) == ("price", "ord_1", 3_000, "minor")
    assert joint.problem.share_weight.tolist() == [1_000, 1_800, 1_000, 1_900]
    both_dear = replace(joint.problem, option_cost=np.array([9_000, 1, 9_000, 1]))
    assert sorted(solve(both_dear, LIMITS).chosen) in ([0, 3], [1, 2])


def test_what_other_lines_of_the_order_cost_is_taken_off_its_cap() -> None:
    joint = joint_of(
        an_order((1_000, 1_800), (1_000, 1_900), cap_minor=5_000), ShareFacts(spent_minor={"ord_1": 2_500})
    )

    (rule,) = joint.rules
    assert (rule.limit, rule.used, rule.total) == (2_500, 2_500, 5_000)


def test_one_line_alone_or_a_cap_that_is_never_reached_needs_no_quota() -> None:
    assert joint_of(an_order((1_000, 1_800), cap_minor=1_900), NO_SHARES).rules == ()
    assert joint_of(an_order((1_000, 1_800), (1_000, 1_900), cap_minor=3_700), NO_SHARES).rules == ()
    assert len(joint_of(an_order((1_000, 1_800), (1_000, 1_900), cap_minor=3_699), NO_SHARES).rules) == 1


# ---------------------------------------------------------------- brute force


def allowed_by_hand(policy: PolicyView, used: PlacedShares, lines: Sequence[int], places: Sequence[str | None]) -> bool:
    """Whether a plan keeps the hard caps of a policy, counted anew from its words.

    ``lines`` are quantities, ``places`` nodes; a node that has nothing of the window may take one smallest line.
    """
    for cap in policy.caps:
        counts = [1 if cap.unit == "lines" else quantity for quantity in lines]
        everything = used.total(cap.unit) + sum(counts)
        for node_id in {place for place in places if place is not None}:
            if cap.node_id not in (None, node_id) or cap.excess_minor is not None:
                continue
            before = used.at(node_id, cap.unit)
            new = sum(count for count, place in zip(counts, places, strict=True) if place == node_id)
            most = floor(Fraction(str(cap.share)) * everything)
            if new and before + new > (most if before else max(most, min(counts))):
                return False
    return True


def price_by_hand(policy: PolicyView, used: PlacedShares, lines: Sequence[int], places: Sequence[str | None]) -> int:
    """What soft rules add to a plan, in milli-minor."""
    price = 0
    for minimum in policy.minimum_shares:
        counts = [1 if minimum.unit == "lines" else quantity for quantity in lines]
        everything = used.total(minimum.unit) + sum(counts)
        elsewhere = used.total(minimum.unit) - used.at(str(minimum.node_id), minimum.unit)
        room = max(0, floor(everything - Fraction(str(minimum.share)) * everything) - elsewhere)
        new = sum(count for count, place in zip(counts, places, strict=True) if place not in (None, minimum.node_id))
        price += max(0, new - room) * minimum.shortfall_minor * 1_000
    return price


@pytest.mark.parametrize("seed", range(12))
def test_plans_under_random_policies_are_those_of_brute_force(seed: int) -> None:
    random = Random(seed)
    unit = random.choice(("lines", "pieces"))
    caps = (
        ShareCap(node_id=None, share=random.choice((0.34, 0.5, 0.6)), unit="lines"),
        ShareCap(node_id=random.choice(("N1", "N2")), share=random.choice((0.2, 0.3, 0.45)), unit="pieces"),
    )
    minimum = MinimumShare(
        node_id="N3", share=random.choice((0.2, 0.5)), shortfall_minor=random.choice((120, 350)),
        unit="pieces" if unit == "pieces" else "lines",
    )  # fmt: skip
    policy = capped(*caps[: random.randint(1, 2)], minimum_shares=(minimum,) if random.random() < 0.7 else ())
    used = PlacedShares(
        lines={"N1": random.randint(0, 2), "N2": 1}, pieces={"N1": random.randint(0, 5), "N2": 2},
        total_lines=4, total_pieces=9,
    )  # fmt: skip
    lines = [
        some_choices(
            a_claimed_line(line_id=f"line_{number}", quantity=random.randint(1, 4)),
            *(an_offer(node_id, minor=random.randint(800, 1_600)) for node_id in ("N1", "N2", "N3")),
        )
        for number in range(5)
    ]
    joint = joint_of(lines, under(policy, used=used))
    plan = solve(joint.problem, LIMITS)

    quantities = [each.line.quantity for each in lines]
    best = None
    for picks in product((None, 0, 1, 2), repeat=5):
        places = [
            None if pick is None else each.options[pick].way.node.node_id
            for each, pick in zip(lines, picks, strict=True)
        ]
        if allowed_by_hand(policy, used, quantities, places):
            cost = price_by_hand(policy, used, quantities, places) + sum(
                int(joint.problem.unrouted_cost[number]) if pick is None else each.options[pick].cost_millis
                for number, (each, pick) in enumerate(zip(lines, picks, strict=True))
            )
            best = cost if best is None else min(best, cost)
    assert plan.status is PlanStatus.OPTIMAL
    assert plan.cost == best == plan_cost(joint.problem, plan.chosen)
    assert verify_plan(joint.problem, plan) == ()
