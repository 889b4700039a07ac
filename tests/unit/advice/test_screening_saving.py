"""What a twin saves a year, row by row, worked out by hand."""

from fabroute.advice.rules.screening_demand import YearlyDemand, yearly_demand
from fabroute.advice.rules.screening_parts import SavingRow, ScreenedPart
from fabroute.advice.rules.screening_saving import (
    Need,
    need_of,
    print_lot,
    printing_rows,
    shelf_units,
    spared_rows,
    total_minor,
    twin_rows,
)
from fabroute.advice.rules.screening_terms import ScreeningTerms
from tests.factories.screenings import a_printed_unit, a_spare_part, bare_terms

TERMS = ScreeningTerms()


def demand_of(part: ScreenedPart) -> YearlyDemand:
    found = yearly_demand(part.demand, part.history, period_months=1, most_orders=12)
    assert found is not None
    return found


def needed(part: ScreenedPart, terms: ScreeningTerms = TERMS) -> Need:
    return need_of(part, demand_of(part), terms)


def spared(part: ScreenedPart, terms: ScreeningTerms = TERMS) -> dict[str, int]:
    price = part.unit_price_minor
    assert price is not None
    return as_dict(spared_rows(part, price, demand_of(part), needed(part, terms), terms))


def as_dict(rows: tuple[SavingRow, ...]) -> dict[str, int]:
    return {row.code: row.amount_minor for row in rows}


# ---------------------------------------------------------------- minimum orders


def test_need_ten_with_one_in_stock_and_a_minimum_order_of_250_leaves_241() -> None:
    need = needed(a_spare_part(need=10, stock=1, minimum_quantity=250))
    assert (need.wanted, need.from_stock, need.to_buy) == (10, 1, 9)
    assert (need.bought, need.scrap) == (250, 241)


def test_with_an_empty_shelf_it_leaves_240() -> None:
    assert needed(a_spare_part(need=10, minimum_quantity=250)).scrap == 240
    assert needed(a_spare_part(demand=10, minimum_quantity=250), bare_terms()).scrap == 240


def test_over_five_years_the_minimum_order_is_used_up_further() -> None:
    need = needed(a_spare_part(demand=10, minimum_quantity=250))
    assert (need.wanted, need.bought, need.scrap, need.purchases) == (50, 250, 200, 1)
    assert needed(a_spare_part(demand=60, minimum_quantity=250)).scrap == 0


def test_a_need_over_the_minimum_order_is_bought_in_equal_purchases_and_nothing_is_left() -> None:
    need = needed(a_spare_part(demand=11, minimum_quantity=20))
    assert (need.wanted, need.bought, need.scrap, need.purchases) == (55, 55, 0, 2)
    assert needed(a_spare_part(demand=11, minimum_quantity=None)).purchases == 55


def test_parts_are_whole_and_half_a_part_in_stock_is_none() -> None:
    need = needed(a_spare_part(demand=0.3, stock=1.9, minimum_quantity=5))
    assert (need.wanted, need.from_stock, need.to_buy, need.scrap) == (2, 1, 1, 4)
    assert needed(a_spare_part(demand=0.1 + 0.2, minimum_quantity=1), bare_terms(horizon_years=10)).wanted == 3


def test_nothing_is_bought_where_the_stock_lasts() -> None:
    need = needed(a_spare_part(demand=10, stock=70))
    assert (need.from_stock, need.to_buy, need.bought, need.scrap) == (50, 0, 0, 0)
    assert need.share_bought == 0


# ---------------------------------------------------------------- what buying costs


def test_every_row_of_what_buying_costs_a_year() -> None:
    part = a_spare_part(tooling_minor=500_000.0)
    assert shelf_units(part, demand_of(part), needed(part), TERMS) == 25 + 2
    assert spared(part) == {
        "purchase": 50 * 2000 // 5,
        "tooling": 500_000 // 5,
        "moq_scrap": 200 * 2000 // 5,
        "holding": 10_800,  # 0.20 x 20.00 x (25 of the purchase + 2 for a lead time of a fifth of a year)
        "obsolescence": 2_700,
    }


def test_what_is_kept_instead_of_scrapped_costs_capital_and_storage() -> None:
    keep = ScreeningTerms(scrap_rule="keep")
    assert spared(a_spare_part(), keep) == {
        "purchase": 20_000,
        "holding": round(0.2 * 2000 * 227),
        "obsolescence": round(0.05 * 2000 * 227),
    }
    assert shelf_units(a_spare_part(), demand_of(a_spare_part()), needed(a_spare_part()), keep) == 25 + 2 + 200


def test_the_stock_is_used_first_and_bought_parts_lie_there_for_the_rest_of_the_horizon() -> None:
    assert spared(a_spare_part(stock=20)) == {
        "purchase": 30 * 2000 // 5,
        "moq_scrap": 220 * 2000 // 5,
        "holding": 4_400,  # 11 parts: half of 30 for three fifths of the time, and 2
        "obsolescence": 1_100,
    }


def test_a_lead_time_that_is_not_known_needs_no_safety_stock() -> None:
    assert spared(a_spare_part(lead_days=None))["holding"] == round(0.2 * 2000 * 25)
    assert shelf_units(a_spare_part(lead_days=None), demand_of(a_spare_part()), needed(a_spare_part()), TERMS) == 25


def test_waiting_is_counted_only_where_its_cost_and_the_lead_time_are_known() -> None:
    stopped = a_spare_part(stockout_minor_per_day=100_000.0)
    assert spared(stopped)["stockout"] == 10 * 7 * 100_000 // 20  # 21 days at most against 14, one demand in twenty
    assert "stockout" not in spared(a_spare_part())
    assert "stockout" not in spared(a_spare_part(stockout_minor_per_day=100_000.0, lead_days=None))
    assert "stockout" not in spared(a_spare_part(stockout_minor_per_day=100_000.0, lead_days=9.0))
    short = ScreeningTerms(longest_wait_days=16)
    assert spared(stopped, short)["stockout"] == 10 * 2 * 100_000 // 20


def test_prices_have_parts_of_a_cent_and_rows_have_none() -> None:
    washer = a_spare_part(unit_price_minor=0.35, demand=1001, minimum_quantity=1)
    assert spared(washer, bare_terms()) == {"purchase": 350}
    assert spared(a_spare_part(unit_price_minor=0.5, demand=1, minimum_quantity=1), bare_terms()) == {"purchase": 1}


# ---------------------------------------------------------------- what a twin costs


def test_a_twin_costs_its_digitisation_qualification_and_upkeep() -> None:
    certified = a_spare_part(required_certificates=("EN45545-HL2",))
    assert as_dict(twin_rows(a_spare_part(), TERMS)) == {"digitisation": -12_000, "upkeep": -2_500}
    assert as_dict(twin_rows(certified, TERMS))["qualification"] == -30_000
    assert as_dict(twin_rows(a_spare_part(has_print_file=True), TERMS)) == {"upkeep": -2_500}
    assert twin_rows(certified, bare_terms()) == ()


def test_printing_costs_the_print_its_freight_and_a_short_stock() -> None:
    part = a_spare_part()
    rows = printing_rows(a_printed_unit(price_minor=5_000), demand_of(part), needed(part), TERMS)
    assert as_dict(rows) == {
        "printing": -50_000,
        "freight": -12_000,
        "printed_stock": -384,
    }  # 0.20 x 50.00 x 10 x 14/365 = 3.8356
    bundled = printing_rows(a_printed_unit(price_minor=8_000, quantity=2), demand_of(part), needed(part), TERMS)
    assert as_dict(bundled) == {"printing": -40_000, "freight": -6_000, "printed_stock": -307}


def test_a_print_order_is_never_larger_than_what_has_to_be_bought() -> None:
    part = a_spare_part(demand=400, stock=1_995)
    assert (demand_of(part).lot, needed(part).to_buy) == (34, 5)
    assert print_lot(demand_of(part), needed(part)) == 5
    assert print_lot(demand_of(a_spare_part(demand=400)), needed(a_spare_part(demand=400))) == 34


def test_rows_add_up() -> None:
    part = a_spare_part()
    rows = spared_rows(part, 2000, demand_of(part), needed(part), TERMS) + twin_rows(part, TERMS)
    assert total_minor(rows) == 20_000 + 80_000 + 10_800 + 2_700 - 12_000 - 2_500
    assert total_minor(()) == 0
