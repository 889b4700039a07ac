"""What belongs to an order, the requests that changed something of it, and what was sent to endpoints about it."""

import pytest

from fabroute.orders.service import UnknownOrder
from fabroute.production.service.order_records import OrderAct, list_order_acts, subjects_of_order
from fabroute.webhooks.service.deliveries import AnsweredDelivery, list_order_deliveries
from fabroute.webhooks.service.sequencing import sequence_events
from tests.factories.organisations import NOW
from tests.factories.production import OPERATOR_KEY, RIVAL_KEY
from tests.factories.rerouting import Works, a_leaving
from tests.factories.webhooks import URL, deliver, given_endpoint
from tests.fakes.senders import FAILED, TAKEN, FakeSender


def order_of(works: Works) -> str:
    ((order_id,),) = works.table("SELECT id FROM orders")
    return str(order_id)


def acts(works: Works, *, limit: int = 100) -> tuple[OrderAct, ...]:
    order_id = order_of(works)
    return works.do(lambda session: list_order_acts(session, principal=works.buyer, order_id=order_id, limit=limit))


def deliveries(works: Works, *, limit: int = 50) -> tuple[AnsweredDelivery, ...]:
    order_id = order_of(works)
    return works.do(
        lambda session: list_order_deliveries(session, principal=works.buyer, order_id=order_id, limit=limit)
    )


def test_an_order_has_its_jobs_and_what_belongs_to_them(works: Works) -> None:
    (first,) = works.ordered()
    works.lost(first, a_leaving())
    works.route()
    order_id = order_of(works)

    found = works.do(lambda session: subjects_of_order(session, principal=works.buyer, order_id=order_id))

    ((line_id,),) = works.table("SELECT id FROM order_lines")
    assert sorted(found) == sorted([order_id, str(line_id), *works.jobs(), first])


def test_requests_about_an_order_tell_who_made_them_and_what_they_changed(works: Works) -> None:
    (job_id,) = works.ordered()
    works.lost(job_id, a_leaving())

    told = [(act.action, act.subject_type, act.actor_kind) for act in acts(works)]

    assert told[-1] == ("order.placed", "order", "key")
    assert told[0] == ("job.declined", "job", "key")
    assert acts(works, limit=1) == acts(works)[:1]
    placed = acts(works)[-1]
    assert (placed.actor, placed.actor_name) == (works.owner.key_id, "test")


def test_requests_about_an_order_are_for_its_owner_and_the_operator(works: Works) -> None:
    works.ordered()
    order_id = order_of(works)

    assert works.do(lambda s: list_order_acts(s, principal=OPERATOR_KEY, order_id=order_id)) == acts(works)
    with pytest.raises(UnknownOrder, match="GET /v1/orders"):
        works.do(lambda s: list_order_acts(s, principal=RIVAL_KEY, order_id=order_id))
    with pytest.raises(UnknownOrder):
        works.do(lambda s: list_order_deliveries(s, principal=RIVAL_KEY, order_id=order_id))


def test_deliveries_about_an_order_and_its_jobs_tell_what_came_of_the_last_attempt(works: Works) -> None:
    given_endpoint(works.engine, works.owner.organisation_id, types=["order.placed", "job.offered"])
    works.ordered()
    sequence_events(works.engine, now=NOW)

    waiting = deliveries(works)
    assert [(it.type, it.state, it.attempt_count, it.last_status) for it in waiting] == [
        ("job.offered", "pending", 0, None),
        ("order.placed", "pending", 0, None),
    ]
    deliver(works.engine, FakeSender(lambda sent: TAKEN if b"job.offered" in sent.body else FAILED))

    assert [(it.type, it.state, it.attempt_count, it.last_status, it.url) for it in deliveries(works)] == [
        ("job.offered", "delivered", 1, 204, URL),
        ("order.placed", "pending", 1, 500, URL),
    ]
    assert [it.type for it in deliveries(works, limit=1)] == ["job.offered"]
