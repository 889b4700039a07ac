"""The network's rows in the form in which estimates take them: nothing is lost, mixed up or made up."""

from dataclasses import asdict, replace
from typing import Any

import pytest

from fabroute.estimation.calibration import NO_EVIDENCE, Evidence
from fabroute.estimation.facts import InvalidFact, Process
from fabroute.network.service import (
    CalibrationView,
    OfferRates,
    evidence_of,
    machine_facts,
    material_facts,
    rates_of,
)
from tests.factories.organisations import NOW
from tests.factories.routing import a_node_view, an_offer_view

LEARNT = CalibrationView(
    builds=3, log_ratio_sum=0.6, log_ratio_sum_squares=0.14, good_prints=9, failed_prints=1, learnt_at=NOW
)


def test_a_machine_model_keeps_every_figure_and_its_source() -> None:
    model = an_offer_view().model
    facts, row = asdict(machine_facts(model)), asdict(model)

    assert facts.pop("box_mm") == tuple(row.pop(side) for side in ("x_mm", "y_mm", "z_mm"))
    assert facts.pop("process") == Process(row.pop("process"))
    assert facts == row


def test_a_material_keeps_every_figure_and_its_source() -> None:
    material = an_offer_view().material
    facts, row = asdict(material_facts(material)), asdict(material)

    assert facts.pop("process") == Process(row.pop("process"))
    assert facts == row


@pytest.mark.parametrize("change", [{"layer_um": 0.0}, {"x_mm": float("nan")}, {"rate_minor_per_hour": -1}])
def test_a_row_that_no_machine_can_be_is_refused(change: dict[str, Any]) -> None:
    model = replace(an_offer_view().model, **change)

    with pytest.raises(InvalidFact) as refusal:
        machine_facts(model)
    assert refusal.value.status == 422


def test_evidence_is_what_was_learnt_without_the_day() -> None:
    offer = replace(an_offer_view(), calibration=LEARNT)

    assert evidence_of(offer) == Evidence(
        builds=3, log_ratio_sum=0.6, log_ratio_sum_squares=0.14, good_prints=9, failed_prints=1
    )
    assert evidence_of(replace(offer, calibration=None)) is NO_EVIDENCE


def test_rates_are_the_node_s_description_where_it_states_nothing() -> None:
    node = a_node_view()
    rates = rates_of(node, an_offer_view(), grid_g_per_kwh=123.0)

    assert (rates.labour_minor_per_hour, rates.margin) == (node.labour_minor_per_hour, node.margin)
    assert (rates.minimum_order_minor, rates.first_pass_yield) == (node.minimum_order_minor, node.first_pass_yield)
    assert (rates.machine_minor_per_hour, rates.material_minor_per_kg) == (None, None)
    assert rates.grid_g_co2_per_kwh == 123.0


def test_stated_rates_go_before_it_even_where_they_are_0() -> None:
    stated = OfferRates(machine_minor_per_hour=0, material_minor_per_kg=1, labour_minor_per_hour=0)
    rates = rates_of(a_node_view(), replace(an_offer_view(), rates=stated), grid_g_per_kwh=0.0)

    assert (rates.machine_minor_per_hour, rates.material_minor_per_kg) == (0, 1)
    assert rates.labour_minor_per_hour == 0
