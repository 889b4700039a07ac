"""Prices of a run: worked out once, and only what differs is worked out again."""

from dataclasses import replace
from datetime import date

import pytest

from fabroute.logistics.rules import GridRow, Location, NoDutyRule, Service, Zone, grid_book
from fabroute.network.service import CalibrationView, OfferRates
from fabroute.routing.service.pricing import Pricing, landed_price
from tests.factories.routing import MONDAY_MORNING, a_node_view
from tests.factories.snapshots import a_printer, a_revision_view, some_logistics

NODE = a_node_view(latitude=52.0, longitude=10.0)
HERE = Location(latitude=53.0, longitude=10.0, country="DE")
ZURICH = Location(latitude=47.4, longitude=8.5, country="CH")
PARIS = Location(latitude=48.9, longitude=2.3, country="FR")
DAY = date(2026, 6, 15)


@pytest.fixture
def pricing() -> Pricing:
    lanes = {"N101": {Zone.DOMESTIC: (Service.ECONOMY, Service.NEXT_FLIGHT), Zone.CONTINENT: (Service.EXPRESS,)}}
    return Pricing(some_logistics(lanes), on=DAY)


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


def test_the_geometry_of_a_part_is_made_once(pricing: Pricing) -> None:
    assert pricing.geometry(a_revision_view()).volume_cm3 == 20
    assert pricing.geometry(a_revision_view()) is pricing.geometry(a_revision_view())


def test_a_node_without_a_figure_of_its_own_draws_on_its_countrys_grid() -> None:
    grid = grid_book(
        [
            GridRow(country="DE", g_per_kwh=400.0, valid_from=date(2020, 1, 1), valid_to=date(2026, 6, 14), source="a"),
            GridRow(country="DE", g_per_kwh=381.0, valid_from=DAY, valid_to=date(2099, 12, 31), source="b"),
        ]
    )
    pricing = Pricing(replace(some_logistics({}), grid=grid), on=DAY)
    on_the_grid = replace(NODE, grid_g_co2_per_kwh=None)

    assert pricing.rates(NODE, a_printer()).grid_g_co2_per_kwh == 380.9
    assert pricing.rates(on_the_grid, a_printer()).grid_g_co2_per_kwh == 381.0
    assert pricing.rates(replace(on_the_grid, country="XX"), a_printer()).grid_g_co2_per_kwh == 475.0
    # 1.28472 kWh x 381 = 489.48 g; 57.288 g of PLA x 2.5 = 143.22 g.
    assert pricing.estimate(a_revision_view(), quantity=2, node=on_the_grid, offer=a_printer()).co2_g == 633


def test_what_a_node_states_and_what_was_learnt_make_an_estimate_of_its_own(pricing: Pricing) -> None:
    stated = replace(a_printer(machine_id="N101-B"), rates=OfferRates(machine_minor_per_hour=800))
    learnt = replace(
        a_printer(machine_id="N101-C"),
        calibration=CalibrationView(
            builds=0,
            log_ratio_sum=0.0,
            log_ratio_sum_squares=0.0,
            good_prints=80,
            failed_prints=20,
            learnt_at=MONDAY_MORNING,
        ),
    )
    usual, dear, wasteful = (
        pricing.estimate(a_revision_view(), quantity=2, node=NODE, offer=offer)
        for offer in (a_printer(), stated, learnt)
    )

    assert usual.price_minor == 9395
    # 5.6389 h at 4 more an hour, and a quarter margin: (7516.197 + 2255.556) x 1.25 = 12214.69.
    assert dear.price_minor == 12215
    # (20 x 1.0 + 80) / 120 prints are good: everything but the work on the file costs a fifth more.
    assert wasteful.price_minor == 10987  # (1150 + 6366.197 x 1.2) x 1.25 = 10986.8
    assert dear.machine_minutes == usual.machine_minutes == 339
    assert wasteful.machine_minutes == 406  # 5.6389 h x 1.2
