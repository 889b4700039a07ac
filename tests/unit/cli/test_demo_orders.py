from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fabroute.cli.demo_orders import StreamPart, order_stream

NOW = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)
PARTS = (
    StreamPart(part_no="RL-0001", criticality="line_down", annual_demand=120),
    StreamPart(part_no="AP-0103", criticality="consumer", annual_demand=5200),
    StreamPart(part_no="ME-0501", criticality="patient", annual_demand=260),
)


def _stream(*, count: int, seed: int = 7) -> list[Any]:
    return list(order_stream(parts=PARTS, count=count, seed=seed, now=NOW))


def test_the_same_seed_gives_the_same_stream_and_another_seed_another() -> None:
    assert _stream(count=50) == _stream(count=50)
    assert _stream(count=50) != _stream(count=50, seed=8)


def test_every_part_comes_once_before_demand_decides() -> None:
    parts = [order["lines"][0]["part"] for order in _stream(count=300)]

    assert parts[:3] == ["RL-0001", "AP-0103", "ME-0501"]
    assert Counter(parts).most_common(1)[0][0] == "AP-0103"


def test_references_are_unique_and_share_the_batch() -> None:
    orders = _stream(count=40)

    assert orders[0]["reference"] == "demo-0001"
    assert len({order["reference"] for order in orders}) == 40
    assert {order["batch"] for order in orders} == {"demo"}


def test_quantities_have_the_documented_shape() -> None:
    quantities = [order["lines"][0]["quantity"] for order in _stream(count=2000)]
    small = sum(1 for quantity in quantities if quantity <= 3) / 2000

    assert small == pytest.approx(0.7, abs=0.03)
    assert min(quantities) == 1
    assert max(quantities) <= 60


def test_every_order_is_needed_in_the_future() -> None:
    needs = [datetime.fromisoformat(order["need_by"]) for order in _stream(count=200)]

    assert min(needs) > NOW + timedelta(days=4)
    assert max(needs) < NOW + timedelta(days=40)
