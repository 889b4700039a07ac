"""Nodes that lines lost to share caps and to the price cap of their order, with figures."""

from dataclasses import replace

from fabroute.routing.rules.policies import MinimumShare, ShareCap
from fabroute.routing.service.concentration import with_lost
from fabroute.routing.service.decide import decide
from fabroute.routing.service.decided import Decided
from fabroute.routing.service.documents import Verdict, decision_document, why
from fabroute.routing.service.outbid import Takers
from fabroute.solver.eligibility import Exclusion, ExclusionCode
from tests.factories.archives import LIMITS, a_policy, a_snapshot_under, some_orders
from tests.factories.routing import a_claimed_line, a_node_view, a_way, an_exclusion, an_option, some_choices
from tests.factories.snapshots import a_line, a_snapshot

CAP = ShareCap(node_id=None, share=0.4)


def lost_nodes(verdict: Verdict) -> dict[str, list[str]]:
    return {each.node.node_id: [reason.code.value for reason in each.reasons] for each in verdict.exclusions}


def by_city(decided: Decided) -> dict[str, list[Verdict]]:
    found: dict[str, list[Verdict]] = {}
    for verdict in decided.verdicts:
        city = "" if verdict.chosen is None else verdict.chosen.way.node.city
        found.setdefault(city, []).append(verdict)
    return found


def test_a_line_at_the_second_best_node_is_told_that_the_best_is_at_its_cap() -> None:
    decided = decide(a_snapshot_under(*some_orders(10), policies=(a_policy(CAP),)), LIMITS)

    placed = by_city(decided)
    assert {city: len(verdicts) for city, verdicts in placed.items()} == {"Hannover": 4, "Göttingen": 4, "Kassel": 2}
    assert lost_nodes(placed["Hannover"][0]) == {}
    assert lost_nodes(placed["Göttingen"][0]) == {"N1": ["CONCENTRATION"]}
    assert lost_nodes(placed["Kassel"][0]) == {"N1": ["CONCENTRATION"], "N2": ["CONCENTRATION"]}


def test_the_reason_counts_the_window_this_run_and_the_line_itself() -> None:
    decided = decide(a_snapshot_under(*some_orders(10), policies=(a_policy(CAP),)), LIMITS)

    (lost,) = by_city(decided)["Göttingen"][0].exclusions
    assert lost.reasons[0].message == "would have 5 of 10 lines of 30 days (50%), the cap is 40%"
    assert lost.reasons[0].figures["has"] == lost.reasons[0].figures["allowed"] == 4
    assert lost.reasons[0].machine_id == "N1-A"


def test_the_explanation_prices_the_cap_and_says_that_a_higher_one_would_do() -> None:
    decided = decide(a_snapshot_under(*some_orders(10), policies=(a_policy(CAP),)), LIMITS)

    first, second = (by_city(decided)[city][0] for city in ("Hannover", "Göttingen"))
    assert first.chosen is not None
    assert second.chosen is not None
    assert second.explanation is not None
    (rule,) = (price for price in second.explanation.rules if price.demand.kind == "concentration")
    assert rule.landed_minor == first.chosen.price.landed_minor - second.chosen.price.landed_minor
    assert (rule.nodes, rule.alone) == (1, 1)
    (change,) = (it for it in second.explanation.changes if it.node.node_id == "N1")
    assert [(step.demand.kind, step.words) for step in change.steps] == [
        ("concentration", "a higher cap on the node's share")
    ]
    assert (change.wins, change.binding) == (True, change.steps[0].demand)


def test_a_node_over_a_cap_is_ruled_out_and_neither_a_candidate_nor_an_alternative() -> None:
    decided = decide(a_snapshot_under(*some_orders(10), policies=(a_policy(CAP),)), LIMITS)

    verdict = by_city(decided)["Kassel"][0]
    sentence = why(verdict, decided.calendars)
    document = decision_document(verdict, sentence=sentence, solver={}, calendars=decided.calendars)
    assert "is over the 40% cap" in sentence
    assert "orders that gain more" not in sentence
    assert [it.way.node.node_id for it in verdict.candidates] == ["N3"]
    lists = (document["candidates"], document["exclusions"], document["alternatives"])
    assert [len(it) for it in lists if isinstance(it, list)] == [1, 2, 0]


def test_the_best_option_that_soft_rules_keep_from_a_line_did_not_go_to_others() -> None:
    least = a_policy(minimum_shares=(MinimumShare(node_id="N2", share=0.3, shortfall_minor=100_000),))
    decided = decide(a_snapshot_under(*some_orders(10), policies=(least,)), LIMITS)

    sentences = [why(verdict, decided.calendars) for verdict in by_city(decided)["Göttingen"]]
    assert len(sentences) == 3
    assert ["is against the minimum share of N2" in sentence for sentence in sentences] == [True] * 3


def test_what_only_other_lines_of_the_order_use_did_not_go_to_other_orders() -> None:
    best = an_option(a_way(node=a_node_view(node_id="N1")))
    asked = [a_claimed_line(line_id=f"line_{number}", order_id="ord_1") for number in (1, 2)]
    first, second = (some_choices(line, best) for line in asked)
    third = some_choices(a_claimed_line(line_id="line_3", order_id="ord_2"), best)

    takers = Takers((first, second), {"line_1": best})
    assert (takers.only_own(second, best), takers.only_own(first, best)) == (True, False)
    assert takers.only_own(third, best) is False
    assert Takers((first, second, third), {"line_1": best, "line_3": best}).only_own(second, best) is False


def test_a_line_that_every_node_is_barred_to_has_no_place_and_says_why() -> None:
    only = a_policy(ShareCap(node_id="N1", share=0.5))
    nodes = (a_node_view(node_id="N1", latitude=52.0, longitude=10.0),)
    snapshot = replace(a_snapshot(*some_orders(4), nodes=nodes), policies={"org_owner": only})

    decided = decide(snapshot, LIMITS)

    nowhere = by_city(decided)[""]
    assert len(nowhere) == 2
    assert [lost_nodes(verdict) for verdict in nowhere] == [{"N1": ["CONCENTRATION"]}] * 2
    assert nowhere[0].exclusions[0].reasons[0].message.endswith("the cap is 50%")
    explanation = nowhere[0].explanation
    assert explanation is not None
    no_route = explanation.no_route
    assert no_route is not None
    assert [demand.kind for demand in no_route.conflict] == ["concentration"]
    words = [[step.words for step in it.steps] for it in no_route.relaxations]  # the cheapest stands for the earliest
    assert words == [["a higher cap on the node's share"]]


def test_a_soft_cap_bars_nobody() -> None:
    soft = a_policy(ShareCap(node_id=None, share=0.4, excess_minor=1))
    decided = decide(a_snapshot_under(*some_orders(10), policies=(soft,)), LIMITS)

    assert list(by_city(decided)) == ["Hannover"]
    assert [verdict.exclusions for verdict in decided.verdicts] == [()] * 10


def test_a_revision_that_its_owner_spreads_says_whose_rule_it_is() -> None:
    snapshot = a_snapshot_under(*some_orders(4))
    spread = {key: replace(view, ip_share_cap=0.5) for key, view in snapshot.revisions.items()}

    placed = by_city(decide(replace(snapshot, revisions=spread), LIMITS))

    assert {city: len(verdicts) for city, verdicts in placed.items()} == {"Hannover": 2, "Göttingen": 2}
    message = placed["Göttingen"][0].exclusions[0].reasons[0].message
    assert message == "would have 6 of 8 pieces of 365 days (75%), the part's owner allows 50%"


def test_a_line_left_out_for_its_orders_price_cap_is_told_what_the_other_lines_leave() -> None:
    """Both cheapest fit the cap, but there is time for one of them only; the other node is too dear together."""
    lines = [a_line(line_id=f"line_{number}", order_id="ord_1", max_price_minor=18_200) for number in (1, 2)]
    near = a_node_view(node_id="N1", city="Hannover", latitude=52.0, longitude=10.0, margin=0.1)
    far = replace(near, node_id="N2", city="Göttingen", margin=0.2)
    minutes = {"N1-A": (400,) + (0,) * 13, "N2-A": (720,) * 14}

    decided = decide(a_snapshot(*lines, nodes=(near, far), free_minutes=minutes), LIMITS)

    (nowhere,) = by_city(decided)[""]
    reasons = {each.node.node_id: each.reasons[0] for each in nowhere.exclusions}
    assert [it.chosen.price.landed_minor for it in decided.verdicts if it.chosen is not None] == [9_066]
    assert reasons["N2"].code is ExclusionCode.PRICE_CAP
    assert reasons["N2"].figures == {
        "landed_minor": 9_817,
        "others_minor": 9_066,
        "order_minor": 18_883,
        "maximum_minor": 18_200,
    }
    assert reasons["N2"].message == (
        "lands at 98.17 EUR, with the order's other lines (90.66 EUR at their cheapest) at 188.83 EUR:"
        " the order's cap is 182.00 EUR"
    )
    assert reasons["N1"].code is ExclusionCode.CAPACITY


def test_what_rules_bar_stands_by_node_beside_what_else_does() -> None:
    option = an_option(a_way(node=a_node_view(node_id="N2", city="Krefeld")))
    barred = Exclusion(code=ExclusionCode.CONCENTRATION, message="at its cap")
    others = (an_exclusion("N1", "NODE_DOWN"), an_exclusion("N2", "CAPACITY"), an_exclusion("N3", "PACKAGING"))

    found = with_lost(others, some_choices(a_claimed_line(), option), {"N2": (barred,)})

    assert [(each.node.node_id, each.reasons[0].code.value) for each in found] == [
        ("N1", "NODE_DOWN"),
        ("N2", "CONCENTRATION"),
        ("N3", "PACKAGING"),
    ]
    assert found[1].node.city == "Krefeld"
