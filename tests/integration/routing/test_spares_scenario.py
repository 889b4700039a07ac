"""Scenario S2 on a real database: orders that come one after the other become one build, and nobody pays for it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from fabroute.cli.invariants import check_invariants
from fabroute.database import unit_of_work
from fabroute.production.service import cancel_order, offer_jobs
from fabroute.routing.service.run import route_pending
from tests.conftest import Database
from tests.factories.databases import engine_for
from tests.factories.spares_database import RUN_LIMITS, Shop, given_shop

WEDNESDAY = datetime(2026, 6, 17, 8, tzinfo=UTC)
WINDOW = timedelta(hours=36)
EVERY = timedelta(hours=5, minutes=50)
"""Seven orders within 35 hours."""
NOT_OF_THIS_TIME = {"the outbox is being emptied", "a planned job is dispatched when its wait is over"}
LIVE = "FROM jobs WHERE state <> 'cancelled'"


@pytest.fixture
def shop(database: Database) -> Iterator[Shop]:
    with engine_for(database.url, connections=12) as engine:
        yield given_shop(engine)


def broken(engine: Engine) -> set[str]:
    return {finding.invariant.name for finding in check_invariants(engine) if finding.broken} - NOT_OF_THIS_TIME


def seven_orders(shop: Shop) -> list[str]:
    """Place them over 35 hours, each routed as it comes, with an improve run after each; return the orders' ids."""
    order_ids = []
    for number in range(7):
        at = WEDNESDAY + number * EVERY
        order_ids.append(shop.ordered(shop.owner(number), at=at).id)
        shop.improved(at=at + timedelta(minutes=1))
        assert broken(shop.engine) == set()
    return order_ids


def test_s2_seven_orders_over_36_hours_are_one_build_of_28_caps_at_75_80(shop: Shop) -> None:
    order_ids = seven_orders(shop)
    before = shop.table(f"SELECT state, count(*) {LIVE} GROUP BY state")
    dispatched = shop.dispatched(at=WEDNESDAY + WINDOW)

    assert before == [("planned", 7)]
    assert (dispatched.offered, dispatched.held, dispatched.taken_back) == (7, 0, 0)
    assert shop.table(f"SELECT count(DISTINCT build_key), sum(quantity), sum(price_minor) {LIVE}") == [(1, 28, 75_80)]
    assert shop.table(f"SELECT state, count(*), count(DISTINCT order_id) {LIVE} GROUP BY state") == [("offered", 7, 7)]
    assert len(order_ids) == 7
    assert broken(shop.engine) == set()
    # What each was promised: 49.40 and the way; what it pays; when it is there.
    promised = shop.table(
        "SELECT l.promised_minor - (d.document #>> '{chosen,freight_minor}')::int,"
        " d.landed_minor <= l.promised_minor, d.promised_at <= l.promised_at,"
        " l.promised_at <= o.need_by, (d.document #>> '{build,lines}')::int"
        " FROM order_lines l JOIN orders o ON o.id = l.order_id JOIN routing_decisions d ON d.id = l.decision_id"
    )
    assert promised == [(49_40, True, True, True, 7)] * 7
    shares = shop.table(
        "SELECT (d.document #>> '{build,saved_minor}')::int FROM order_lines l"
        " JOIN routing_decisions d ON d.id = l.decision_id ORDER BY 1"
    )
    assert shares == [(38_57,)] * 6 + [(38_58,)]
    assert sum(int(str(saved)) for (saved,) in shares) == 345_80 - 75_80


def test_s2_an_eighth_order_that_is_fastest_is_offered_at_once(shop: Shop) -> None:
    first = shop.ordered(shop.owner(1), at=WEDNESDAY)
    hurried = shop.ordered(shop.owner(8), at=WEDNESDAY + EVERY, objective="fastest")
    shop.improved(at=WEDNESDAY + EVERY)

    jobs = shop.table(f"SELECT order_id, state, dispatch_at {LIVE} ORDER BY state")
    assert jobs == [(hurried.id, "offered", None), (first.id, "planned", WEDNESDAY + WINDOW)]


def test_an_owner_without_a_window_waits_for_nobody_and_others_not_for_it(shop: Shop) -> None:
    shop.ordered(shop.owner(1, window_hours=0), at=WEDNESDAY)
    shop.ordered(shop.owner(2), at=WEDNESDAY)
    shop.ordered(shop.owner(3), at=WEDNESDAY + EVERY)
    report = shop.improved(at=WEDNESDAY + EVERY)

    assert report is not None
    assert (report.moved, report.saved_minor) == (2, 45_00)
    assert shop.table(f"SELECT state, sum(price_minor) {LIVE} GROUP BY state ORDER BY state") == [
        ("offered", 49_40),
        ("planned", 2 * 49_40 - 45_00),
    ]


def test_who_was_promised_the_price_of_a_build_pays_no_more_when_it_loses_a_line(shop: Shop) -> None:
    orders = shop.ordered_together(*(shop.owner(number) for number in (1, 2, 3)), at=WEDNESDAY)
    together = shop.table(f"SELECT state, count(DISTINCT build_key), sum(price_minor) {LIVE} GROUP BY state")
    lost = orders[1]
    with unit_of_work(shop.engine) as session:
        cancel_order(session, organisation_id=lost.organisation_id, order_id=lost.id, actor="key", now=WEDNESDAY)
    report = shop.improved(at=WEDNESDAY + EVERY)
    dispatched = shop.dispatched(at=WEDNESDAY + WINDOW)

    assert together == [("planned", 1, 45_00 + 12 * 1_10)]
    assert report is None or report.moved == 0
    assert (dispatched.offered, dispatched.taken_back) == (2, 0)
    assert shop.table(f"SELECT state, price_minor {LIVE}") == [("offered", 15_00 + 4_40)] * 2
    assert broken(shop.engine) == set()


def test_what_is_planned_already_is_not_planned_again(shop: Shop) -> None:
    shop.ordered(shop.owner(1), at=WEDNESDAY)
    shop.ordered(shop.owner(2), at=WEDNESDAY + EVERY)
    first, second = (shop.improved(at=WEDNESDAY + EVERY + timedelta(minutes=m)) for m in (1, 2))

    assert first is not None
    assert second is not None
    assert (first.moved, second.moved, second.looked_at) == (2, 0, 2)
    assert shop.table("SELECT kind, count(*) FROM routing_decisions GROUP BY kind ORDER BY kind") == [
        ("first", 2),
        ("improved", 2),
    ]


def test_a_build_that_lost_a_line_is_planned_anew_when_it_would_be_dispatched(shop: Shop) -> None:
    orders = [shop.ordered(shop.owner(number), at=WEDNESDAY) for number in (1, 2, 3)]
    shop.improved(at=WEDNESDAY + EVERY)
    lost = orders[1]
    with unit_of_work(shop.engine) as session:
        cancel_order(session, organisation_id=lost.organisation_id, order_id=lost.id, actor="key", now=WEDNESDAY)
    at = WEDNESDAY + WINDOW
    dispatched = shop.dispatched(at=at)
    route_pending(shop.engine, scope="global", now=at, dispatch=offer_jobs, limits=RUN_LIMITS)

    assert (dispatched.offered, dispatched.taken_back) == (0, 2)
    assert shop.table(f"SELECT state, count(DISTINCT build_key), sum(price_minor) {LIVE} GROUP BY state") == [
        ("offered", 1, 45_00 + 8 * 1_10)
    ]
    assert broken(shop.engine) == set()
