"""Policies as data: what they hold, what they count, and what contradicts."""

from dataclasses import replace

import pytest

from fabroute.routing.rules import WEIGHTS, ObjectiveWeights
from fabroute.routing.rules.contradictions import policy_problems
from fabroute.routing.rules.policies import (
    DEFAULT_POLICY,
    MinimumShare,
    PlacedShares,
    PolicyView,
    ShareCap,
    added_shares,
    document_of,
    part_of,
    policy_for,
    policy_of,
)

KINDS = {"N1": "in_house", "N2": "service_bureau", "N3": "service_bureau", "N4": "regional_hub"}
DEAR = ObjectiveWeights(millis_per_hour=5, millis_per_co2e_gram=6, millis_per_late_hour=7)


def a_minimum(
    *, node_id: str | None = None, kind: str | None = None, share: float = 0.5, unit: str = "lines"
) -> MinimumShare:
    return MinimumShare(
        node_id=node_id, kind=kind, share=share, shortfall_minor=100, unit="pieces" if unit == "pieces" else "lines"
    )


def problems_of(*caps: ShareCap, minimum_shares: tuple[MinimumShare, ...] = ()) -> list[tuple[str, str]]:
    policy = PolicyView(organisation_id="org_1", caps=caps, minimum_shares=minimum_shares)
    return [(problem.pointer, problem.message) for problem in policy_problems(policy, kinds=KINDS)]


# ---------------------------------------------------------------- what a policy holds


def test_whoever_has_stated_nothing_has_the_usual_policy() -> None:
    assert policy_for({}, "org_1") is DEFAULT_POLICY
    assert (DEFAULT_POLICY.version, DEFAULT_POLICY.stability_minor) == (0, 200)
    assert DEFAULT_POLICY.consolidation_window_hours == 0
    assert {objective: DEFAULT_POLICY.weights_for(objective) for objective in WEIGHTS} == dict(WEIGHTS)


def test_weights_are_overridden_objective_by_objective() -> None:
    policy = PolicyView(weights={"fastest": DEAR})

    assert policy.weights_for("fastest") == DEAR
    assert policy.weights_for("cheapest") == WEIGHTS["cheapest"]


def test_rules_have_names_that_say_what_they_are() -> None:
    assert ShareCap(node_id=None, share=0.4).rule == "cap:any:lines"
    assert ShareCap(node_id="N1", share=0.4, unit="pieces").rule == "cap:N1:pieces"
    assert a_minimum(kind="in_house").rule == "minimum:in_house:lines"
    assert a_minimum(node_id="N2", unit="pieces").rule == "minimum:N2:pieces"


def test_a_policy_is_read_back_as_it_was_kept() -> None:
    policy = PolicyView(
        organisation_id="org_1",
        version=4,
        weights={"greenest": DEAR},
        caps=(ShareCap(node_id="N1", share=0.3, window_days=7, unit="pieces", excess_minor=5),),
        minimum_shares=(a_minimum(kind="in_house", share=0.2),),
        consolidation_window_hours=12,
        stability_minor=300,
    )

    assert policy_of(document_of(policy), organisation_id="org_1", version=4) == policy
    assert document_of(replace(policy, version=9)) == document_of(policy)
    assert policy.windows == {7, 30}


# ---------------------------------------------------------------- what is counted


def test_a_share_of_a_whole_is_exact() -> None:
    assert part_of(0.4, 10) == 4
    assert part_of(0.1, 30) == 3
    assert part_of(0.29, 100) == 29  # in floating point 28.999999999999996


def test_placements_add_up_by_node_and_split_lines_count_at_each_of_their_nodes() -> None:
    shares = added_shares([({"N1": 5}, 3), ({"N1": 2, "N2": 8}, 1), ({"N2": 1}, 2)])

    assert shares.lines == {"N1": 4, "N2": 3}
    assert shares.pieces == {"N1": 17, "N2": 10}
    assert (shares.total("lines"), shares.total("pieces")) == (6, 27)
    assert (shares.at("N1", "lines"), shares.at("N2", "pieces"), shares.at("N9", "pieces")) == (4, 10, 0)


def test_nothing_placed_is_nothing_anywhere() -> None:
    assert added_shares([]) == PlacedShares()
    assert PlacedShares().at("N1", "lines") == PlacedShares().total("pieces") == 0


# ---------------------------------------------------------------- what contradicts


def test_a_policy_without_contradictions_has_no_problems() -> None:
    caps = (ShareCap(node_id=None, share=0.4), ShareCap(node_id="N2", share=0.2))

    assert problems_of(*caps, minimum_shares=(a_minimum(kind="in_house", share=0.4),)) == []
    assert problems_of() == []


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 1.5])
def test_a_cap_is_between_nothing_and_all(share: float) -> None:
    found = dict(problems_of(ShareCap(node_id="N1", share=share)))

    assert "a cap is over 0 and under 1, such as 0.4 for 40 %" in found["/caps/0/share"]
    assert f"is {share:g}" in found["/caps/0/share"]


def test_a_minimum_share_may_be_all_but_not_more() -> None:
    assert problems_of(minimum_shares=(a_minimum(node_id="N1", share=1.0),)) == []
    found = dict(problems_of(minimum_shares=(a_minimum(node_id="N1", share=1.1),)))
    assert "is 1.1: a minimum share is over 0 and at most 1" in found["/minimum_shares/0/share"]


@pytest.mark.parametrize(("node_id", "kind"), [(None, None), ("N1", "in_house")])
def test_a_minimum_share_goes_to_a_node_or_to_a_kind(node_id: str | None, kind: str | None) -> None:
    found = problems_of(minimum_shares=(a_minimum(node_id=node_id, kind=kind),))

    assert found == [("/minimum_shares/0", "needs either node_id or kind: where the share has to go")]


def test_nodes_and_kinds_that_are_not_there_are_named() -> None:
    found = problems_of(
        ShareCap(node_id="N8", share=0.5),
        minimum_shares=(a_minimum(node_id="N9", share=0.1), a_minimum(kind="moon_base", share=0.1)),
    )

    assert found == [
        ("/caps/0/node_id", "there is no node N8: GET /v1/nodes lists them"),
        ("/minimum_shares/0/node_id", "there is no node N9: GET /v1/nodes lists them"),
        (
            "/minimum_shares/1/kind",
            "there is no node of the kind moon_base: the network has in_house, regional_hub, service_bureau",
        ),
    ]


def test_weights_are_for_objectives_that_there_are() -> None:
    policy = PolicyView(weights={"prettiest": DEAR})

    (problem,) = policy_problems(policy, kinds=KINDS)
    assert problem.pointer == "/weights/prettiest"
    assert problem.message == "is no objective: weights are stated for cheapest, fastest, balanced, greenest"


def test_a_rule_is_stated_once() -> None:
    caps = (ShareCap(node_id="N1", share=0.5), ShareCap(node_id="N1", share=0.4, window_days=7))
    twice = (a_minimum(kind="in_house", share=0.2), a_minimum(kind="in_house", share=0.3))

    assert problems_of(*caps) == [("/caps/1", "repeats cap:N1:lines: state each rule once")]
    assert ("/minimum_shares/1", "repeats minimum:in_house:lines: state each rule once") in problems_of(
        minimum_shares=twice
    )


def test_a_minimum_over_the_cap_of_its_node_contradicts() -> None:
    found = problems_of(ShareCap(node_id="N1", share=0.4), minimum_shares=(a_minimum(node_id="N1", share=0.7),))

    assert found == [
        (
            "/minimum_shares/0/share",
            "wants 70% of the lines at N1, the caps allow 40%: lower the minimum share or raise the cap",
        )
    ]
    assert problems_of(ShareCap(node_id="N1", share=0.7), minimum_shares=(a_minimum(node_id="N1", share=0.7),)) == []


def test_a_minimum_over_the_cap_on_any_node_contradicts() -> None:
    any_node = ShareCap(node_id=None, share=0.3)

    assert [pointer for pointer, _ in problems_of(any_node, minimum_shares=(a_minimum(node_id="N1", share=0.4),))] == [
        "/minimum_shares/0/share"
    ]
    # Two bureaus may have 60 % together, one house 30 %.
    assert problems_of(any_node, minimum_shares=(a_minimum(kind="service_bureau", share=0.6),)) == []
    found = dict(problems_of(any_node, minimum_shares=(a_minimum(kind="in_house", share=0.6),)))
    assert "at nodes of the kind in_house, the caps allow 30%" in found["/minimum_shares/0/share"]


def test_lines_and_pieces_do_not_contradict_each_other() -> None:
    cap = ShareCap(node_id="N1", share=0.4, unit="pieces")

    assert problems_of(cap, minimum_shares=(a_minimum(node_id="N1", share=0.7),)) == []
    assert len(problems_of(cap, minimum_shares=(a_minimum(node_id="N1", share=0.7, unit="pieces"),))) == 1


def test_minimum_shares_over_the_whole_contradict() -> None:
    shares = (a_minimum(node_id="N1", share=0.6), a_minimum(node_id="N2", share=0.5))

    assert problems_of(minimum_shares=shares) == [
        ("/minimum_shares", "add up to 110% of the lines: lower them to 100 % or less together")
    ]
    assert problems_of(minimum_shares=(shares[0], a_minimum(node_id="N2", share=0.4))) == []


def test_a_nodes_minimum_counts_towards_that_of_its_kind() -> None:
    house, node = a_minimum(kind="in_house", share=0.7), a_minimum(node_id="N1", share=0.6)
    hub = a_minimum(kind="regional_hub", share=0.3)

    assert problems_of(minimum_shares=(house, node, hub)) == []
    more = dict(problems_of(minimum_shares=(house, node, replace(hub, share=0.4))))
    assert more["/minimum_shares"].startswith("add up to 110% of the lines")


def test_hard_caps_that_leave_a_part_without_a_place_in_the_whole_network_contradict() -> None:
    tight = ShareCap(node_id=None, share=0.2)

    assert problems_of(tight) == [
        (
            "/caps",
            "leave 20% of the lines without a place: the network has 4 node(s), which may have 80% together; "
            "raise the caps, or state a price (excess) instead",
        )
    ]
    assert problems_of(replace(tight, share=0.25)) == []
    assert problems_of(replace(tight, excess_minor=100)) == []


def test_without_any_node_no_cap_contradicts() -> None:
    policy = PolicyView(caps=(ShareCap(node_id=None, share=0.2),))

    assert list(policy_problems(policy, kinds={})) == []
    assert len(list(policy_problems(policy, kinds={"N1": "in_house"}))) == 1
