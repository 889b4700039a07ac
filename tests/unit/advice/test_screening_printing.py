"""The cheapest place to print, against every estimate of the reference network."""

import pytest

from fabroute.advice.rules.screening_printing import PrintOffer, print_market
from fabroute.estimation.calibration import Evidence
from fabroute.estimation.facts import PartGeometry, Process
from fabroute.estimation.production import estimate_production
from fabroute.estimation.rotations import PartDoesNotFit
from tests.factories.estimation import a_machine, a_material, a_part, reference_part, some_rates
from tests.factories.screenings import a_market, a_print_offer, reference_market, reference_print_offers

WISHES = {
    "RL-0001": ("LPBF:316L",),
    "RL-0003": ("LPBF",),
    "AP-0101": ("SLS:PA12-SLS", "MJF:PA12-MJF"),
    "AP-0104": ("PA12",),
    "FU-0201": ("MJF", "SLS", "MEX"),
    "MA-0305": ("17-4PH",),
    "ME-0504": ("VPP",),
}


def estimated(part: PartGeometry, offer: PrintOffer, quantity: int) -> int | None:
    try:
        return estimate_production(
            part=part,
            machine=offer.machine,
            material=offer.material,
            rates=offer.rates,
            quantity=quantity,
            evidence=offer.evidence,
        ).price_minor
    except PartDoesNotFit:
        return None


@pytest.mark.parametrize("quantity", [1, 7, 60])
@pytest.mark.parametrize("part_no", WISHES)
def test_no_estimate_of_the_whole_network_is_cheaper(part_no: str, quantity: int) -> None:
    part, market = reference_part(part_no), reference_market()
    kinds = market.kinds_for(WISHES[part_no])
    offers = [offer for offer in reference_print_offers() if offer.kind in set(kinds)]
    prices = [price for offer in offers if (price := estimated(part, offer, quantity)) is not None]
    found = market.cheapest(part, kinds, quantity=quantity)
    assert found is not None
    assert (found.price_minor, found.quantity) == (min(prices), quantity)
    named = [it for it in offers if (it.node_id, it.machine_id) == (found.node_id, found.machine_id)]
    assert found.price_minor in {estimated(part, it, quantity) for it in named if it.material.code == found.material}


def test_most_nodes_need_not_be_asked() -> None:
    asked = [offer for offers in reference_market().offers.values() for offer in offers]
    assert len(reference_print_offers()) == 365
    assert len(reference_market().offers) == 76
    assert len(asked) < 365 * 0.6
    assert {offer.kind for offer in asked} == {offer.kind for offer in reference_print_offers()}


def test_wishes_are_processes_materials_or_both() -> None:
    market = reference_market()

    def materials(*wishes: str) -> list[str]:
        return [material.code for material in market.materials_for(wishes)]

    assert materials("PA12") == ["PA12-MJF", "PA12-SLS"]
    assert materials("mjf:pa12") == materials(" MJF:PA12-MJF ") == ["PA12-MJF"]
    assert materials("316L") == ["316L", "316L-BJ"]
    assert materials("LPBF:316L") == ["316L"]
    assert materials("EBM") == materials("EBM:") == ["TI64-ELI"]
    assert materials("PA12-GF") == ["PA12-GF"]
    assert materials("SLS:316L") == materials("PA1") == materials("steel") == materials() == []


def test_one_that_is_undercut_in_everything_is_left_out() -> None:
    cheap = a_print_offer(node_id="N2", rates=some_rates(labour_minor_per_hour=3000))
    dear = a_print_offer(node_id="N1", rates=some_rates(labour_minor_per_hour=4000))
    small_orders = a_print_offer(node_id="N3", rates=some_rates(labour_minor_per_hour=5000, first_pass_yield=1.0))
    risky = a_print_offer(node_id="N4", rates=some_rates(labour_minor_per_hour=2000, minimum_order_minor=9000))
    ((_, kept),) = a_market(cheap, dear, small_orders, risky).offers.items()
    assert [offer.node_id for offer in kept] == ["N2", "N4"]
    assert a_market(cheap, dear).cheapest(a_part(), [dear.kind], quantity=1) == a_market(cheap).cheapest(
        a_part(), [dear.kind], quantity=1
    )


def test_what_a_node_states_and_what_its_machine_has_taught_count() -> None:
    usual = a_print_offer(node_id="N1", rates=some_rates(labour_minor_per_hour=1000))
    stated = a_print_offer(node_id="N2", rates=some_rates(labour_minor_per_hour=1000, machine_minor_per_hour=100))
    learnt = a_print_offer(
        node_id="N3",
        rates=some_rates(labour_minor_per_hour=1000, machine_minor_per_hour=100),
        evidence=Evidence(builds=50, log_ratio_sum=-50.0, log_ratio_sum_squares=50.0, good_prints=50, failed_prints=0),
    )
    assert [it.node_id for it in a_market(usual, stated).offers[usual.kind]] == ["N2"]
    assert [it.node_id for it in a_market(usual, stated, learnt).offers[usual.kind]] == ["N2", "N3"]
    found = a_market(usual, stated, learnt).cheapest(a_part(), [usual.kind], quantity=1)
    assert found is not None
    assert (found.node_id, found.price_minor) == ("N3", estimated(a_part(), learnt, 1))


def test_equal_prices_go_to_the_first_node_by_name() -> None:
    found = a_market(a_print_offer(node_id="N9"), a_print_offer(node_id="N2")).cheapest(
        a_part(), [a_print_offer().kind], quantity=3
    )
    assert found is not None
    assert (found.node_id, found.machine_id, found.machine_model) == ("N2", "N2-A", "Model MEX")
    assert found.unit_minor == found.price_minor / 3
    assert (found.process, found.material, found.quantity) == ("MEX", "STUFF", 3)


def test_a_part_that_fits_no_machine_has_no_price() -> None:
    long = a_part(box_mm=(250.0, 20.0, 20.0))
    assert a_market().cheapest(long, [a_print_offer().kind], quantity=1) is None
    larger = a_print_offer(machine=a_machine(process=Process.VPP, box_mm=(306.0, 100.0, 100.0)))
    other = a_print_offer(node_id="N2", machine=larger.machine, material=a_material(process=Process.VPP, code="RESIN"))
    market = print_market([a_print_offer(), other])
    found = market.cheapest(long, [a_print_offer().kind, other.kind], quantity=1)
    assert found is not None
    assert (found.node_id, found.material) == ("N2", "RESIN")
    assert market.boxes_for(None) == ((206.0, 206.0, 206.0), (306.0, 100.0, 100.0))
    assert market.boxes_for([other.kind]) == ((306.0, 100.0, 100.0),)


def test_the_minimum_order_is_a_part_of_the_price() -> None:
    market = a_market(a_print_offer(rates=some_rates(minimum_order_minor=90_000)))
    found = market.cheapest(a_part(), [a_print_offer().kind], quantity=1)
    assert found is not None
    assert found.price_minor == 90_000
    assert found.unit_minor == 90_000
