"""Spare parts to be screened: single ones with round figures, a market, and whole lists of a made-up pulp mill."""

import csv
import io
import random
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from fabroute.advice.rules.screening_parts import PrintedUnit, ScreenedPart
from fabroute.advice.rules.screening_printing import PrintMarket, PrintOffer, print_market
from fabroute.advice.rules.screening_terms import ScreeningTerms
from fabroute.estimation.calibration import NO_EVIDENCE, Evidence
from fabroute.estimation.facts import MachineModelFacts, MaterialFacts, NodeRates
from tests.factories.estimation import (
    a_machine,
    a_material,
    reference_asset_rows,
    reference_machine,
    reference_material,
    reference_rates,
    some_rates,
)

Row = dict[str, object]
COLUMNS = (
    *("part_no", "name", "demand_history", "unit_price", "moq", "lead_days", "tooling", "stock"),
    *("stockout_cost_per_day", "box_x_mm", "box_y_mm", "box_z_mm", "volume_cm3", "process_materials"),
    *("required_certificates", "tolerance_mm", "printable"),
)


def a_spare_part(**changes: Any) -> ScreenedPart:
    """Return a part of which 10 a year are needed, bought at 20.00 with a minimum order of 250, 40 × 30 × 20 mm."""
    figures: dict[str, Any] = {
        "part_no": "P-1",
        "unit_price_minor": 2000.0,
        "demand": 10.0,
        "minimum_quantity": 250,
        "lead_days": 73.0,
        "box_mm": (40.0, 30.0, 20.0),
        "volume_cm3": 10.0,
        "process_materials": ("STUFF",),
    }
    return ScreenedPart(**(figures | changes))


def bare_terms(**changes: Any) -> ScreeningTerms:
    """Return terms under which nothing costs anything but the parts themselves, over one year; with ``changes``."""
    nothing: dict[str, Any] = {
        "horizon_years": 1.0,
        "holding_cost": 0.0,
        "obsolescence": 0.0,
        "digitisation_minor": 0,
        "qualification_minor": 0,
        "amortisation_years": 1.0,
        "upkeep_minor": 0,
        "minimum_saving_minor": 0,
        "print_freight_minor": 0,
        "stockout_probability": 0.0,
    }
    return ScreeningTerms(**(nothing | changes))


def a_print_offer(
    *,
    node_id: str = "N1",
    machine_id: str | None = None,
    machine: MachineModelFacts | None = None,
    material: MaterialFacts | None = None,
    rates: NodeRates | None = None,
    evidence: Evidence = NO_EVIDENCE,
) -> PrintOffer:
    """Return an extruder that prints STUFF up to 200 mm each way."""
    return PrintOffer(
        node_id=node_id,
        machine_id=machine_id or f"{node_id}-A",
        machine=machine or a_machine(),
        material=material or a_material(),
        rates=rates or some_rates(),
        evidence=evidence,
    )


def a_market(*offers: PrintOffer) -> PrintMarket:
    """Return a market of these offers, or of one extruder."""
    return print_market(offers or (a_print_offer(),))


def a_printed_unit(*, price_minor: int = 5_000, quantity: int = 1) -> PrintedUnit:
    """Return a print order at node N1."""
    return PrintedUnit(
        node_id="N1",
        machine_id="N1-A",
        machine_model="Model MEX",
        process="MEX",
        material="STUFF",
        quantity=quantity,
        price_minor=price_minor,
    )


@lru_cache
def reference_print_offers() -> tuple[PrintOffer, ...]:
    """Return every machine of the reference network with each of its materials and its node's rates."""
    return tuple(
        PrintOffer(
            node_id=row["node_id"],
            machine_id=row["machine_id"],
            machine=reference_machine(row["model"]),
            material=reference_material(row["material"]),
            rates=reference_rates(row["node_id"]),
        )
        for row in reference_asset_rows()
    )


@lru_cache
def reference_market() -> PrintMarket:
    """Return the market of the reference network."""
    return print_market(reference_print_offers())


# ---------------------------------------------------------------- a pulp mill's list


def a_spare_part_list(rows: int, *, seed: int = 1) -> list[Row]:
    """Return a made-up list of a pulp mill: mostly what nobody would print, and a few parts that are worth it.

    Nearly a third is standard hardware, then electrical parts, large castings, parts that nobody wanted for two years,
    parts of which enough lies in store, plain ones, rows with holes, and one in fifty a small dear part with a minimum
    order and months of lead time. All figures are made up.
    """
    dice = random.Random(seed)
    kinds = list(_KINDS)
    found = []
    for number in range(1, rows + 1):
        kind = dice.choices(kinds, weights=[_KINDS[name][0] for name in kinds])[0]
        found.append({"part_no": f"PM-{number:05}"} | _KINDS[kind][1](dice))
    return found


def example_list() -> list[Row]:
    """Return the list that comes with the product as an example: ``infra/reference/screening_example.csv``."""
    return a_spare_part_list(50, seed=37)


def as_csv(rows: Sequence[Mapping[str, object]]) -> str:
    """Return rows as the CSV that is uploaded."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _months(dice: random.Random, *, chance: float, size: int, months: int = 24) -> str:
    return "|".join(str(dice.randint(1, size) if dice.random() < chance else 0) for _ in range(months))


def _box(dice: random.Random, least: float, most: float, *, fill: tuple[float, float] = (0.14, 0.43)) -> Row:
    sides = [round(dice.uniform(least, most), 1) for _ in range(3)]
    volume = sides[0] * sides[1] * sides[2] / 1000 * dice.uniform(*fill)
    box: Row = dict(zip(("box_x_mm", "box_y_mm", "box_z_mm"), sides, strict=True))
    return box | {"volume_cm3": round(volume, 2)}


def _hardware(dice: random.Random) -> Row:
    name, material = dice.choice((("Hex bolt", "steel"), ("Lip seal", "NBR"), ("Bushing", "bronze"), ("Cap", "PA12")))
    return {
        "name": name,
        "demand_history": _months(dice, chance=0.8, size=40),
        "unit_price": round(dice.uniform(0.05, 0.6 if material == "PA12" else 9), 2),
        "moq": dice.choice((10, 50, 100, 500)),
        "lead_days": dice.randint(3, 30),
        "process_materials": material,
    } | _box(dice, 8, 60)


def _electrical(dice: random.Random) -> Row:
    return {
        "name": dice.choice(("Limit switch", "Motor 4 kW", "Pressure transmitter", "Relay")),
        "demand_history": _months(dice, chance=0.15, size=3),
        "unit_price": round(dice.uniform(20, 900), 2),
        "lead_days": dice.randint(7, 60),
        "stock": dice.randint(0, 2),
        "printable": "no",
    }


def _casting(dice: random.Random) -> Row:
    return {
        "name": dice.choice(("Pump casing", "Roll journal", "Wear plate", "Shaft sleeve")),
        "demand_history": _months(dice, chance=0.05, size=2),
        "unit_price": round(dice.uniform(400, 9_000), 2),
        "lead_days": dice.randint(40, 160),
        "tooling": dice.choice(("", "", 4_000, 12_000)),
        "process_materials": dice.choice(("GJS-400", "316L", "17-4PH")),
    } | _box(dice, 420, 1_800)


def _never_wanted(dice: random.Random) -> Row:
    return {
        "name": dice.choice(("Gland", "Guide rail", "Bracket", "Impeller")),
        "demand_history": "|".join("0" * 24),
        "unit_price": round(dice.uniform(5, 600), 2),
        "lead_days": dice.randint(10, 120),
        "stock": dice.randint(0, 4),
        "process_materials": dice.choice(("PA12", "316L")),
    } | _box(dice, 20, 160)


def _enough_in_store(dice: random.Random) -> Row:
    return _hardware(dice) | {"demand_history": _months(dice, chance=0.1, size=2), "stock": dice.randint(60, 400)}


def _with_holes(dice: random.Random) -> Row:
    row = _worth_a_look(dice)
    hole: Sequence[str] = dice.choice((("unit_price",), ("box_x_mm", "volume_cm3"), ("process_materials",)))
    return row | dict.fromkeys(hole, "")


def _plain_plastic(dice: random.Random) -> Row:
    return {
        "name": dice.choice(("Sight glass frame", "Hose clip", "Cable guide", "Handle")),
        "demand_history": _months(dice, chance=0.3, size=6),
        "unit_price": round(dice.uniform(0.5, 7), 2),
        "moq": dice.choice((1, 5, 20)),
        "lead_days": dice.randint(10, 60),
        "process_materials": "PA12",
    } | _box(dice, 20, 150)


def _plain_metal(dice: random.Random) -> Row:
    return {
        "name": dice.choice(("Hose nipple", "Lock plate", "Pin", "Flange blank")),
        "demand_history": _months(dice, chance=0.3, size=4),
        "unit_price": round(dice.uniform(12, 60), 2),
        "moq": dice.choice((1, 5, 10)),
        "lead_days": dice.randint(10, 40),
        "process_materials": "LPBF:316L",
    } | _box(dice, 20, 110)


def _worth_a_look(dice: random.Random) -> Row:
    return {
        "name": dice.choice(("Nozzle insert", "Doctor blade holder", "Screen basket foot", "Impeller small")),
        "demand_history": _months(dice, chance=0.25, size=2),
        "unit_price": round(dice.uniform(120, 480), 2),
        "moq": dice.choice((10, 25, 50)),
        "lead_days": dice.randint(60, 150),
        "stockout_cost_per_day": dice.choice(("", "", 2_000)),
        "process_materials": dice.choice(("PA12", "PA12", "316L")),
    } | _box(dice, 20, 90)


_KINDS: Mapping[str, tuple[int, Callable[[random.Random], Row]]] = {
    "hardware": (30, _hardware),
    "electrical": (20, _electrical),
    "casting": (16, _casting),
    "never_wanted": (13, _never_wanted),
    "enough_in_store": (7, _enough_in_store),
    "plain_plastic": (6, _plain_plastic),
    "plain_metal": (4, _plain_metal),
    "with_holes": (2, _with_holes),
    "worth_a_look": (2, _worth_a_look),
}
"""In percent."""
