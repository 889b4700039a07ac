"""Estimates of the reference network against the bands that printed parts are known to cost."""

from functools import cache
from statistics import median

import pytest

from fabroute.estimation.facts import Process
from fabroute.estimation.production import ProductionEstimate, estimate_production
from fabroute.estimation.rotations import PartDoesNotFit
from tests.factories.estimation import (
    reference_machine,
    reference_material,
    reference_offers,
    reference_part,
    reference_rates,
    some_rates,
)


def before_margin(part_no: str, model: str, material: str, *, quantity: int = 100) -> ProductionEstimate:
    return estimate_production(
        part=reference_part(part_no),
        machine=reference_machine(model),
        material=reference_material(material),
        rates=some_rates(labour_minor_per_hour=4600, first_pass_yield=0.97),
        quantity=quantity,
    )


def euro_per_cm3(part_no: str, model: str, material: str) -> float:
    """Return the price of a cm3 at 100 units, before margin."""
    return before_margin(part_no, model, material).price_minor / 100 / 100 / reference_part(part_no).volume_cm3


@cache
def all_rows() -> dict[Process, dict[tuple[str, str, str], float]]:
    """Return euro per cm3 of every reference part on every machine model that is offered for it and holds it."""
    prices: dict[Process, dict[tuple[str, str, str], float]] = {process: {} for process in Process}
    for offer in reference_offers():
        try:
            prices[reference_machine(offer[1]).process][offer] = euro_per_cm3(*offer)
        except PartDoesNotFit:
            continue
    return prices


@pytest.mark.parametrize(
    ("process", "lowest", "highest"),
    [
        (Process.MJF, 0.26, 1.1),
        (Process.SLS, 0.26, 1.1),
        (Process.LPBF, 5, 11),
        (Process.MEX, 0.8, 1.3),
        (Process.VPP, 0.65, 1.3),
    ],
)
def test_the_usual_part_costs_what_such_parts_cost(process: Process, lowest: float, highest: float) -> None:
    prices = list(all_rows()[process].values())
    assert lowest <= median(prices) <= highest
    assert len(prices) >= 7


@pytest.mark.parametrize("process", [Process.MJF, Process.SLS])
def test_nine_of_ten_polymer_powder_parts_are_inside_the_band(process: Process) -> None:
    prices = all_rows()[process].values()
    inside = [price for price in prices if 0.26 <= price <= 1.1]
    assert len(inside) >= 0.9 * len(prices)


@pytest.mark.parametrize(
    ("part_no", "model", "material", "lowest", "highest"),
    [
        ("AP-0101", "HP MJF 5200", "PA12-MJF", 0.26, 1.1),
        ("FU-0201", "HP MJF 5200", "PA12-MJF", 0.26, 1.1),
        ("FU-0201", "EOS P 396", "PA12-SLS", 0.26, 1.1),
        ("RL-0002", "EOSINT P 800", "PA2241-FR", 0.26, 1.1),
        ("RL-0001", "EOS M 400-4", "316L", 5, 11),
        ("RL-0004", "EOS M 290", "316L", 5, 11),
        ("MA-0302", "SLM 280", "17-4PH", 5, 11),
        ("RL-0005", "Renishaw RenAM 500Q", "ALSI10MG", 5, 11),
        ("AE-0401", "Fortus 450mc", "ULTEM-9085", 0.9, 1.3),
        ("RL-0002", "Stratasys F900", "ULTEM-9085", 0.9, 1.3),
        ("AP-0105", "Formlabs Form 4", "RESIN-TOUGH", 0.65, 1.3),
        ("ME-0504", "Formlabs Form 3L", "RESIN-TOUGH", 0.65, 1.3),
    ],
)
def test_known_rows_are_inside_their_bands(
    part_no: str, model: str, material: str, lowest: float, highest: float
) -> None:
    assert lowest <= euro_per_cm3(part_no, model, material) <= highest


def test_electricity_per_kilogram_depends_on_how_full_the_machine_is() -> None:
    single = before_margin("RL-0001", "EOS M 400-4", "316L", quantity=1)
    batch = before_margin("RL-0001", "EOS M 400-4", "316L", quantity=42)
    per_kg = [found.energy_wh / found.net_grams for found in (single, batch)]
    assert per_kg[0] > 3 * per_kg[1]
    assert 17 < per_kg[1] < per_kg[0] < 1347


def test_the_rates_of_reference_nodes_change_the_price_and_not_the_time() -> None:
    def at(node_id: str) -> ProductionEstimate:
        return estimate_production(
            part=reference_part("FU-0201"),
            machine=reference_machine("HP MJF 5200"),
            material=reference_material("PA12-MJF"),
            rates=reference_rates(node_id),
            quantity=4,
        )

    hamburg, shenzhen = at("N001"), at("N056")
    assert hamburg.build_minutes == shenzhen.build_minutes
    assert hamburg.minimum_top_up_minor == 0
    assert shenzhen.price_minor == 3000  # its minimum order
    assert shenzhen.price_minor - shenzhen.minimum_top_up_minor < hamburg.price_minor
