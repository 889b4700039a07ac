"""Advice as it is answered: infinity is null, cents are money, nothing is left out."""

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fabroute.advice.rules.method import advise_method
from fabroute.advice.rules.screening_parts import PrintedUnit
from fabroute.advice.service import (
    MethodAnswer,
    PathwayCase,
    Signal,
    Viability,
    advise_pathway,
    quote_advice,
    screen_viability,
)
from fabroute.api.schemas.advice import MethodIn, MethodOut, method_out, method_question, short_advice_out
from fabroute.api.schemas.batch_advice import (
    MassProductionIn,
    PathwaysIn,
    ViabilityIn,
    pathways_out,
    transition_question,
    viability_out,
)
from fabroute.inventory.service import ConventionalMethod
from tests.factories.advice import a_case
from tests.factories.api_advice import eur, worked_example
from tests.factories.crossover import terms

PRINTER = PrintedUnit(
    node_id="N101",
    machine_id="N101-A",
    machine_model="HP MJF 5200",
    process="MJF",
    material="PA12-MJF",
    quantity=3,
    price_minor=5_000,
)


def asked(quantity: int, **changes: object) -> MethodIn:
    return MethodIn.model_validate(worked_example(quantity, **changes))


def answered(quantity: int, **changes: Any) -> MethodOut:
    """Return the answer to the worked example at a quantity, with other figures where they are named."""
    unit = changes.pop("unit", 1_800)
    advice = advise_method(a_case(quantity=quantity, printed_unit=unit, conventional=changes.pop("conventional", None)))
    answer = MethodAnswer(
        part_no=changes.pop("part_no", None),
        revision=None,
        printed_unit_minor=unit,
        printed_by=changes.pop("printed_by", None),
        conventional=ConventionalMethod(unit_minor=70, tooling_minor=650_000),
        sources={"printed_unit": "stated"},
        missing=changes.pop("missing", ()),
        advice=None if changes.pop("silent", False) else advice,
        rates=(),
    )
    return method_out(asked(quantity), answer)


def test_an_infinite_crossover_is_null_in_json() -> None:
    found = answered(50, unit=70)

    assert found.crossover is not None
    assert (found.crossover.quantity, found.crossover.per_variant, found.crossover.from_quantity) == (None,) * 3
    assert "Infinity" not in found.model_dump_json()
    assert '"quantity":null' in found.model_dump_json()


@given(quantity=st.integers(1, 100_000), unit=st.integers(0, 50_000))
def test_what_is_answered_adds_up(quantity: int, unit: int) -> None:
    found = answered(quantity, unit=unit)
    printed, conventional = found.printed, found.conventional
    assert printed is not None
    assert conventional.total is not None
    assert found.saving is not None

    assert printed.total.amount_minor == quantity * unit
    assert conventional.total.amount_minor == 650_000 + 70 * quantity
    assert found.saving.amount_minor == abs(printed.total.amount_minor - conventional.total.amount_minor)
    assert found.cheaper == (
        "conventional" if printed.total.amount_minor > conventional.total.amount_minor else "print"
    )


def test_a_price_of_an_estimate_is_rounded_where_it_is_shown_and_exact_where_it_is_added() -> None:
    found = answered(3, unit=Fraction(5_000, 3), printed_by=PRINTER)

    assert found.printed is not None
    assert (found.printed.unit.amount_minor, found.printed.total.amount_minor) == (1_667, 5_000)
    assert found.printed.printer is not None
    assert (found.printed.printer.node_id, found.printed.printer.process) == ("N101", "MJF")


def test_an_answer_without_advice_says_what_is_missing() -> None:
    found = answered(5, silent=True, missing=("conventional.unit",), part_no="AP-1")

    assert (found.zone, found.crossover, found.recommendation, found.saving) == (None,) * 4
    assert found.headline == "no advice yet: the record of AP-1 does not know conventional.unit"
    assert found.printed is not None
    assert found.printed.total.amount_minor == 9_000
    assert (found.conventional.total, found.hybrid, found.reasons) == (None, None, [])


def test_amounts_know_where_they_stand_in_the_body() -> None:
    item = {"name": "a", "quantity": 5, "printed_unit": eur(1), "conventional": {"tooling": eur(2)}}
    question = method_question("org_1", asked(5, items=[item]))
    (found,) = question.items

    assert question.printed_unit is not None
    assert question.conventional.tooling is not None
    assert found.printed_unit is not None
    assert found.conventional.tooling is not None
    assert [it.pointer for it in (question.printed_unit, question.conventional.tooling)] == [
        "/printed_unit",
        "/conventional/tooling",
    ]
    assert [it.pointer for it in (found.printed_unit, found.conventional.tooling)] == [
        "/items/0/printed_unit",
        "/items/0/conventional/tooling",
    ]


def test_every_item_is_a_variant() -> None:
    items = [{"name": name, "quantity": 5} for name in "abc"]

    assert method_question("org_1", asked(15, items=items)).variants == 3
    assert method_question("org_1", asked(15, items=items, variants=3)).variants == 3
    assert method_question("org_1", asked(15, variants=4)).variants == 4
    with pytest.raises(ValidationError, match="leave variants out: every item is one"):
        asked(15, items=items, variants=2)


@pytest.mark.parametrize("printed", [60, 1_800])
def test_short_advice_is_answered_whole(printed: int) -> None:
    method = ConventionalMethod(unit_minor=70, tooling_minor=650_000)
    found = quote_advice(quantity=800, printed_minor=800 * printed, conventional=method)
    shown = short_advice_out(found)

    assert found is not None
    assert shown is not None
    assert found.crossover is not None
    assert shown.saving is not None
    assert shown.crossover == (None if math.isinf(found.crossover) else round(found.crossover, 2))
    assert (shown.saving.amount_minor, shown.conventional.amount_minor) == (found.saving_minor, 706_000)
    assert short_advice_out(None) is None


def test_pathways_are_answered_with_all_five_and_their_ranges() -> None:
    question = PathwaysIn(quantity=60)
    shown = pathways_out(question, advise_pathway(PathwayCase(quantity=60)))

    assert (shown.recommended, shown.alternatives) == ("network", ["workshop", "hub"])
    assert [it.code for it in shown.pathways if not it.fits] == ["factory", "in_house"]
    for it in shown.pathways:
        assert it.unit.low.amount_minor < it.unit.mid.amount_minor < it.unit.high.amount_minor
        assert it.total.low.amount_minor >= 60 * it.unit.low.amount_minor
    assert [it.code for it in shown.pathways if it.up_front_high is not None] == ["hub", "factory"]


def test_every_signal_can_be_stated_by_its_name() -> None:
    body = MassProductionIn.model_validate({"signals": {signal.value: signal in list(Signal)[:4] for signal in Signal}})
    question = transition_question("org_1", body)

    assert dict(question.stated) == {signal: signal in list(Signal)[:4] for signal in Signal}
    assert transition_question("org_1", MassProductionIn()).stated == {}


def test_every_question_of_the_screen_is_a_field_of_the_body() -> None:
    empty = dict(ViabilityIn())
    shown = viability_out(screen_viability(empty))

    assert shown.result is Viability.OPEN
    assert [it.code for it in shown.unanswered] == list(empty)
    assert all(it.question.endswith("?") for it in shown.unanswered)


def test_a_minimum_order_is_shown_with_its_scrap() -> None:
    found = answered(10, conventional=terms(unit=70, tooling=650_000, minimum_quantity=25))

    assert (found.conventional.bought, found.conventional.scrapped) == (25, 15)
    assert found.conventional.scrap_cost is not None
    assert found.conventional.scrap_cost.amount_minor == 15 * 70
