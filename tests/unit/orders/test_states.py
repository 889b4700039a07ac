import pytest

from fabroute.orders.states import ORDER_STATES, TRANSITIONS, LineState, OrderState, derive_order_state, sources_of


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["pending"], "pending"),
        (["routing"], "pending"),
        (["routed", "routing"], "pending"),
        (["no_route", "pending"], "pending"),
        (["parked", "pending"], "pending"),
        (["routed"], "routed"),
        (["routed", "routed"], "routed"),
        (["routed", "no_route"], "partly_routed"),
        (["routed", "parked"], "partly_routed"),
        (["no_route", "no_route"], "no_route"),
        (["no_route", "parked"], "parked"),
        (["parked"], "parked"),
        (["cancelled", "cancelled"], "cancelled"),
        (["cancelled", "routed"], "routed"),
        (["cancelled", "no_route"], "no_route"),
    ],
)
def test_an_orders_state_follows_from_its_lines(lines: list[LineState], expected: OrderState) -> None:
    assert derive_order_state(lines) == expected
    assert derive_order_state(list(reversed(lines))) == expected


def test_a_cancelled_line_goes_nowhere_and_every_other_can_be_cancelled() -> None:
    assert TRANSITIONS["cancelled"] == frozenset()
    assert sources_of("cancelled") == ["no_route", "parked", "pending", "routed", "routing"]


def test_only_a_line_that_is_being_routed_gets_a_route() -> None:
    assert sources_of("routed") == ["routing"]
    assert sources_of("no_route") == ["routing"]


def test_a_line_without_a_route_waits_to_be_routed_again() -> None:
    assert sources_of("pending") == ["no_route", "parked", "routed", "routing"]
    assert sources_of("routing") == ["pending", "routing"]


def test_every_state_a_line_may_reach_is_a_state_with_its_own_transitions() -> None:
    reached = {target for targets in TRANSITIONS.values() for target in targets}
    assert reached <= set(TRANSITIONS)
    assert set(ORDER_STATES) == {"pending", "routed", "partly_routed", "no_route", "parked", "cancelled"}
