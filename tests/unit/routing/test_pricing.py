"""Prices of a run: worked out once, and only what differs is worked out again."""

from dataclasses import replace
from datetime import date

import pytest

from fabroute.logistics.rules import Location, NoDutyRule, Service, Zone
from fabroute.routing.service.pricing import Pricing, landed_price
from tests.factories.routing import a_node_view
from tests.factories.snapshots import a_printer, a_revision_view, some_logistics

NODE = a_node_view(latitude=52.0, longitude=10.0)
HERE = Location(latitude=53.0, longitude=10.0, country="DE")
ZURICH = Location(latitude=47.4, longitude=8.5, country="CH")
PARIS = Location(latitude=48.9, longitude=2.3, country="FR")
DAY = date(2026, 6, 15)


@pytest.fixture
def pricing() -> Pricing:
    lanes = {"N101": {Zone.DOMESTIC: (Service.ECONOMY, Service.NEXT_FLIGHT), Zone.CONTINENT: (Service.EXPRESS,)}}
    return Pricing(some_logistics(lanes))


def test_an_estimate_is_made_once_for_a_part_quantity_node_model_and_material(pricing: Pricing) -> None:
    revision = a_revision_view()
    first = pricing.estimate(revision, quantity=2, node=NODE, offer=a_printer())
    sister = pricing.estimate(revision, quantity=2, node=NODE, offer=a_printer(machine_id="N101-B"))
    three = pricing.estimate(revision, quantity=3, node=NODE, offer=a_printer())

    assert sister is first
    assert (first.quantity, three.quantity) == (2, 3)
    assert three.machine_minutes > first.machine_minutes


def test_another_node_has_its_own_rates(pricing: Pricing) -> None:
    dearer = replace(NODE, node_id="N102", margin=0.5)
    here = pricing.estimate(a_revision_view(), quantity=2, node=NODE, offer=a_printer())
    there = pricing.estimate(a_revision_view(), quantity=2, node=dearer, offer=a_printer(node_id="N102"))

    assert (here.price_minor, there.price_minor) == (9395, 11274)  # 7516.197 x 1.25 and x 1.5
    assert here.machine_minutes == there.machine_minutes


def test_a_node_uses_what_it_has_a_lane_for_and_a_carrier_offers(pricing: Pricing) -> None:
    assert pricing.services(NODE, HERE, day=DAY) == (Service.ECONOMY,)
    assert pricing.services(NODE, ZURICH, day=DAY) == (Service.EXPRESS,)
    assert pricing.services(NODE, PARIS, day=DAY) == ()
    assert pricing.services(NODE, HERE, day=date(2009, 12, 31)) == ()


def test_zones_follow_borders_and_distance(pricing: Pricing) -> None:
    assert pricing.zone(NODE, HERE) is Zone.DOMESTIC
    assert pricing.zone(NODE, ZURICH) is Zone.CONTINENT
    assert pricing.zone(NODE, PARIS) is Zone.CUSTOMS_UNION


def test_within_a_customs_union_the_worth_of_the_goods_does_not_matter(pricing: Pricing) -> None:
    estimate = pricing.estimate(a_revision_view(), quantity=2, node=NODE, offer=a_printer())
    goods = pricing.goods(a_revision_view(), estimate, criticality="routine")
    gold = replace(goods, value_minor=1_000_000)

    plain = pricing.quote(NODE, HERE, goods=goods, service=Service.ECONOMY, day=DAY)
    assert pricing.quote(NODE, HERE, goods=gold, service=Service.ECONOMY, day=DAY) is plain
    assert plain.duty_minor == 0


def test_across_a_border_it_does(pricing: Pricing) -> None:
    estimate = pricing.estimate(a_revision_view(), quantity=2, node=NODE, offer=a_printer())
    goods = pricing.goods(a_revision_view(), estimate, criticality="routine")
    gold = replace(goods, value_minor=1_000_000)

    assert pricing.quote(NODE, ZURICH, goods=goods, service=Service.EXPRESS, day=DAY).duty_minor == 282
    assert pricing.quote(NODE, ZURICH, goods=gold, service=Service.EXPRESS, day=DAY).duty_minor == 30_000


def test_consumers_need_a_duty_rule_of_their_own(pricing: Pricing) -> None:
    estimate = pricing.estimate(a_revision_view(), quantity=2, node=NODE, offer=a_printer())
    goods = pricing.goods(a_revision_view(), estimate, criticality="consumer")

    assert goods.consignment == "b2c"
    with pytest.raises(NoDutyRule):
        pricing.quote(NODE, ZURICH, goods=goods, service=Service.EXPRESS, day=DAY)


def test_the_landed_price_adds_up_and_shows_no_empty_rows(pricing: Pricing) -> None:
    estimate = pricing.estimate(a_revision_view(), quantity=2, node=NODE, offer=a_printer())
    goods = pricing.goods(a_revision_view(), estimate, criticality="routine")
    price = landed_price(estimate, pricing.quote(NODE, ZURICH, goods=goods, service=Service.EXPRESS, day=DAY))

    assert price.landed_minor == 9395 + 3044 + 282 == sum(row.amount_minor for row in price.breakdown)
    assert all(row.amount_minor for row in price.breakdown)
    assert [row.code for row in price.breakdown][-1] == "duty"
    assert price.co2e_g > estimate.co2_g


def test_facts_of_models_and_materials_are_those_of_the_network(pricing: Pricing) -> None:
    offer = a_printer()
    model, material = pricing.model_facts(offer.model), pricing.material_facts(offer.material)

    assert (model.box_mm, model.rate_cm3_per_hour, model.power_kw) == ((330, 240, 300), 12, 0.25)
    assert (material.density_g_per_cm3, material.price_minor_per_kg) == (1.24, 3000)
    assert pricing.model_facts(offer.model) is model
    assert pricing.geometry(a_revision_view()).volume_cm3 == 20
