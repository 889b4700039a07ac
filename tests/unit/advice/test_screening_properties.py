"""What must hold of the judge whatever the part."""

import dataclasses
import math
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from fabroute.advice.rules.screening import judge_part
from fabroute.advice.rules.screening_demand import DemandClass, demand_pattern, yearly_demand
from fabroute.advice.rules.screening_parts import VERDICTS, Judgement, ScreenedPart
from fabroute.advice.rules.screening_saving import need_of
from fabroute.advice.rules.screening_terms import ScreeningTerms
from tests.factories.screenings import a_market, a_spare_part

TERMS = ScreeningTerms()
MARKET = a_market()
COUNTS = st.integers(min_value=0, max_value=400)
MAYBE = st.none()


@st.composite
def parts(draw: st.DrawFn) -> ScreenedPart:
    """Parts of every kind: with holes, with stock, impossible ones."""
    side = st.floats(min_value=0, max_value=300, allow_nan=False)
    return ScreenedPart(
        part_no="P-1",
        unit_price_minor=draw(MAYBE | st.floats(min_value=0, max_value=1e7)),
        demand=draw(MAYBE | st.floats(min_value=0, max_value=1e4)),
        history=tuple(float(quantity) for quantity in draw(st.lists(COUNTS, max_size=24))),
        need=draw(MAYBE | st.floats(min_value=0, max_value=1e4)),
        minimum_quantity=draw(MAYBE | st.integers(min_value=1, max_value=500)),
        lead_days=draw(MAYBE | st.floats(min_value=0, max_value=400)),
        tooling_minor=draw(MAYBE | st.floats(min_value=0, max_value=1e7)),
        stock=draw(MAYBE | st.floats(min_value=0, max_value=1e4)),
        stockout_minor_per_day=draw(MAYBE | st.floats(min_value=0, max_value=1e7)),
        box_mm=draw(MAYBE | st.tuples(side, side, side)),
        volume_cm3=draw(MAYBE | st.floats(min_value=0, max_value=1e4)),
        mass_g=draw(MAYBE | st.floats(min_value=0, max_value=1e5)),
        process_materials=draw(st.sampled_from([(), ("STUFF",), ("MEX",), ("NBR",), ("NBR", "STUFF")])),
        required_certificates=draw(st.sampled_from([(), ("ISO9001",)])),
        tolerance_mm=draw(MAYBE | st.floats(min_value=0, max_value=1)),
        printable=draw(MAYBE | st.booleans()),
        has_print_file=draw(st.booleans()),
    )


@st.composite
def known_parts(draw: st.DrawFn) -> ScreenedPart:
    """Parts of which everything is known and that could be printed."""
    figures: dict[str, Any] = {
        "unit_price_minor": float(draw(st.integers(min_value=1, max_value=200_000))),
        "demand": float(draw(st.integers(min_value=1, max_value=200))),
        "minimum_quantity": draw(st.integers(min_value=1, max_value=500)),
        "lead_days": float(draw(st.integers(min_value=0, max_value=200))),
        "stock": float(draw(st.integers(min_value=0, max_value=300))),
        "volume_cm3": draw(st.floats(min_value=0.5, max_value=24)),
    }
    return a_spare_part(**figures)


def judged(part: ScreenedPart, terms: ScreeningTerms = TERMS) -> Judgement:
    return judge_part(part, MARKET, terms)


@given(parts())
@settings(deadline=None, max_examples=300)
def test_there_is_always_a_verdict_with_a_reason(part: ScreenedPart) -> None:
    found = judged(part)
    assert found.verdict in VERDICTS
    assert found.reasons
    assert all(reason.code and reason.message for reason in found.reasons)
    assert len({reason.code for reason in found.reasons}) == len(found.reasons)


@given(parts())
@settings(deadline=None, max_examples=300)
def test_a_saving_is_the_sum_of_its_rows_and_never_there_without_a_price_of_a_print(part: ScreenedPart) -> None:
    found = judged(part)
    if found.yearly_saving_minor is None:
        assert found.rows == ()
    else:
        assert found.yearly_saving_minor == sum(row.amount_minor for row in found.rows)
        assert found.printed is not None
    assert (found.verdict == "digital_twin") == (
        found.yearly_saving_minor is not None and found.yearly_saving_minor >= TERMS.minimum_saving_minor
    )


@given(parts())
@settings(deadline=None, max_examples=300)
def test_no_twin_saves_more_than_free_printing_would(part: ScreenedPart) -> None:
    found = judged(part)
    if found.at_most_minor is not None and found.yearly_saving_minor is not None:
        assert found.yearly_saving_minor <= found.at_most_minor
    if found.verdict == "unclear":
        assert found.yearly_saving_minor is None
        assert found.missing or found.assumed or "impossible_geometry" in {reason.code for reason in found.reasons}


@given(known_parts(), st.sampled_from(["unit_price_minor", "demand", "process_materials"]))
@settings(deadline=None, max_examples=200)
def test_knowing_less_never_makes_a_twin(part: ScreenedPart, name: str) -> None:
    empty: dict[str, Any] = {name: () if name == "process_materials" else None}
    before, after = judged(part), judged(dataclasses.replace(part, **empty))
    assert after.verdict != "digital_twin"
    if before.verdict == "digital_twin":
        assert after.verdict == "unclear"


def says_what_it_assumed(found: Judgement) -> bool:
    """Tell whether a judgement on an assumed size has no saving, names the assumption and what to give, and is fair."""
    codes = {reason.code for reason in found.reasons}
    allowed = {"unclear": {"size_assumed"}, "no": {"saves_too_little", "costs_more"}}
    is_told = bool(found.assumed) and found.printed is not None and found.yearly_saving_minor is None
    return is_told and found.rows == () and codes <= allowed[found.verdict]


@given(known_parts(), st.sampled_from([("box_mm", "box_x_mm"), ("volume_cm3", "volume_cm3")]))
@example(a_spare_part(unit_price_minor=2440.0, demand=124.0, minimum_quantity=1, lead_days=20.0, stock=273.0,
                      volume_cm3=0.5), ("volume_cm3", "volume_cm3"))  # fmt: skip
@settings(deadline=None, max_examples=200)
def test_a_twin_of_assumed_size_is_unclear_or_refused_by_what_the_assumed_size_costs(
    part: ScreenedPart, lost: tuple[str, str]
) -> None:
    name, column = lost
    empty: dict[str, Any] = {name: None}
    before, after = judged(part), judged(dataclasses.replace(part, **empty))
    assert after.verdict != "digital_twin"
    assert column in after.missing
    if before.verdict == "digital_twin":
        assert says_what_it_assumed(after)


@given(known_parts(), st.integers(min_value=1, max_value=100_000))
@settings(deadline=None, max_examples=200)
def test_a_dearer_part_saves_more(part: ScreenedPart, more: int) -> None:
    price = part.unit_price_minor
    assert price is not None
    cheap, dear = judged(part), judged(dataclasses.replace(part, unit_price_minor=price + more))
    ranks = {"no": 0, "unclear": 1, "digital_twin": 2}
    assert ranks[dear.verdict] >= ranks[cheap.verdict]
    if cheap.yearly_saving_minor is not None and dear.yearly_saving_minor is not None:
        assert dear.yearly_saving_minor >= cheap.yearly_saving_minor


@given(known_parts())
@settings(deadline=None, max_examples=200)
def test_higher_costs_of_a_twin_never_make_it_worth_more(part: ScreenedPart) -> None:
    before = judged(part).yearly_saving_minor
    for name in ("digitisation_minor", "upkeep_minor", "print_freight_minor", "print_lead_days"):
        dearer = dataclasses.replace(TERMS, **{name: getattr(TERMS, name) + 7})
        after = judged(part, dearer).yearly_saving_minor
        assert after is None or before is None or after <= before


@given(
    need=st.integers(min_value=0, max_value=1_000),
    stock=st.integers(min_value=0, max_value=1_000),
    moq=st.integers(min_value=1, max_value=1_000),
)
def test_whatever_is_bought_is_needed_or_scrap(need: int, stock: int, moq: int) -> None:
    part = a_spare_part(need=float(need), stock=float(stock), minimum_quantity=moq)
    demand = yearly_demand(part.demand, (), period_months=1, most_orders=12)
    assert demand is not None
    found = need_of(part, demand, TERMS)
    assert (found.wanted, found.from_stock) == (need, min(need, stock))
    assert found.bought == found.to_buy + found.scrap
    assert found.scrap == (max(0, moq - (need - stock)) if need > stock else 0)
    assert found.to_buy == 0 or found.to_buy / found.purchases >= min(moq, found.to_buy)


@given(st.lists(COUNTS, min_size=1, max_size=60))
def test_demand_is_told_by_its_gaps_and_its_sizes(history: list[int]) -> None:
    found = demand_pattern(history)
    sizes = [quantity for quantity in history if quantity]
    assert (found.periods, found.demands) == (len(history), len(sizes))
    if not sizes:
        assert found.kind is DemandClass.UNKNOWN
        return
    assert found.adi is not None
    assert found.cv2 is not None
    assert math.isclose(found.adi, len(history) / len(sizes))
    rare, uneven = found.adi >= 1.32, found.cv2 >= 0.49
    expected = {
        (False, False): DemandClass.SMOOTH,
        (True, False): DemandClass.INTERMITTENT,
        (False, True): DemandClass.ERRATIC,
        (True, True): DemandClass.LUMPY,
    }
    assert found.kind is expected[rare, uneven]


@given(st.lists(COUNTS, min_size=1, max_size=60), st.integers(min_value=1, max_value=52))
def test_print_orders_hold_the_demand_of_a_year(history: list[int], most: int) -> None:
    found = yearly_demand(None, history, period_months=1, most_orders=most)
    assert found is not None
    assert math.isclose(found.quantity, sum(history) / len(history) * 12)
    assert math.isclose(found.orders * found.lot, found.quantity)
    assert found.orders <= most + 1e-6
    assert found.lot >= 1
