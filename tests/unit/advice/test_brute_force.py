"""Advice against trying everything: all splits of an order, all quantities, all pathways."""

from dataclasses import replace
from itertools import pairwise, product

from hypothesis import given
from hypothesis import strategies as st

from fabroute.advice.rules.method import Recommended, advise_method
from fabroute.advice.rules.pathways import PATHWAYS, Need, PathwayCase, advise_pathway
from fabroute.advice.rules.transition import Signal, State, TransitionCase, judge_transition
from fabroute.advice.rules.viability import PRECONDITIONS, QUESTIONS, Viability, screen_viability
from fabroute.estimation.crossover import CrossoverZone, Item, Method, Terms, crossover_of, hybrid_split, totals_of
from tests.factories.advice import TODAY, a_case

items = st.builds(
    Item,
    name=st.just("shape"),
    quantity=st.integers(1, 2_000),
    printed_unit_minor=st.integers(0, 5_000),
    terms=st.builds(
        Terms,
        unit_minor=st.integers(0, 5_000),
        tooling_minor=st.integers(0, 1_000_000),
        minimum_quantity=st.integers(1, 500),
    ),
    is_complex=st.booleans(),
    varies=st.booleans(),
)
answers = st.none() | st.booleans()


def cost(item: Item, method: Method) -> int:
    """Return what a shape costs in one way, piece by piece and tool by tool."""
    if method is Method.PRINT:
        return item.quantity * int(item.printed_unit_minor)
    bought = max(item.quantity, item.terms.minimum_quantity)
    return int(item.terms.tooling_minor) + bought * int(item.terms.unit_minor)


@given(st.lists(items, min_size=1, max_size=5))
def test_a_hybrid_is_the_cheapest_split_that_prints_what_is_complex_or_varies(shapes: list[Item]) -> None:
    forced = [item.is_complex or item.varies for item in shapes]
    allowed = (
        split
        for split in product(Method, repeat=len(shapes))
        if all(way is Method.PRINT for way, only_print in zip(split, forced, strict=True) if only_print)
    )
    least = min(sum(map(cost, shapes, split)) for split in allowed)
    found = hybrid_split(shapes)

    assert found.total_minor == least
    assert found.quantity(Method.PRINT) + found.quantity(Method.CONVENTIONAL) == sum(it.quantity for it in shapes)


@given(shapes=st.lists(items, min_size=1, max_size=5), frozen=answers, stable=answers)
def test_what_is_advised_is_the_cheapest_of_all_unless_something_holds_it_back(
    shapes: list[Item], frozen: bool | None, stable: bool | None
) -> None:
    quantity = sum(item.quantity for item in shapes)
    advice = advise_method(a_case(quantity=quantity, items=tuple(shapes), frozen=frozen, stable=stable))
    costs = {
        Recommended.PRINT: sum(cost(item, Method.PRINT) for item in shapes),
        Recommended.CONVENTIONAL: sum(cost(item, Method.CONVENTIONAL) for item in shapes),
        Recommended.HYBRID: hybrid_split(shapes).total_minor,
    }

    assert (advice.totals.printed_minor, advice.totals.conventional_minor) == (
        costs[Recommended.PRINT],
        costs[Recommended.CONVENTIONAL],
    )
    pays_for_tools = sum(item.terms.tooling_minor for item in shapes) > 0
    if pays_for_tools and (frozen is False or stable is False):  # without tools there is nothing to lose
        assert advice.recommended is Recommended.PRINT
    else:
        assert costs[advice.recommended] == min(costs.values())


@given(
    printed=st.integers(1, 400),
    unit=st.integers(0, 400),
    tooling=st.integers(0, 60_000),
    minimum=st.integers(1, 80),
)
def test_the_first_quantity_beyond_the_crossover_is_that_of_trying_them_all(
    printed: int, unit: int, tooling: int, minimum: int
) -> None:
    terms = Terms(unit_minor=unit, tooling_minor=tooling, minimum_quantity=minimum)
    tried = (
        quantity
        for quantity in range(1, 301)
        if totals_of(quantity, printed_unit_minor=printed, terms=terms).cheaper is Method.CONVENTIONAL
    )
    first = next(tried, None)
    crossover = crossover_of(terms, printed_unit_minor=printed)

    assert first is None or first - 1 <= crossover < first
    assert first is not None or crossover >= 300


@given(quantity=st.integers(1, 5_000), variants=st.integers(1, 20))
def test_the_zone_is_that_of_the_published_formula(quantity: int, variants: int) -> None:
    wanted = max(quantity, variants)
    advice = advise_method(a_case(quantity=wanted, variants=variants))
    ratio = wanted * 1_730 / (variants * 650_000)

    assert advice.zone is (
        CrossoverZone.ADDITIVE if ratio < 0.5 else CrossoverZone.CONVENTIONAL if ratio > 2 else CrossoverZone.MIDDLE
    )
    assert advice.recommended in (Recommended.PRINT, Recommended.CONVENTIONAL)


@given(
    quantity=st.integers(1, 3_000),
    days=st.none() | st.integers(1, 70),
    needs=st.frozensets(st.sampled_from(Need), max_size=3),
)
def test_no_pathway_that_fits_beats_the_one_before_it(quantity: int, days: int | None, needs: frozenset[Need]) -> None:
    advice = advise_pathway(PathwayCase(quantity=quantity, needed_within_days=days, needs=needs))
    fitting = [it for it in advice.ranked if it.fits]
    expected = [way for way in PATHWAYS if way.least <= quantity <= way.most]

    assert {it.pathway.code for it in fitting} == {way.code for way in expected}
    for better, worse in pairwise(fitting):
        as_good = len(better.misses) == len(worse.misses) and better.in_time == worse.in_time
        assert len(better.misses) <= len(worse.misses)
        assert not as_good or better.pathway.unit_mid_minor <= worse.pathway.unit_mid_minor
    assert (advice.recommended is None) == (quantity > 2_000)


@given(st.dictionaries(st.sampled_from(Signal), st.booleans()))
def test_a_part_is_ready_only_with_eight_yeses(stated: dict[Signal, bool]) -> None:
    advice = judge_transition(TransitionCase(today=TODAY, stated=stated))

    assert advice.ready == (len(stated) == 8 and all(stated.values()))
    assert set(advice.of(State.NOT_HELD)) == {signal for signal, holds in stated.items() if not holds}
    assert set(advice.of(State.UNKNOWN)) == set(Signal) - set(stated)


@given(st.dictionaries(st.sampled_from([it.code for it in (*QUESTIONS, *PRECONDITIONS)]), answers))
def test_an_answer_to_what_is_open_never_turns_a_clear_result_round(given_answers: dict[str, bool | None]) -> None:
    advice = screen_viability(given_answers)
    open_questions = [code for code in advice.unanswered if code in {it.code for it in QUESTIONS}]
    completed = [
        screen_viability(given_answers | dict.fromkeys(open_questions, answer)).result for answer in (True, False)
    ]

    if advice.result is not Viability.OPEN:
        assert completed == [advice.result, advice.result]
    assert (advice.result is Viability.NOT_VIABLE) == bool(advice.failed)


def test_the_brute_force_counts_a_minimum_order() -> None:
    item = Item(
        name="a",
        quantity=10,
        printed_unit_minor=1_800,
        terms=Terms(unit_minor=400, tooling_minor=0, minimum_quantity=250),
    )

    assert (cost(item, Method.PRINT), cost(item, Method.CONVENTIONAL)) == (18_000, 100_000)
    assert hybrid_split([replace(item, quantity=60)]).quantity(Method.CONVENTIONAL) == 60
