"""Order lines of the reference network, worked by hand from their rows."""

import pytest

from fabroute.estimation.production import ProductionEstimate, estimate_production
from fabroute.estimation.rotations import PartDoesNotFit
from tests.factories.estimation import (
    reference_machine,
    reference_material,
    reference_offers,
    reference_part,
    reference_rates,
)


def line(part_no: str, model: str, material: str, *, node_id: str, quantity: int) -> ProductionEstimate:
    return estimate_production(
        part=reference_part(part_no),
        machine=reference_machine(model),
        material=reference_material(material),
        rates=reference_rates(node_id),
        quantity=quantity,
    )


def rows(estimate: ProductionEstimate) -> dict[str, int]:
    return {row.code: row.amount_minor for row in estimate.breakdown}


def test_twelve_door_stoppers_fill_a_plate_of_the_laser_machine() -> None:
    estimate = line("RL-0001", "EOS M 290", "316L", node_id="N001", quantity=12)
    # 5.5 h around the build, 850 layers x 9 s, and 12 x 41 x 1.15 cm3 at 13.3 x 0.7 cm3/h: 68.398 h at 60.00.
    hours = 5.5 + 850 * 9 / 3600 + 12 * 41 * 1.15 / (13.3 * 0.7)
    assert (estimate.parts_per_build, estimate.builds, estimate.standing_mm[2]) == (12, 1, 34.0)
    assert estimate.build_minutes == 4104
    assert estimate.machine_minutes == 4167  # over a yield of 0.985
    assert rows(estimate)["machine"] == pytest.approx(hours * 6000, abs=1)
    assert rows(estimate)["material"] == 28410  # 12 x 41 x 1.15 x 1.05 x 7.97 g at 60.00
    assert rows(estimate)["post_processing"] == 35600  # 6 h at 46.00, and 80.00 of heat treatment and wire cutting
    assert estimate.price_minor == 542797


def test_four_leg_caps_pay_for_a_seventy_second_of_a_jet_fusion_build() -> None:
    estimate = line("FU-0201", "HP MJF 5200", "PA12-MJF", node_id="N016", quantity=4)
    # 2.5 h around 4,750 layers x 6.2 s are 10.681 h; four of 288 take 8.9 minutes of them.
    assert (estimate.parts_per_build, estimate.builds) == (288, 1)
    assert estimate.build_minutes == 641
    assert estimate.machine_minutes == 10
    assert rows(estimate)["machine"] == 668
    assert estimate.off_machine_minutes == 24 * 60 + 6
    assert (estimate.material_grams, estimate.net_grams) == (63, 58)
    assert estimate.price_minor == 5000
    assert estimate.minimum_top_up_minor == 1165


def test_a_panel_takes_a_day_and_a_half_of_the_largest_extruder() -> None:
    estimate = line("FU-0205", "Stratasys F900", "ASA", node_id="N015", quantity=1)
    # 2.4 h around the build, and 2,100 x 1.15 cm3 at 90 x 0.75 cm3/h.
    assert estimate.build_minutes == 2291
    assert estimate.parts_per_build == 1
    assert rows(estimate)["machine"] == 145076
    assert estimate.off_machine_minutes == 4
    assert estimate.price_minor == 192426


def test_a_lamp_shade_pays_for_half_a_bed_of_powder() -> None:
    estimate = line("FU-0204", "EOS P 396", "PA12-SLS", node_id="N001", quantity=1)
    # Half of 69.36 litres less 0.26 of part at 0.45 g, half of it virgin, over a yield of 0.985.
    virgin = 0.5 * (260 * 0.93 + (34_680 - 260) * 0.45) / 0.985
    assert estimate.parts_per_build == 2
    assert estimate.material_grams == pytest.approx(virgin, abs=1)
    assert estimate.net_grams == 242
    assert rows(estimate)["material"] == 53092


def test_every_offer_of_the_reference_network_is_estimated_or_refused_by_size() -> None:
    refused: set[str] = set()
    for part_no, model, material in reference_offers():
        try:
            estimate = line(part_no, model, material, node_id="N001", quantity=3)
        except PartDoesNotFit:
            refused.add(part_no)
            continue
        assert estimate.price_minor == sum(rows(estimate).values())
        assert estimate.build_minutes * estimate.builds + estimate.off_machine_minutes > 0
    assert {"ZZ-0901", "FU-0205", "MA-0304"} <= refused
    assert "RL-0001" not in refused
