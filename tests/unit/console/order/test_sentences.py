"""Why this node, in one sentence."""

import re
from datetime import datetime, timedelta
from typing import Any

from fabroute.console.pages.order.reading import read_document
from fabroute.console.pages.order.sentences import difference_words, why_this_node
from tests.factories.order_pages import FMT, NOW, a_candidate, a_document, an_exclusion

BERLIN = a_candidate("Berlin", landed_minor=3140, days=4)
LYON = a_candidate("Lyon", landed_minor=3870, days=2, co2e_g=1000)


def why(document: dict[str, Any], *, need_by: datetime | None = None) -> str:
    """The sentence, without the marks that keep the direction of names."""
    return re.sub("[\u2068\u2069]", "", why_this_node(read_document(document), FMT, need_by=need_by))


def test_the_cheapest_is_told_with_its_lead_and_its_deadline() -> None:
    document = a_document(BERLIN, LYON, exclusions=[an_exclusion(f"X{at}", "CAPACITY") for at in range(5)])
    assert why(document, need_by=NOW + timedelta(days=4, hours=7)) == (
        "Berlin, because it is the cheapest of 2 qualified nodes: €31.40, €7.30 less than the next best "
        "(Lyon), and there by 19 Jun 2026, 7\N{NO-BREAK SPACE}h before the deadline. 5 nodes were ruled out."
    )


def test_the_fastest_is_compared_in_time_and_the_greenest_in_carbon() -> None:
    assert "the fastest of 2 qualified nodes: €38.70, 2\N{NO-BREAK SPACE}d sooner than the next best (Berlin)" in why(
        a_document(LYON, BERLIN, objective="fastest") | {"candidates": [LYON, BERLIN | {"cost_millis": 9_999_999}]}
    )
    assert "the one with the least CO₂e of 2 qualified nodes: €38.70, 840\N{NO-BREAK SPACE}g CO₂e less" in why(
        a_document(LYON, BERLIN | {"cost_millis": 9_999_999}, objective="greenest")
    )


def test_a_balance_is_compared_in_money_and_time() -> None:
    document = a_document(LYON, BERLIN | {"cost_millis": 9_999_999}, objective="balanced")
    assert "€7.30 more and 2\N{NO-BREAK SPACE}d sooner than the next best (Berlin)" in why(document)


def test_a_lone_node_and_a_missed_deadline_are_said() -> None:
    sentence = why(a_document(BERLIN, exclusions=[an_exclusion("X", "CAPACITY")]), need_by=NOW + timedelta(days=3))
    assert sentence == (
        "Berlin, because no other node can: €31.40, and there by 19 Jun 2026, 1\N{NO-BREAK SPACE}d after the "
        "deadline. 1 node was ruled out."
    )


def test_a_node_that_is_not_the_best_for_the_line_alone_says_why_it_has_it() -> None:
    assert "because Berlin, better for it alone, is taken in the plan for all orders together" in why(
        a_document(LYON, BERLIN)
    )


def test_shares_of_a_split_line_are_named_together() -> None:
    share = {
        "machine_id": "A",
        "quantity": 1,
        "promised_at": NOW.isoformat(),
        "landed_minor": 100,
    }
    split = BERLIN | {
        "shares": [share | {"node_id": "N-Berlin", "city": "Berlin"}, share | {"node_id": "N-Lyon", "city": "Lyon"}]
    }
    assert why(a_document(split, LYON)).startswith("Berlin and Lyon, because no other node can")


def test_where_there_is_no_way_the_rules_that_bar_it_are_named() -> None:
    conflict = [{"rule": "a", "of": "order", "words": "the price cap"}, {"rule": "b", "of": "part", "words": "ISO9001"}]
    explained = {"rules": [], "changes": [], "no_route": {"conflict": conflict, "relaxations": [], "oversize": None}}
    barred = [an_exclusion("X", "PRICE_CAP"), an_exclusion("Y", "PRICE_CAP")]
    none = a_document(exclusions=barred, explanation=explained, routed=False)
    assert why(none) == (
        "None of the 2 nodes can make it as it is ordered: the price cap and ISO9001 together leave no way."
    )
    one = explained | {"no_route": explained["no_route"] | {"conflict": conflict[:1]}}  # type: ignore[operator]
    assert why(a_document(exclusions=barred[:1], explanation=one, routed=False)) == (
        "The only node cannot make it as it is ordered: the price cap rules it out."
    )


def test_an_older_decision_without_explanation_and_an_empty_network_have_a_sentence_too() -> None:
    assert why(a_document(exclusions=[an_exclusion("X", "CAPACITY")], routed=False)) == (
        "The only node cannot make it as it is ordered."
    )
    assert why(a_document(routed=False)) == "There is no node in the network yet."
    assert why(a_document(BERLIN, routed=False)) == (
        "One node could make it, but all that it has went to orders that gain more."
    )
    assert why(a_document(BERLIN, LYON, routed=False)) == (
        "2 nodes could make it, but all that they have went to orders that gain more."
    )


def test_a_name_keeps_its_own_direction_in_the_sentence() -> None:
    sentence = why_this_node(read_document(a_document(a_candidate("مركز"))), FMT, need_by=None)
    assert sentence.startswith("\u2068مركز\u2069, because no other node can")


def test_differences_are_signed_and_equal_figures_left_out() -> None:
    assert difference_words(FMT, landed_minor=980, hours=-31.2, co2e_g=-2200) == (
        "+€9.80, −1\N{NO-BREAK SPACE}d 7\N{NO-BREAK SPACE}h, −2.2\N{NO-BREAK SPACE}kg CO₂e"
    )
    assert difference_words(FMT, landed_minor=0, hours=0.2, co2e_g=0) == "same price"
    assert difference_words(FMT, landed_minor=-5, hours=200, co2e_g=3) == (
        "−€0.05, +8\N{NO-BREAK SPACE}d 8\N{NO-BREAK SPACE}h, +3\N{NO-BREAK SPACE}g CO₂e"
    )
