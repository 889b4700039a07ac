"""Gates of commerce and time once where they let a node through and once where they do not."""

from datetime import UTC, date, datetime, timedelta

import pytest

from fabroute.solver.eligibility.commerce import (
    capacity,
    lane_exists,
    lane_lapsed,
    minimum_order,
    need_by,
    packaging_offered,
    price_cap,
    wanted_packaging,
)
from tests.factories.eligibility import line_facts, node_facts


@pytest.mark.parametrize(
    ("order", "part", "wanted"),
    [
        ("plain", "plain", ("plain",)),
        ("brand", "plain", ("brand",)),
        ("plain", "esd", ("esd",)),
        ("brand", "esd", ("esd", "brand")),
        ("esd", "esd", ("esd",)),
    ],
)
def test_a_part_is_packed_as_it_needs_and_as_the_order_wants(order: str, part: str, wanted: tuple[str, ...]) -> None:
    line = line_facts(packaging=order, part_packaging=part)

    assert wanted_packaging(order=order, part=part) == wanted
    assert packaging_offered(line, node_facts(packaging=frozenset(wanted))) is None
    assert packaging_offered(line, node_facts(packaging=frozenset(wanted[1:]))) is not None


def test_only_the_packaging_that_is_not_offered_is_named() -> None:
    refusal = packaging_offered(line_facts(packaging="brand", part_packaging="medical_clean"), node_facts())

    assert refusal is not None
    assert refusal.message == "packaging medical_clean is not offered, only brand, plain"
    assert refusal.figures == {"wanted": "medical_clean", "offered": "brand, plain"}


def test_packaging_and_lane_must_be_there() -> None:
    packaging = packaging_offered(line_facts(packaging="esd"), node_facts())
    lane = lane_exists((), zone="Z4", destination_country="JP")

    assert packaging_offered(line_facts(packaging="brand"), node_facts()) is None
    assert lane_exists(("economy",), zone="Z4", destination_country="JP") is None
    assert packaging is not None
    assert lane is not None
    assert packaging.message == "packaging esd is not offered, only brand, plain"
    assert (lane.code, lane.message) == ("LANE_MISSING", "does not ship to JP (zone Z4)")


def test_a_lane_without_a_tariff_of_the_day_says_which_one_is_nearest() -> None:
    missing = lane_exists((), zone="Z2", destination_country="ES")
    assert missing is not None
    words, zone = {"tariffs": "reference, express", "services": "express"}, {"zone": "Z2", "ship_to": "ES"}

    over = lane_lapsed(missing, **words, ended_on=date(2026, 11, 21), begins_on=None)
    early = lane_lapsed(missing, **words, ended_on=None, begins_on=date(2026, 12, 1))

    assert over.message == (
        "the last tariff into zone Z2 (reference, express) ended on 2026-11-21: import one that holds now"
    )
    assert over.figures == zone | {"services": "express", "ended_on": "2026-11-21"}
    assert early.message == (
        "the first tariff into zone Z2 (reference, express) begins on 2026-12-01: import one that holds now"
    )
    assert early.figures == zone | {"services": "express", "begins_on": "2026-12-01"}
    assert over.code == early.code == "LANE_MISSING"


def test_the_price_cap_is_included_and_a_cent_more_is_not() -> None:
    refusal = price_cap(landed_minor=100_001, maximum_minor=100_000, machine_id="M")

    assert price_cap(landed_minor=100_000, maximum_minor=100_000) is None
    assert price_cap(landed_minor=10**9, maximum_minor=None) is None
    assert refusal is not None
    assert refusal.message == "lands at 1,000.01 EUR, the cap is 1,000.00 EUR"
    assert refusal.figures == {"landed_minor": 100_001, "maximum_minor": 100_000}


def test_a_small_order_is_refused_only_where_the_node_refuses_instead_of_topping_up() -> None:
    strict = node_facts(minimum_order_policy="refuse")

    refusal = minimum_order(strict, price_minor=9_999)

    assert minimum_order(node_facts(), price_minor=1) is None
    assert minimum_order(strict, price_minor=10_000) is None
    assert refusal is not None
    assert (refusal.code, refusal.message) == ("MIN_ORDER", "takes orders from 100.00 EUR, this one is 99.99 EUR")


def test_an_arrival_at_the_very_minute_is_in_time_and_a_second_later_an_hour_late() -> None:
    noon = datetime(2026, 6, 20, 12, tzinfo=UTC)

    late = need_by(earliest_arrival=noon + timedelta(seconds=1), needed_at=noon)
    later = need_by(earliest_arrival=noon + timedelta(hours=60), needed_at=noon)

    assert need_by(earliest_arrival=noon, needed_at=noon) is None
    assert need_by(earliest_arrival=noon, needed_at=None) is None
    assert late is not None
    assert later is not None
    assert (late.figures["late_hours"], later.figures["late_hours"]) == (1, 60)
    assert later.message == "arrives 2026-06-23 00:00 UTC at the earliest, 60 h late"


def test_capacity_counts_the_minutes_before_the_last_possible_day() -> None:
    refusal = capacity(needed_minutes=640, available_minutes=210, last_day=date(2026, 6, 20), machine_id="M")

    assert capacity(needed_minutes=640, available_minutes=640, last_day=date(2026, 6, 20)) is None
    assert refusal is not None
    assert refusal.message == "needs 640 min by 2026-06-20, has 210 min free"
    assert refusal.figures == {"needed_minutes": 640, "free_minutes": 210, "by": "2026-06-20"}
