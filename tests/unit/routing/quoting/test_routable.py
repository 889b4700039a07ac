"""What would make a quantity routable is true: with the change, the node makes it for that price by that day."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

from fabroute.routing.service.quoting import QuoteAsked, QuoteBook, RoutableIf, quote
from fabroute.solver.eligibility import ExclusionCode
from tests.factories.random_quotes import a_random_ask, a_random_network
from tests.factories.wide_network import a_wide_snapshot, random_asks


def with_the_change(asked: QuoteAsked, fix: RoutableIf) -> QuoteAsked | None:
    """The question with what the fix changes in it; ``None`` where it changes the network."""
    changed = asked
    if "need_by" in fix.figures and fix.promised_at is not None:
        changed = replace(changed, need_by=datetime.fromisoformat(str(fix.figures["need_by"])))
    if "max_price_minor" in fix.figures:
        changed = replace(changed, max_price_minor=int(str(fix.figures["max_price_minor"])))
    return None if changed is asked else changed


def check(book: QuoteBook, asked: QuoteAsked, quantity: int, fix: RoutableIf) -> bool:
    """Ask again with the change: the node has an option that lands at the price by the day."""
    changed = with_the_change(asked, fix)
    if changed is None:
        return False
    (found,) = quote(book, replace(changed, quantities=(quantity,))).quotes
    assert fix.node.node_id not in {excluded.node.node_id for excluded in found.exclusions}
    points = [(point.landed_minor, point.promised_at) for point in found.pareto]
    assert fix.landed_minor is not None
    assert fix.promised_at is not None
    assert any(landed <= fix.landed_minor and promised <= fix.promised_at for landed, promised in points)
    return True


def test_a_later_day_or_a_higher_cap_makes_it_routable_as_told() -> None:
    tried: Counter[ExclusionCode] = Counter()
    snapshot = a_wide_snapshot(nodes=60, seed=1)
    book = QuoteBook(snapshot=snapshot)
    for asked in random_asks(snapshot, count=60, seed=8):
        for found in quote(book, asked).quotes:
            for fix in found.routable_if:
                tried[fix.code] += check(book, asked, found.quantity, fix)

    assert tried[ExclusionCode.NEED_BY] >= 3
    assert tried[ExclusionCode.PRICE_CAP] >= 3


def test_only_nodes_with_one_reason_are_named_five_at_most_cheapest_first() -> None:
    seen = 0
    for seed in range(60):
        snapshot = a_random_network(seed)
        for found in quote(QuoteBook(snapshot=snapshot), a_random_ask(seed, snapshot)).quotes:
            reasons = {each.node.node_id: each.reasons for each in found.exclusions}
            seen += len(found.routable_if)
            assert len(found.routable_if) <= 5
            assert not (found.offers and found.routable_if)
            assert all(
                len(reasons[fix.node.node_id]) == 1 or {"need_by", "max_price_minor"} == set(fix.figures)
                for fix in found.routable_if
            )
            singles = [fix for fix in found.routable_if if len(reasons[fix.node.node_id]) == 1]
            priced = [fix.landed_minor for fix in singles if fix.landed_minor is not None]
            assert priced == sorted(priced)
            assert [fix.landed_minor is None for fix in found.routable_if] == sorted(
                fix.landed_minor is None for fix in found.routable_if
            )
    assert seen >= 5


def test_every_change_is_said_in_words_with_figures() -> None:
    told: dict[ExclusionCode, RoutableIf] = {}
    for seed in range(120):
        snapshot = a_random_network(seed)
        for found in quote(QuoteBook(snapshot=snapshot), a_random_ask(seed * 10 + 1, snapshot)).quotes:
            told |= {fix.code: fix for fix in found.routable_if}

    assert len(told) >= 9
    assert all(fix.change and fix.change[0].islower() for fix in told.values())
    assert all(code is fix.code for code, fix in told.items())
    assert ExclusionCode.PROCESS_MATERIAL not in told


def test_date_and_price_together_are_told_as_a_pair_that_makes_it_routable() -> None:
    pairs = 0
    snapshot = a_wide_snapshot(nodes=60, seed=1)
    book = QuoteBook(snapshot=snapshot)
    soon = book.as_of + timedelta(hours=4)
    for asked in random_asks(snapshot, count=20, seed=8):
        tight = replace(asked, need_by=soon, need_by_hard=True, max_price_minor=1)
        for found in quote(book, tight).quotes:
            for fix in found.routable_if:
                assert set(fix.figures) == {"need_by", "max_price_minor"}
                assert fix.change.startswith("it may arrive ")
                assert " UTC and cost " in fix.change
                pairs += check(book, tight, found.quantity, fix)

    assert pairs >= 10


def test_neither_a_missing_lane_nor_a_part_that_is_too_large_is_told_as_the_one_change() -> None:
    told: set[ExclusionCode] = set()
    ruled_out: set[ExclusionCode] = set()
    for seed in range(60):
        snapshot = a_random_network(seed)
        for found in quote(QuoteBook(snapshot=snapshot), a_random_ask(seed, snapshot)).quotes:
            told |= {fix.code for fix in found.routable_if}
            ruled_out |= {reason.code for each in found.exclusions for reason in each.reasons}

    assert {ExclusionCode.LANE_MISSING, ExclusionCode.BUILD_VOLUME} <= ruled_out
    assert not told & {ExclusionCode.LANE_MISSING, ExclusionCode.BUILD_VOLUME, ExclusionCode.PROCESS_MATERIAL}
