"""The judge of spare-part lists: twin, no or unclear, and why."""

import dataclasses
import json
import math
from fractions import Fraction
from typing import Any

import pytest

from fabroute.advice.rules.screening import judge_part, unjudged
from fabroute.advice.rules.screening_demand import DemandClass
from fabroute.advice.rules.screening_parts import Judgement, ScreenedPart
from fabroute.advice.rules.screening_printing import PrintMarket
from fabroute.advice.rules.screening_sizes import size_of
from fabroute.advice.rules.screening_terms import InvalidTerm, ScreeningTerms
from fabroute.estimation.facts import PartGeometry
from fabroute.estimation.production import estimate_production
from tests.factories.estimation import a_machine, a_material, some_rates
from tests.factories.screenings import (
    a_market,
    a_print_offer,
    a_spare_part,
    a_spare_part_list,
    bare_terms,
    reference_market,
)

TERMS = ScreeningTerms()
PART_BOX = PartGeometry(box_mm=(40.0, 30.0, 20.0), volume_cm3=10.0)


def judged(terms: ScreeningTerms = TERMS, **changes: Any) -> Judgement:
    return judge_part(a_spare_part(**changes), a_market(), terms)


def codes(judgement: Judgement) -> list[str]:
    return [reason.code for reason in judgement.reasons]


def price_of_a_print(quantity: int = 1) -> int:
    """What the extruder of the market charges for the part."""
    return estimate_production(
        part=PART_BOX, machine=a_machine(), material=a_material(), rates=some_rates(), quantity=quantity
    ).price_minor


# ---------------------------------------------------------------- a twin


def test_a_part_that_is_worth_a_twin_row_by_row() -> None:
    found = judged(unit_price_minor=40_000.0)
    printed = price_of_a_print()
    rows = {row.code: row.amount_minor for row in found.rows}
    assert rows == {
        "purchase": 10 * 40_000,
        "moq_scrap": 200 * 40_000 // 5,
        "holding": 27 * 40_000 // 5,
        "obsolescence": 27 * 40_000 // 20,
        "digitisation": -12_000,
        "upkeep": -2_500,
        "printing": -10 * printed,
        "freight": -10 * 1_200,
        "printed_stock": math.floor(-0.2 * printed * 10 * 14 / 365 + 0.5),
    }
    assert (found.verdict, found.yearly_saving_minor) == ("digital_twin", sum(rows.values()))
    assert found.reasons[0].message.startswith(f"a twin saves {sum(rows.values()) / 100:,.2f} EUR a year: printed ")
    assert found.at_most_minor == 400_000 + 1_600_000 + 216_000 + 54_000 - 14_500
    assert (found.need, found.to_buy, found.scrap_quantity, found.yearly_demand) == (50, 50, 200, 10)
    assert found.printed is not None
    assert (found.printed.node_id, found.printed.quantity, found.printed.price_minor) == ("N1", 1, printed)
    assert (found.missing, found.assumed, codes(found)) == ((), (), ["saves"])


def test_the_crossover_counts_the_minimum_order() -> None:
    found = judged(unit_price_minor=2000.0)
    printed = price_of_a_print()
    assert found.crossover == round(float(Fraction(250 * 2000, printed)), 3)
    tooled = judged(unit_price_minor=2000.0, tooling_minor=650_000.0, minimum_quantity=1)
    assert tooled.crossover == round(650_000 / (printed - 2000), 3)
    always = judged(unit_price_minor=printed * 2.0)
    assert (always.crossover, always.zone) == (None, "additive")


def test_what_is_needed_more_often_than_twice_the_crossover_is_conventional() -> None:
    found = judged(unit_price_minor=2000.0, demand=100.0, minimum_quantity=20)
    assert (found.verdict, codes(found), found.zone) == ("no", ["costs_more"], "conventional")
    assert found.yearly_saving_minor == sum(row.amount_minor for row in found.rows)
    assert found.yearly_saving_minor is not None
    message = f"a twin would cost {-found.yearly_saving_minor / 100:,.2f} EUR a year: printed "
    assert found.reasons[0].message.startswith(message)


def test_the_least_saving_that_counts_is_a_term_and_counts_itself() -> None:
    saving = judged(bare_terms(), unit_price_minor=40_000.0, minimum_quantity=1).yearly_saving_minor
    assert saving is not None
    assert saving == 10 * (40_000 - price_of_a_print())
    at_it = judged(bare_terms(minimum_saving_minor=saving), unit_price_minor=40_000.0, minimum_quantity=1)
    above = judged(bare_terms(minimum_saving_minor=saving + 1), unit_price_minor=40_000.0, minimum_quantity=1)
    assert (at_it.verdict, above.verdict) == ("digital_twin", "no")
    assert codes(above) == ["saves_too_little"]
    assert above.yearly_saving_minor == saving


def test_no_saving_at_all_is_no_even_where_any_would_count() -> None:
    even = judged(bare_terms(), unit_price_minor=float(price_of_a_print()), minimum_quantity=1)
    assert (even.verdict, even.yearly_saving_minor, codes(even)) == ("no", 0, ["saves_too_little"])


def test_a_print_file_in_the_inventory_spares_the_digitisation() -> None:
    with_file = judged(unit_price_minor=40_000.0, has_print_file=True).yearly_saving_minor
    without = judged(unit_price_minor=40_000.0).yearly_saving_minor
    assert with_file is not None
    assert without is not None
    assert with_file - without == 12_000


# ---------------------------------------------------------------- no


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"printable": False}, "not_printable", "the list says that it can't be printed"),
        ({"tolerance_mm": 0.05}, "tolerance_too_fine", "needs 0.05 mm, printing holds 0.1 mm"),
        ({"process_materials": ("NBR", "steel")}, "material_not_printed", "no node that is up prints NBR or steel"),
        (
            {"box_mm": (201.0, 30.0, 20.0)},
            "too_large",
            "needs 201 x 30 x 20 mm and 3 mm free on each side, the largest of 1 build volumes has 206 x 206 x 206 mm",
        ),
        ({"demand": 0.0}, "no_demand", "nothing was wanted"),
        ({"demand": None, "history": (0.0,) * 24}, "no_demand", "nothing was wanted in 24 periods"),
        ({"stock": 60.0}, "stock_lasts", "60 in stock, 50 needed in 5 years"),
        (
            {"unit_price_minor": 150.0, "minimum_quantity": 1},
            "too_little_to_save",
            "even if printing cost nothing: buying it costs 15.94 EUR a year, a twin 145.00 EUR",
        ),
    ],
)
def test_one_reason_is_enough_for_no(changes: dict[str, Any], code: str, words: str) -> None:
    found = judged(**({"unit_price_minor": 40_000.0} | changes))
    assert found.verdict == "no"
    assert found.reasons[0].code == code
    assert words in found.reasons[0].message
    assert (found.yearly_saving_minor, found.rows, found.printed) == (None, (), None)


def test_all_reasons_are_told_in_the_order_in_which_they_decide() -> None:
    found = judged(
        printable=False, tolerance_mm=0.01, box_mm=(900.0, 800.0, 700.0), demand=0.0, process_materials=("NBR",)
    )
    assert codes(found) == ["not_printable", "tolerance_too_fine", "material_not_printed", "too_large", "no_demand"]
    assert found.verdict == "no"
    assert codes(judged(unit_price_minor=1.0, box_mm=(900.0, 8.0, 7.0))) == ["too_large", "too_little_to_save"]


def test_no_is_sure_even_where_something_is_missing() -> None:
    found = judged(unit_price_minor=150.0, minimum_quantity=1, box_mm=None, volume_cm3=None, process_materials=())
    assert (found.verdict, codes(found)) == ("no", ["too_little_to_save"])
    assert found.missing == ("process_materials", "box_x_mm", "box_y_mm", "box_z_mm", "volume_cm3")
    assert found.at_most_minor == 1_500 + 75 + 19 - 14_500


def test_without_any_node_that_is_up_nothing_is_printed() -> None:
    found = judge_part(a_spare_part(), PrintMarket(offers={}, materials={}), TERMS)
    assert (found.verdict, codes(found)) == ("no", ["material_not_printed"])
    unnamed = judge_part(a_spare_part(process_materials=()), PrintMarket(offers={}, materials={}), TERMS)
    assert (unnamed.verdict, codes(unnamed)) == ("unclear", ["material_unknown"])


# ---------------------------------------------------------------- unclear


@pytest.mark.parametrize(
    ("changes", "code", "missing"),
    [
        ({"demand": None}, "demand_unknown", ("demand",)),
        ({"unit_price_minor": None}, "price_unknown", ("unit_price",)),
        (
            {"box_mm": None, "volume_cm3": None},
            "size_unknown",
            ("box_x_mm", "box_y_mm", "box_z_mm", "volume_cm3"),
        ),
        ({"process_materials": ()}, "material_unknown", ("process_materials",)),
    ],
)
def test_a_part_of_which_too_little_is_known_is_unclear(
    changes: dict[str, Any], code: str, missing: tuple[str, ...]
) -> None:
    found = judged(**({"unit_price_minor": 40_000.0} | changes))
    assert (found.verdict, codes(found), found.missing) == ("unclear", [code], missing)
    assert (found.yearly_saving_minor, found.rows, found.printed, found.crossover) == (None, (), None, None)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"volume_cm3": 24.5}, "more than the 24 cm3 of the bounding box"),
        ({"box_mm": (0.0, 30.0, 20.0)}, "a side of the box is 0 mm"),
        ({"box_mm": (0.001, 30.0, 20.0)}, "a side of the box is 0.001 mm, thinner than anything printed"),
        ({"volume_cm3": 0.0}, "volume or mass is 0"),
    ],
)
def test_a_size_that_can_not_be_is_unclear_and_told_to_be_checked(changes: dict[str, Any], words: str) -> None:
    found = judged(**changes)
    assert (found.verdict, codes(found), found.yearly_saving_minor) == ("unclear", ["impossible_geometry"], None)
    assert words in found.reasons[0].message
    assert found.reasons[0].message.endswith(
        "; check box_x_mm, box_y_mm, box_z_mm (mm) and volume_cm3 (cm3) or mass_g (g)"
    )


def test_everything_that_is_missing_is_told_at_once() -> None:
    found = judge_part(ScreenedPart(part_no="P-1"), a_market(), TERMS)
    assert codes(found) == ["demand_unknown", "price_unknown", "size_unknown", "material_unknown"]
    assert found.missing[:4] == ("demand", "unit_price", "process_materials", "lead_days")
    assert (found.demand_class, found.yearly_demand, found.need) == (DemandClass.UNKNOWN, None, None)
    assert "give box and volume" in found.reasons[2].message


def test_a_saving_is_never_worked_out_on_a_size_that_was_only_assumed() -> None:
    boxed = judged(unit_price_minor=40_000.0, volume_cm3=None)
    voluminous = judged(unit_price_minor=40_000.0, box_mm=None)
    assert (boxed.verdict, codes(boxed), boxed.missing) == ("unclear", ["size_assumed"], ("volume_cm3",))
    assert boxed.assumed == ("volume: the box is filled to 24 %",)
    assert (boxed.yearly_saving_minor, boxed.rows) == (None, ())
    assert voluminous.missing == ("box_x_mm", "box_y_mm", "box_z_mm")
    assert voluminous.reasons[0].message.endswith("give box_x_mm, box_y_mm, box_z_mm")


def test_a_size_that_was_assumed_is_good_enough_for_no() -> None:
    found = judged(unit_price_minor=2000.0, demand=100.0, minimum_quantity=20, volume_cm3=None)
    assert (found.verdict, codes(found)) == ("no", ["costs_more"])
    assert found.yearly_saving_minor is None
    huge = judged(unit_price_minor=40_000.0, box_mm=None, volume_cm3=9_000.0)
    assert (huge.verdict, codes(huge)) == ("unclear", ["size_assumed"])


def test_a_row_that_could_not_be_judged_says_why() -> None:
    found = unjudged("not_judged", "the row can't be judged")
    assert (found.verdict, codes(found), found.yearly_saving_minor) == ("unclear", ["not_judged"], None)
    assert json.loads(json.dumps(found.document()))["reasons"] == [
        {"code": "not_judged", "message": "the row can't be judged"}
    ]


# ---------------------------------------------------------------- sizes


def test_a_mass_gives_the_volume_in_the_material_that_is_printed() -> None:
    light, heavy = a_material(code="LIGHT"), a_material(code="HEAVY")
    heavy = dataclasses.replace(heavy, density_g_per_cm3=1.1)
    found = size_of(a_spare_part(volume_cm3=None, mass_g=11.0), [heavy, light])
    assert found.geometry == PartGeometry(box_mm=(40.0, 30.0, 20.0), volume_cm3=11.0)
    assert found.assumed == ("volume: 11 g of LIGHT at 1 g/cm3",)
    assert found.missing == ()
    assert size_of(a_spare_part(volume_cm3=4.0, mass_g=11.0), [light]).geometry == PartGeometry(
        box_mm=(40.0, 30.0, 20.0), volume_cm3=4.0
    )


def test_a_mass_in_materials_of_different_weight_says_nothing() -> None:
    steel = dataclasses.replace(a_material(code="STEEL"), density_g_per_cm3=7.9)
    found = size_of(a_spare_part(volume_cm3=None, mass_g=11.0), [a_material(), steel])
    assert found.assumed == ("volume: the box is filled to 24 %",)
    assert found.geometry == PartGeometry(box_mm=(40.0, 30.0, 20.0), volume_cm3=0.24 * 24)
    nothing = size_of(a_spare_part(box_mm=None, volume_cm3=None, mass_g=11.0), [])
    assert (nothing.geometry, nothing.missing[-1]) == (None, "volume_cm3")


def test_a_volume_alone_is_taken_for_a_cube_that_is_a_quarter_full() -> None:
    found = size_of(a_spare_part(box_mm=None, volume_cm3=240.0), [])
    assert found.geometry is not None
    assert found.geometry.box_mm == pytest.approx((100, 100, 100))
    assert found.assumed == ("size: a cube that is filled to 24 %",)


# ---------------------------------------------------------------- terms


def test_terms_stand_in_for_what_rows_leave_out_and_only_there() -> None:
    terms = ScreeningTerms(process_materials=("MEX",))
    assert judge_part(a_spare_part(unit_price_minor=40_000.0, process_materials=()), a_market(), terms).verdict == (
        "digital_twin"
    )
    other = judge_part(a_spare_part(process_materials=("NBR",)), a_market(), terms)
    assert codes(other)[0] == "material_not_printed"
    needed = judged(demand=None, need=10.0, stock=1.0)
    assert (needed.yearly_demand, needed.need, needed.scrap_quantity) == (2, 10, 241)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"holding_cost": 1.5}, "holding_cost must be a share from 0 to 1, not 1.5"),
        ({"horizon_years": 0.0}, "horizon_years must be above 0"),
        ({"upkeep_minor": -1}, "upkeep_minor must be a number, 0 or more, not -1"),
        ({"print_lead_days": math.inf}, "print_lead_days must be a number, 0 or more, not inf"),
        ({"scrap_rule": "burn"}, "scrap_rule must be scrap or keep"),
        ({"process_materials": ("PA12", " ")}, "process_materials must not hold an empty name"),
    ],
)
def test_terms_that_can_not_be_are_refused(terms: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidTerm) as refused:
        ScreeningTerms(**terms)
    assert refused.value.message == message
    assert [problem.pointer for problem in refused.value.problems] == [f"/{next(iter(terms))}"]


def test_every_wrong_term_is_told_at_once() -> None:
    with pytest.raises(InvalidTerm) as refused:
        ScreeningTerms(obsolescence=2, amortisation_years=0)
    assert [problem.pointer for problem in refused.value.problems] == ["/obsolescence", "/amortisation_years"]
    assert ScreeningTerms().horizon_years == 5


# ---------------------------------------------------------------- whole lists


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_is_the_usual_answer_for_a_pulp_mill(seed: int) -> None:
    found = [judge_part(part_of(row), reference_market(), TERMS) for row in a_spare_part_list(600, seed=seed)]
    verdicts = [judgement.verdict for judgement in found]
    assert 0.01 <= verdicts.count("digital_twin") / 600 <= 0.03
    assert verdicts.count("no") / 600 >= 0.94
    assert all(it.yearly_saving_minor is not None for it in found if it.verdict == "digital_twin")
    assert all(it.yearly_saving_minor is None for it in found if it.verdict == "unclear")


def part_of(row: dict[str, object]) -> ScreenedPart:
    """Return a made-up row as a part, read by hand."""

    def number(name: str) -> float | None:
        return float(str(row[name])) if row.get(name) not in (None, "") else None

    box = [number(name) for name in ("box_x_mm", "box_y_mm", "box_z_mm")]
    price, tooling, stockout = number("unit_price"), number("tooling"), number("stockout_cost_per_day")
    wish, moq = str(row.get("process_materials", "")), number("moq")
    return ScreenedPart(
        part_no=str(row["part_no"]),
        unit_price_minor=None if price is None else price * 100,
        history=tuple(float(cell) for cell in str(row["demand_history"]).split("|")),
        minimum_quantity=None if moq is None else int(moq),
        lead_days=number("lead_days"),
        tooling_minor=None if tooling is None else tooling * 100,
        stock=number("stock"),
        stockout_minor_per_day=None if stockout is None else stockout * 100,
        box_mm=None if None in box else (box[0] or 0, box[1] or 0, box[2] or 0),
        volume_cm3=number("volume_cm3"),
        process_materials=(wish,) if wish else (),
        printable=False if row.get("printable") == "no" else None,
    )


def test_what_is_kept_of_a_judgement_is_plain_json() -> None:
    for row in a_spare_part_list(60):
        found = judge_part(part_of(row), reference_market(), TERMS)
        kept = found.document()
        assert json.loads(json.dumps(kept, allow_nan=False))["demand_class"] == found.demand_class.value
        assert not {"verdict", "yearly_saving_minor"} & set(kept)


def test_an_offer_of_the_market_is_named() -> None:
    market = a_market(a_print_offer(node_id="N7", machine_id="N7-X"))
    found = judge_part(a_spare_part(unit_price_minor=40_000.0), market, TERMS)
    assert found.printed is not None
    assert (found.printed.node_id, found.printed.machine_id, found.printed.machine_model) == ("N7", "N7-X", "Model MEX")
