"""Quotes from arrays are those of the code that routes orders: to the cent, gram, minute, code and figure."""

from collections import Counter
from dataclasses import replace

import pytest

from fabroute.routing.service.quoting import QuoteAsked, QuoteBook, QuoteResult, quote
from fabroute.routing.service.quoting.scalar import quote_one_by_one
from fabroute.solver.eligibility import ExclusionCode
from tests.factories.random_quotes import a_random_ask, a_random_network
from tests.factories.wide_network import a_wide_snapshot, random_asks

NEVER_SAID = {ExclusionCode.SPLIT_FORBIDDEN, ExclusionCode.CONCENTRATION, ExclusionCode.DECLINED}
"""Codes that a quote has no rule for: nobody had its line yet."""


def without_advice(result: QuoteResult) -> QuoteResult:
    """The answer without what only the quick one gives."""
    return replace(result, quotes=tuple(replace(each, routable_if=()) for each in result.quotes))


def both(book: QuoteBook, asked: QuoteAsked) -> tuple[QuoteResult, QuoteResult]:
    return without_advice(quote(book, asked)), quote_one_by_one(book, asked)


@pytest.mark.parametrize("seed", range(40))
def test_on_random_networks_both_ways_give_the_same_answers(seed: int) -> None:
    snapshot = a_random_network(seed)
    book = QuoteBook(snapshot=snapshot)
    for number in range(3):
        quick, slow = both(book, a_random_ask(seed * 10 + number, snapshot))
        assert quick.quotes == slow.quotes
        assert quick.as_of == slow.as_of == snapshot.now


@pytest.mark.parametrize("seed", range(4))
def test_on_the_reference_network_both_ways_give_the_same_answers(seed: int) -> None:
    snapshot = a_wide_snapshot(nodes=75, seed=seed)
    book = QuoteBook(snapshot=snapshot)
    for asked in random_asks(snapshot, count=8, seed=seed):
        quick, slow = both(book, asked)
        for fast_one, slow_one in zip(quick.quotes, slow.quotes, strict=True):
            assert fast_one.offers == slow_one.offers
            assert fast_one.pareto == slow_one.pareto
            assert fast_one.exclusions == slow_one.exclusions
        assert quick == slow


def test_the_random_questions_meet_every_code_and_get_offers() -> None:
    codes: Counter[ExclusionCode] = Counter()
    offers = 0
    for seed in range(60):
        snapshot = a_random_network(seed)
        result = quote(QuoteBook(snapshot=snapshot), a_random_ask(seed * 10, snapshot))
        for each in result.quotes:
            offers += len(each.offers)
            codes.update(reason.code for excluded in each.exclusions for reason in excluded.reasons)

    assert set(ExclusionCode) - set(codes) == NEVER_SAID
    assert offers >= 10


def test_what_was_asked_before_does_not_change_an_answer() -> None:
    snapshot = a_wide_snapshot(nodes=30, seed=9)
    used, asks = QuoteBook(snapshot=snapshot), random_asks(snapshot, count=12, seed=9)
    first = [quote(used, asked) for asked in asks]

    assert [quote(used, asked) for asked in asks] == first
    assert [quote(QuoteBook(snapshot=snapshot), asked) for asked in asks] == first


def test_every_node_is_a_candidate_or_excluded_with_reasons() -> None:
    snapshot = a_wide_snapshot(nodes=60, seed=2)
    for asked in random_asks(snapshot, count=15, seed=3):
        for each in quote(QuoteBook(snapshot=snapshot), asked).quotes:
            excluded = [exclusion.node.node_id for exclusion in each.exclusions]
            assert len(excluded) + each.candidates == 60
            assert excluded == sorted(set(excluded))
            assert all(exclusion.reasons for exclusion in each.exclusions)
            assert not {offer.node.node_id for offer in each.offers} & set(excluded)
