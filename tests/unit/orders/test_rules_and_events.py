from datetime import UTC, datetime

import pytest

from fabroute.orders.events import order_finished
from fabroute.orders.rules import default_objective
from fabroute.orders.service import LineOutcome
from fabroute.orders.states import OrderState

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("criticality", "objective"),
    [
        ("aog", "fastest"),
        ("line_down", "fastest"),
        ("consumer", "balanced"),
        ("routine", "cheapest"),
        ("patient", "cheapest"),
        ("safety", "cheapest"),
    ],
)
def test_what_stands_still_is_routed_fast_and_the_rest_cheap(criticality: str, objective: str) -> None:
    assert default_objective(criticality) == objective


@pytest.mark.parametrize(
    ("state", "name"),
    [
        ("routed", "order.routed"),
        ("partly_routed", "order.routed"),
        ("no_route", "order.no_route"),
        ("parked", "order.parked"),
        ("cancelled", "order.cancelled"),
    ],
)
def test_a_finished_order_tells_its_state(state: OrderState, name: str) -> None:
    event = order_finished(order_id="ord_1", organisation_id="org_1", state=state, now=NOON)

    assert event is not None
    assert (event.name, event.subject_type, event.subject_id) == (name, "order", "ord_1")
    assert (event.organisation_id, event.occurred_at, event.data) == ("org_1", NOON, {"state": state})


def test_an_open_order_tells_nothing() -> None:
    assert order_finished(order_id="ord_1", organisation_id="org_1", state="pending", now=NOON) is None


def test_an_outcome_names_its_decision_and_a_missing_route_its_reason() -> None:
    with pytest.raises(ValueError, match="without a decision_id"):
        LineOutcome(line_id="line_1", state="routed")
    with pytest.raises(ValueError, match="doesn't say why"):
        LineOutcome(line_id="line_1", state="no_route", decision_id="dec_1")

    deferred = LineOutcome(line_id="line_1", state="pending")
    assert (deferred.decision_id, deferred.reason, deferred.next_attempt_at) == (None, "", None)
