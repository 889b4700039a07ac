"""A promise that breaks at checkout: the order is placed all the same, and a run decides it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.kernel.errors import DomainError
from fabroute.orders.service import Placed
from fabroute.production.service import offer_jobs
from fabroute.routing.service.decided import PlanRefused
from fabroute.routing.service.online import OnlineDecision, OnlinePromiser
from fabroute.routing.service.run import RoutingLimits, route_pending
from fabroute.routing.snapshot import RoutingSnapshot
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.orders import Owner, given_owner, make_order
from tests.factories.organisations import NOW
from tests.factories.routable import HORIZON_DAYS, given_routable_network

BROKEN = "it can't be decided at once ({}): decided within seconds, by itself if need be"


class Unwanted(DomainError):
    code = "unwanted"
    status = 422


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with engine_for(database.url) as engine:
        yield engine


@pytest.fixture
def owner(engine: Engine) -> Owner:
    given_routable_network(engine)
    return given_owner(engine)


def promiser(engine: Engine, error: Exception) -> OnlinePromiser:
    """A promiser whose decisions end with an error."""

    def decide(snapshot: RoutingSnapshot) -> OnlineDecision:
        assert len(snapshot.lines) == 2
        raise error

    return OnlinePromiser(engine, dispatch=offer_jobs, horizon_days=HORIZON_DAYS, decide=decide)


def answer(session: Session, order_id: str) -> bytes:
    return f"{session.is_active} {order_id}".encode()


def states(engine: Engine) -> list[tuple[object, ...]]:
    query = "SELECT state, state_reason, attempts, decision_id IS NULL FROM order_lines"
    return in_transaction(engine, lambda session: rows(session, query))


@pytest.mark.parametrize("error", [ArithmeticError("poison"), MemoryError(), PlanRefused("a rule is broken")])
def test_an_order_whose_promise_breaks_is_placed_and_decided_by_a_run(
    engine: Engine, owner: Owner, error: Exception
) -> None:
    order = make_order(owner, quantities=(1, 2))

    placed = promiser(engine, error).place(order, answer=answer, now=NOW)

    assert isinstance(placed, Placed)
    assert placed.answer == f"True {order.id}".encode()
    assert states(engine) == [("pending", BROKEN.format(type(error).__name__), 0, True)] * 2
    report = route_pending(engine, scope="global", now=NOW, dispatch=offer_jobs, limits=RoutingLimits())
    assert report is not None
    assert report.routed == 2


def test_a_refusal_of_the_order_itself_is_told_and_nothing_is_placed(engine: Engine, owner: Owner) -> None:
    with pytest.raises(Unwanted):
        promiser(engine, Unwanted("no such thing")).place(make_order(owner, quantities=(1, 2)), answer=answer, now=NOW)

    assert states(engine) == []
