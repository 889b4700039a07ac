"""An order is routed by another objective: what nobody has started leaves its node, and the rest is refused."""

import pytest

from fabroute.orders.rules import Objective
from fabroute.orders.service import UnknownOrder
from fabroute.production.service.rerouting.objectives import ObjectiveFixed, OrderBeingRouted, change_objective
from fabroute.production.service.rerouting.timeline import order_timeline
from tests.factories.organisations import NOW
from tests.factories.production import OPERATOR_KEY, RIVAL_KEY
from tests.factories.rerouting import Works


def order_of(works: Works) -> str:
    ((order_id,),) = works.table("SELECT id FROM orders")
    return str(order_id)


def change(works: Works, objective: Objective = "greenest") -> None:
    order_id = order_of(works)
    works.do(lambda s: change_objective(s, principal=works.buyer, order_id=order_id, objective=objective, now=NOW))


def test_jobs_leave_their_nodes_and_lines_are_decided_by_the_new_objective(works: Works) -> None:
    first, second = works.ordered(1, 2)
    change(works)

    assert works.table("SELECT objective, state FROM orders") == [("greenest", "pending")]
    assert works.jobs("cancelled") == [first, second]
    works.route()
    assert len(works.jobs()) == 2
    decided = "SELECT DISTINCT document ->> 'objective' FROM routing_decisions JOIN order_lines ON decision_id ="
    assert works.table(f"{decided} routing_decisions.id") == [("greenest",)]
    assert works.reroutes("cause, detail, outcome") == [
        ("owner", "to be routed greenest instead of cheapest", "kept"),
        ("owner", "to be routed greenest instead of cheapest", "kept"),
    ]
    assert works.broken() == set()


def test_the_change_stands_in_the_timeline(works: Works) -> None:
    works.ordered()
    change(works)
    order_id = order_of(works)
    found = works.do(lambda s: order_timeline(s, principal=works.buyer, order_id=order_id)).items
    (changed,) = [entry for entry in found if entry.what == "order.objective_changed"]
    assert dict(changed.figures) == {"objective": "greenest", "before": "cheapest"}


def test_the_same_objective_changes_nothing(works: Works) -> None:
    jobs = works.ordered()
    before = works.table("SELECT version FROM orders")
    change(works, "cheapest")
    assert works.jobs() == jobs
    assert works.table("SELECT version FROM orders") == before


def test_a_line_without_a_route_is_tried_again(works: Works) -> None:
    works.ordered(100_000)
    assert works.table("SELECT state FROM order_lines") == [("no_route",)]
    change(works, "fastest")
    assert works.table("SELECT state FROM order_lines") == [("pending",)]


def test_an_accepted_job_that_nobody_has_started_may_leave(works: Works) -> None:
    (job_id,) = works.ordered()
    works.accepted(job_id)
    change(works)
    assert works.jobs("cancelled") == [job_id]


def test_a_job_whose_file_was_fetched_stays(works: Works) -> None:
    (job_id,) = works.ordered()
    works.accepted(job_id, fetched=True)
    with pytest.raises(ObjectiveFixed, match=f"works on order .* already .job {job_id} is accepted"):
        change(works)
    assert works.table("SELECT objective FROM orders") == [("cheapest",)]


def test_a_cancelled_order_keeps_its_objective(works: Works) -> None:
    works.ordered()
    works.table("UPDATE jobs SET state = 'cancelled' RETURNING 1")
    works.table("UPDATE order_lines SET state = 'cancelled' RETURNING 1")
    with pytest.raises(ObjectiveFixed, match="is cancelled: place it again"):
        change(works)


def test_an_order_that_is_being_decided_is_asked_for_again(works: Works) -> None:
    works.ordered()
    works.table("UPDATE jobs SET state = 'cancelled' RETURNING 1")
    works.table("UPDATE order_lines SET state = 'routing', lease_until = now() + interval '1 minute' RETURNING 1")
    with pytest.raises(OrderBeingRouted, match="ask again in a few seconds"):
        change(works)


def test_the_operator_may_and_a_stranger_may_not(works: Works) -> None:
    works.ordered()
    order_id = order_of(works)
    with pytest.raises(UnknownOrder):
        works.do(lambda s: change_objective(s, principal=RIVAL_KEY, order_id=order_id, objective="fastest", now=NOW))
    works.do(lambda s: change_objective(s, principal=OPERATOR_KEY, order_id=order_id, objective="fastest", now=NOW))
    assert works.reroutes("cause") == [("operator",)]
