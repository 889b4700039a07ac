"""Orders that were placed, in the log: all of them, with their requests, in few lines that cost next to nothing."""

import asyncio
import time

import structlog
from structlog.testing import capture_logs

from fabroute.api.intake.placed_log import MOST_ORDERS, PlacedLog
from fabroute.orders.service import Placed, Replayed
from fabroute.telemetry.binding import bind_ids

MOST_MICROSECONDS = 20.0


def placed(number: int) -> Placed:
    return Placed(answer=b"{}", location=f"/v1/orders/ord_{number}")


async def note_all(log: PlacedLog, orders: int) -> None:
    for number in range(orders):
        log.note(placed(number), request_id=f"req_{number}")


def test_all_orders_are_told_with_their_requests_fifty_in_a_line_that_belongs_to_no_request() -> None:
    async def place() -> None:
        log = PlacedLog()
        bind_ids(order_id="ord_of_somebody", request_id="req_of_somebody")
        await note_all(log, 2 * MOST_ORDERS + 1)
        log.flush()
        log.flush()

    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as told:
        asyncio.run(place())

    assert [set(line) for line in told] == [{"event", "orders", "log_level"}] * 3
    assert [len(line["orders"]) for line in told] == [MOST_ORDERS, MOST_ORDERS, 1]
    found = {order: request for line in told for order, request in line["orders"].items()}
    assert found == {f"ord_{number}": f"req_{number}" for number in range(2 * MOST_ORDERS + 1)}


def test_a_lonely_order_is_told_within_a_second_and_one_that_was_there_before_is_not() -> None:
    async def place() -> None:
        log = PlacedLog()
        log.note(Replayed(status=201, answer=b"{}", location="/v1/orders/ord_before"), request_id="req_1")
        log.note(placed(7), request_id="req_2")
        await asyncio.sleep(1.2)

    with capture_logs() as told:
        asyncio.run(place())

    assert [line["orders"] for line in told] == [{"ord_7": "req_2"}]


def test_an_order_costs_no_more_than_twenty_microseconds_for_its_place_in_the_log() -> None:
    """The least of several rounds counts: noise only adds."""

    def microseconds(log: PlacedLog, orders: int = 5_000) -> float:
        began = time.process_time()
        asyncio.run(note_all(log, orders))
        return (time.process_time() - began) / orders * 1e6

    with capture_logs():
        assert min(microseconds(PlacedLog()) for _ in range(10)) < MOST_MICROSECONDS
