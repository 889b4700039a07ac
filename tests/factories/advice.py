"""Cases of advice: the worked example, and a part of which everything speaks for mass production."""

from datetime import date

from fabroute.advice.rules.method import MethodCase
from fabroute.advice.rules.transition import Basis, Facts, Lot, Signal, ToolCase, TransitionCase
from fabroute.estimation.crossover import Amount, Item, Terms
from tests.factories.crossover import PRINTED_UNIT, terms

TODAY = date(2026, 11, 22)
STEADY = (10, 11, 10, 9, 10, 12, 10, 9, 11, 10, 10, 8)


def a_case(
    *,
    quantity: int,
    printed_unit: Amount = PRINTED_UNIT,
    conventional: Terms | None = None,
    variants: int = 1,
    frozen: bool | None = None,
    stable: bool | None = None,
    items: tuple[Item, ...] = (),
) -> MethodCase:
    """Return the worked example at a quantity."""
    return MethodCase(
        quantity=quantity,
        printed_unit_minor=printed_unit,
        terms=conventional or terms(),
        variants=variants,
        design_frozen=frozen,
        demand_stable=stable,
        items=items,
    )


def a_lot(*, made: int = 100, right: int = 99, on_time: bool = True) -> Lot:
    """Return a lot that came out well."""
    return Lot(made=made, right_first_time=right, on_time=on_time)


def a_mature_part(*, stated: dict[Signal, bool] | None = None, facts: Facts | None = None) -> TransitionCase:
    """Return a part of which all eight signals hold."""
    said = {
        Signal.FEEDBACK_POSITIVE: True,
        Signal.MATERIAL_CONFIRMED: True,
        Signal.UNIT_COST_IS_GOAL: True,
    }
    return TransitionCase(today=TODAY, facts=facts or mature_facts(), stated=said if stated is None else stated)


def mature_facts() -> Facts:
    """Return a record that tells all that a record can tell, and only good things."""
    return Facts(
        last_revision_on=date(2026, 1, 10),
        lots_since_revision=1,
        demand_by_month=STEADY,
        lots=(a_lot(),) * 5,
        characteristics=4,
        tool=ToolCase(tooling_minor=650_000, yearly_saving_minor=300_000, horizon_years=3),
        tool_basis=Basis.RECORD,
    )
