"""Waits for orders to reach an outcome, showing how far they are."""

import time

from fabroute.cli.client import ApiClient, JsonObject
from fabroute.cli.progress import Step
from fabroute.kernel.errors import DomainError

_POLL_SECONDS = 0.3
_STALL_SECONDS = 120.0
OPEN_STATES = ("pending",)


class NothingMoves(DomainError):
    """Orders stay pending: nobody seems to route them."""

    code = "nothing_moves"
    status = 503


def wait_for_batch(client: ApiClient, *, batch: str, step: Step) -> dict[str, int]:
    """Return the number of orders of ``batch`` by state once none is open; ``NothingMoves`` after two still minutes."""
    last_open, last_change = -1, time.monotonic()
    while True:
        states = read_states(client, batch=batch)
        total, waiting = sum(states.values()), sum(states.get(state, 0) for state in OPEN_STATES)
        step("orders with an outcome", total - waiting, total)
        if waiting == 0:
            return states
        if waiting != last_open:
            last_open, last_change = waiting, time.monotonic()
        _complain_if_stalled(last_change, f"{waiting} of {total} orders")
        time.sleep(_POLL_SECONDS)


def wait_for_order(client: ApiClient, *, order_id: str) -> JsonObject:
    """Return the order once it has an outcome; ``NothingMoves`` after two minutes."""
    started = time.monotonic()
    while True:
        order = client.get(f"/v1/orders/{order_id}")
        if order["state"] not in OPEN_STATES:
            return order
        _complain_if_stalled(started, f"order {order_id}")
        time.sleep(_POLL_SECONDS)


def read_states(client: ApiClient, *, batch: str) -> dict[str, int]:
    """Return the number of orders of ``batch`` by state."""
    states = client.get("/v1/order-statistics", batch=batch)["states"]
    return (
        {state: count for state, count in states.items() if isinstance(count, int)} if isinstance(states, dict) else {}
    )


def _complain_if_stalled(since: float, what: str) -> None:
    if time.monotonic() - since > _STALL_SECONDS:
        raise NothingMoves(
            f"{what} still without an outcome and nothing moves: is a worker running (fabroute work), "
            "and what does fabroute doctor say? The orders are safe: they are routed as soon as a worker runs"
        )
