"""Lines without a route by what binds, what was decided over a time, and parked lines."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from fabroute.orders.service.waiting import list_parked
from fabroute.production.service import offer_jobs
from fabroute.routing.service.run import RoutingLimits, route_pending
from fabroute.routing.service.statistics import CodeCount, DecisionStatistics, decision_statistics
from fabroute.routing.service.unrouted import UnroutedGroup, group_unrouted
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.network import a_node
from tests.factories.orders import Owner, given_orders, given_owner, make_order
from tests.factories.organisations import NOW
from tests.factories.production import OPERATOR_KEY, RIVAL_KEY, key_of
from tests.factories.routable import given_routable_network

LIMITS = RoutingLimits(seed=3, deterministic_seconds=2.0, wall_seconds=20.0)
DAY = timedelta(days=1)


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with engine_for(database.url) as engine:
        yield engine


@pytest.fixture
def owner(engine: Engine) -> Owner:
    return given_owner(engine)


def route(engine: Engine) -> None:
    assert route_pending(engine, scope="global", now=NOW, dispatch=offer_jobs, limits=LIMITS) is not None


def groups(engine: Engine, owner: Owner) -> tuple[UnroutedGroup, ...]:
    return in_transaction(engine, lambda session: group_unrouted(session, principal=key_of(owner), examples=2))


def counted(engine: Engine, owner: Owner) -> DecisionStatistics:
    return in_transaction(
        engine,
        lambda session: decision_statistics(session, principal=key_of(owner), since=NOW - DAY, until=NOW + DAY),
    )


def park_everything(engine: Engine) -> None:
    in_transaction(
        engine,
        lambda session: rows(session, "UPDATE order_lines SET state = 'parked', state_reason = 'broke' RETURNING id"),
    )
    in_transaction(engine, lambda session: rows(session, "UPDATE orders SET state = 'parked' RETURNING id"))


def test_lines_without_a_route_are_grouped_by_what_binds_with_the_nearest_fix(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine, certified=False)
    given_orders(engine, make_order(owner, quantities=(1, 2)), make_order(owner))
    route(engine)

    (group,) = groups(engine, owner)

    assert (group.code, group.meaning) == ("CERTIFICATE_MISSING", "required certificate absent")
    assert (group.lines, group.orders, group.with_fix, len(group.examples)) == (3, 2, 3, 2)
    assert group.since == NOW
    assert group.fix is not None
    assert " EUR at " in group.fix
    assert group.examples[0].reasons == {"CERTIFICATE_MISSING": 1}
    assert group.examples[0].why == "the only node can't make it: CERTIFICATE_MISSING"
    assert (group.examples[0].part_no, group.examples[0].fix is not None) == ("RL-0001", True)


def test_lines_without_a_route_are_their_owners_and_the_operators(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine, certified=False)
    given_orders(engine, make_order(owner))
    route(engine)

    mine = groups(engine, owner)

    assert in_transaction(engine, lambda s: group_unrouted(s, principal=OPERATOR_KEY, examples=2)) == mine
    assert in_transaction(engine, lambda s: group_unrouted(s, principal=RIVAL_KEY)) == ()
    assert groups(engine, given_owner(engine, name="Stranger")) == ()


def test_an_empty_network_binds_by_itself(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine, nodes=())
    given_orders(engine, make_order(owner))
    route(engine)

    (group,) = groups(engine, owner)

    assert (group.code, group.meaning, group.fix) == ("NO_NODE", "there is no node in the network", None)


def test_decisions_of_a_time_are_counted_by_outcome_and_by_code(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine, nodes=(a_node(), a_node(node_id="N102")), certified=False)
    given_orders(engine, make_order(owner), make_order(owner))
    route(engine)

    found = counted(engine, owner)

    assert (found.decisions, found.routed, found.no_route, found.improved, found.is_whole) == (2, 0, 2, 0, True)
    assert found.binding == (
        CodeCount(
            code="CERTIFICATE_MISSING",
            meaning="required certificate absent",
            decisions=2,
            lines=2,
            nodes=0,
            days={NOW.date(): 2},
        ),
    )
    assert [(it.code, it.decisions, it.nodes) for it in found.excluded] == [("CERTIFICATE_MISSING", 2, 4)]
    everybody = in_transaction(
        engine,
        lambda session: decision_statistics(session, principal=OPERATOR_KEY, since=NOW - DAY, until=NOW + DAY),
    )
    assert everybody == found


def test_decisions_before_their_reasons_were_kept_are_counted_from_their_documents(
    engine: Engine, owner: Owner
) -> None:
    given_routable_network(engine, certified=False)
    given_orders(engine, make_order(owner))
    route(engine)
    in_transaction(
        engine,
        lambda session: rows(session, "UPDATE routing_decisions SET binding = NULL, reasons = NULL RETURNING id"),
    )

    found = counted(engine, owner)

    assert [(it.code, it.meaning) for it in found.binding] == [("", "decided before this was kept")]
    assert [(it.code, it.nodes) for it in found.excluded] == [("CERTIFICATE_MISSING", 1)]


def test_parked_lines_are_listed_with_their_reason_the_soonest_needed_first(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    late, soon = given_orders(engine, make_order(owner), make_order(owner))
    park_everything(engine)
    wanted = "UPDATE orders SET need_by = :at WHERE id = :it RETURNING id"
    in_transaction(engine, lambda session: rows(session, wanted, at=NOW + 9 * DAY, it=soon.id))

    found = in_transaction(engine, lambda session: list_parked(session, principal=key_of(owner)))
    first = in_transaction(engine, lambda session: list_parked(session, principal=OPERATOR_KEY, limit=1))

    assert [(line.order_id, line.reason, line.part_no) for line in found.lines] == [
        (soon.id, "broke", "RL-0001"),
        (late.id, "broke", "RL-0001"),
    ]
    assert (found.total, first.total, first.lines) == (2, 2, found.lines[:1])
    assert in_transaction(engine, lambda session: list_parked(session, principal=RIVAL_KEY)).total == 0
