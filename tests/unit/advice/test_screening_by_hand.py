"""The judge against a second one, written from the words of the docs without any of the product's code."""

import math
from typing import Any

import pytest

from fabroute.advice.rules.screening import judge_part
from fabroute.advice.rules.screening_parts import ScreenedPart
from fabroute.advice.rules.screening_terms import ScreeningTerms
from fabroute.estimation.facts import PartGeometry
from fabroute.estimation.production import estimate_production
from fabroute.estimation.rotations import PartDoesNotFit
from tests.factories.screenings import Row, a_spare_part_list, reference_market, reference_print_offers
from tests.unit.advice.test_screening import part_of

PRINTED_IN = {
    "PA12": {"PA12-SLS", "PA12-MJF"},
    "316L": {"316L", "316L-BJ"},
    "17-4PH": {"17-4PH", "17-4PH-BJ"},
    "LPBF:316L": {"316L"},
}
"""What the network prints of the materials in the made-up lists."""


def by_hand(row: Row) -> tuple[str, int | None]:
    """Return verdict and yearly saving of a made-up row under the default terms, step by step."""
    history = [int(cell) for cell in str(row["demand_history"]).split("|")]
    price = float(str(row["unit_price"])) * 100 if row.get("unit_price") else None
    stock, moq = int(str(row.get("stock") or 0)), int(str(row.get("moq") or 1))
    a_year = sum(history) / len(history) * 12
    need = math.ceil(a_year * 5)
    if row.get("printable") == "no" or row.get("process_materials") in ("steel", "NBR", "bronze", "GJS-400"):
        return "no", None
    if not row.get("volume_cm3"):
        return cheap_or(row, price, a_year, need, stock, moq, "unclear")
    box = tuple(float(str(row[f"box_{axis}_mm"])) for axis in "xyz")
    if all(not holds(offer.machine.box_mm, box) for offer in wanted(row)):
        return "no", None
    if need == 0 or stock >= need:
        return "no", None
    if price is None or not row.get("process_materials"):
        return cheap_or(row, price, a_year, need, stock, moq, "unclear")
    spared, costs = bought(row, price, a_year, need, stock, moq), [-12_000, -2_500]
    if sum(spared) + sum(costs) < 10_000:
        return "no", None
    saving = sum(spared) + sum(costs) + sum(printed(row, box, a_year, need - stock, history))
    return ("digital_twin" if saving >= 10_000 else "no"), saving


def cheap_or(
    row: Row, price: float | None, a_year: float, need: int, stock: int, moq: int, otherwise: str
) -> tuple[str, int | None]:
    """A row with a hole is ``no`` where even free printing would not pay, or nothing is needed."""
    if need == 0 or stock >= need:
        return "no", None
    if price is not None and sum(bought(row, price, a_year, need, stock, moq)) - 14_500 < 10_000:
        return "no", None
    return otherwise, None


def bought(row: Row, price: float, a_year: float, need: int, stock: int, moq: int) -> list[int]:
    """Cents a year: the parts, the tool, the scrap, storage, obsolescence, waiting."""
    to_buy = need - stock
    times = max(1, to_buy // moq)
    left_over = max(0, moq - to_buy)
    lead = float(str(row["lead_days"]))
    on_shelf = to_buy / times / 2 * (to_buy / need) + a_year * lead / 365
    stopped = float(str(row.get("stockout_cost_per_day") or 0)) * 100
    months_with_demand = sum(1 for cell in str(row["demand_history"]).split("|") if cell != "0") / 2
    orders = a_year / max(1, math.ceil(a_year / min(12, months_with_demand) - 1e-9))
    amounts = [
        to_buy * price / 5,
        float(str(row.get("tooling") or 0)) * 100 / 5,
        left_over * price / 5,
        0.2 * price * on_shelf,
        0.05 * price * on_shelf,
        orders * 0.05 * max(0.0, min(lead, 21) - 14) * stopped,
    ]
    return [half_up(amount) for amount in amounts]


def printed(row: Row, box: tuple[float, ...], a_year: float, to_buy: int, history: list[int]) -> list[int]:
    """Cents a year, below zero: the prints at the cheapest machine of the network, freight, a short stock."""
    years = len(history) / 12
    orders = min(12, sum(1 for quantity in history if quantity) / years)
    lot = max(1, min(math.ceil(a_year / orders - 1e-9), to_buy))
    part = PartGeometry(box_mm=(box[0], box[1], box[2]), volume_cm3=float(str(row["volume_cm3"])))
    prices = []
    for offer in wanted(row):
        try:
            estimate = estimate_production(
                part=part, machine=offer.machine, material=offer.material, rates=offer.rates, quantity=lot
            )
        except PartDoesNotFit:
            continue
        prices.append(estimate.price_minor)
    unit = min(prices) / lot
    amounts = [-to_buy / 5 * unit, -to_buy / 5 / lot * 1_200, -0.2 * unit * a_year * 14 / 365]
    return [half_up(amount) for amount in amounts]


def wanted(row: Row) -> list[Any]:
    """The network's machines with the material of a row; all of them where it names none."""
    codes = PRINTED_IN.get(str(row.get("process_materials")))
    return [offer for offer in reference_print_offers() if codes is None or offer.material.code in codes]


def holds(room: tuple[float, float, float], box: tuple[float, ...]) -> bool:
    """Whether a box fits with 3 mm on each side, its sides sorted: the axis-aligned rotations all tried at once."""
    return all(side + 6 <= free + 1e-6 for side, free in zip(sorted(box), sorted(room), strict=True))


def half_up(amount: float) -> int:
    return math.floor(amount + 0.5 + 1e-7)


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_two_judges_come_to_the_same_verdicts_and_cents(seed: int) -> None:
    rows = a_spare_part_list(250, seed=seed)
    found = [judge_part(part_of(row), reference_market(), ScreeningTerms()) for row in rows]
    mine = [by_hand(row) for row in rows]
    assert [it.verdict for it in found] == [verdict for verdict, _ in mine]
    savings = [(it.yearly_saving_minor, saving) for it, (_, saving) in zip(found, mine, strict=True)]
    assert [(its, ours) for its, ours in savings if its != ours] == []
    assert sum(1 for its, _ in savings if its is not None) >= 5


def test_one_row_with_paper_and_pencil() -> None:
    """24 months with 6 demands of 2: 6 a year, 30 in five years, in print orders of 2; 100.00 each, MOQ 50, 73 days."""
    part = ScreenedPart(
        part_no="P-1",
        unit_price_minor=10_000.0,
        history=(2.0, 0.0, 0.0, 0.0) * 6,
        minimum_quantity=50,
        lead_days=73.0,
        stock=6.0,
        box_mm=(40.0, 30.0, 20.0),
        volume_cm3=10.0,
        process_materials=("MJF:PA12",),
    )
    found = judge_part(part, reference_market(), ScreeningTerms())
    assert found.printed is not None
    unit = found.printed.price_minor / 2
    assert (found.yearly_demand, found.need, found.to_buy, found.scrap_quantity) == (6, 30, 24, 26)
    assert (found.adi, found.cv2, found.demand_class.value, found.printed.quantity) == (4, 0, "intermittent", 2)
    assert {row.code: row.amount_minor for row in found.rows} == {
        "purchase": 48_000,  # 24 / 5 x 100.00
        "moq_scrap": 52_000,  # 26 / 5 x 100.00
        "holding": 21_600,  # 0.20 x 100.00 x (12 x 24/30 + 6 x 73/365 = 10.8)
        "obsolescence": 5_400,
        "digitisation": -12_000,
        "upkeep": -2_500,
        "printing": half_up(-4.8 * unit),
        "freight": -2_880,  # 2.4 orders x 12.00
        "printed_stock": half_up(-0.2 * unit * 6 * 14 / 365),
    }
    assert found.yearly_saving_minor == sum(row.amount_minor for row in found.rows)
