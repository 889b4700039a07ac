"""Acceptances at once, on real PostgreSQL: one quote is sold once, and what is scarce is given away once."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from sqlalchemy import Engine

from fabroute.cli.invariants import check_invariants
from fabroute.database import unit_of_work
from fabroute.kernel.errors import DomainError
from fabroute.orders.service import KeyReused, Placed, Replayed
from fabroute.production.service import offer_jobs
from fabroute.routing.service.accepting import QuoteAcceptor, QuoteContended, QuoteNotKept
from fabroute.routing.service.agreeing import Acceptance, QuoteTaken
from fabroute.routing.service.run import RoutingLimits, route_pending
from tests.conftest import Database
from tests.factories.concurrency import at_once
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.network import a_node
from tests.factories.orders import Owner, given_orders, given_owner, make_order
from tests.factories.organisations import NOW
from tests.factories.quotes import (
    A_MINUTE_LATER,
    HORIZON_DAYS,
    accepted,
    an_acceptance,
    answer_with_id,
    given_quote,
    the_offer,
)
from tests.factories.routable import given_free_minutes, given_routable_network, held_and_taken

THREADS = 16


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with engine_for(database.url, connections=2 * THREADS) as engine:
        yield engine


@pytest.fixture
def owner(engine: Engine) -> Owner:
    return given_owner(engine)


def table(engine: Engine, sql: str) -> list[tuple[object, ...]]:
    return in_transaction(engine, lambda session: rows(session, sql))


def tried(engine: Engine, acceptance: Acceptance) -> Placed | Replayed | KeyReused | DomainError:
    """Accept a quote and return what came of it, a refusal too."""
    try:
        return accepted(engine, acceptance)
    except DomainError as refusal:
        return refusal


def nothing_is_wrong(engine: Engine) -> bool:
    broken = {finding.invariant.name for finding in check_invariants(engine) if finding.broken}
    held = in_transaction(engine, held_and_taken)
    assert (held["grams"], held["minutes"]) == (held["held_grams"], held["held_minutes"])
    return broken <= {"the outbox is being emptied"}  # no relay runs here


def test_a_quote_that_sixteen_accept_at_once_is_sold_once(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    quote = given_quote(engine, owner)
    acceptances = [an_acceptance(owner, quote, key=f"key-{number}") for number in range(THREADS)]

    outcomes = at_once(*(partial(tried, engine, acceptance) for acceptance in acceptances))

    assert Counter(type(outcome) for outcome in outcomes) == {Placed: 1, QuoteTaken: THREADS - 1}
    ((order_id,),) = table(engine, "SELECT id FROM orders")
    refusals = [outcome for outcome in outcomes if isinstance(outcome, QuoteTaken)]
    assert {refusal.details["order_id"] for refusal in refusals} == {order_id}
    assert table(engine, "SELECT count(*) FROM jobs") == [(1,)]
    assert nothing_is_wrong(engine)


def test_the_same_request_sent_sixteen_times_at_once_gets_the_same_bytes(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    acceptance = an_acceptance(owner, given_quote(engine, owner))

    outcomes = at_once(*[partial(tried, engine, acceptance)] * THREADS)

    assert Counter(type(outcome) for outcome in outcomes) == {Placed: 1, Replayed: THREADS - 1}
    answers = {(it.answer, it.location) for it in outcomes if isinstance(it, Placed | Replayed)}
    assert len(answers) == 1
    assert table(engine, "SELECT count(*) FROM orders") == [(1,)]
    assert table(engine, "SELECT count(*) FROM jobs") == [(1,)]
    assert nothing_is_wrong(engine)


def test_one_key_under_two_quotes_accepts_one_of_them(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    quotes = [given_quote(engine, owner) for _ in range(8)]

    outcomes = at_once(*(partial(tried, engine, an_acceptance(owner, quote, key="one")) for quote in quotes))

    assert Counter(type(outcome) for outcome in outcomes) == {Placed: 1, KeyReused: 7}
    assert table(engine, "SELECT count(*) FROM orders") == [(1,)]
    assert nothing_is_wrong(engine)


def test_two_quotes_for_the_last_minutes_are_not_both_kept(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    minutes = the_offer(given_quote(engine, owner))["machine_minutes"]
    given_free_minutes(engine, [minutes])
    quotes = [given_quote(engine, owner) for _ in range(2)]

    outcomes = at_once(*(partial(tried, engine, an_acceptance(owner, it, key=it.id)) for it in quotes))

    assert Counter(type(outcome) for outcome in outcomes) == {Placed: 1, QuoteNotKept: 1}
    (refusal,) = (outcome for outcome in outcomes if isinstance(outcome, QuoteNotKept))
    reasons = refusal.details["reasons"]
    assert isinstance(reasons, list)
    assert [reason["code"] for reason in reasons] == ["CAPACITY"]
    (reason,) = reasons
    assert (reason["figures"]["needed_minutes"], reason["figures"]["free_minutes"]) == (minutes, 0)
    assert nothing_is_wrong(engine)


def test_sixteen_quotes_for_material_for_five_are_kept_five_times(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    grams = the_offer(given_quote(engine, owner))["grams"]
    table(
        engine,
        f"UPDATE material_lots SET initial_grams = {5 * grams + 1}, remaining_grams = {5 * grams + 1} RETURNING 1",
    )
    quotes = [given_quote(engine, owner) for _ in range(THREADS)]

    outcomes = at_once(*(partial(tried, engine, an_acceptance(owner, it, key=it.id)) for it in quotes))

    assert Counter(type(outcome) for outcome in outcomes) == {Placed: 5, QuoteNotKept: THREADS - 5}
    assert table(engine, "SELECT remaining_grams FROM material_lots") == [(1,)]
    assert nothing_is_wrong(engine)


def test_acceptances_and_routing_runs_share_a_machine_without_waiting_for_each_other(
    engine: Engine, owner: Owner
) -> None:
    given_routable_network(engine, nodes=(a_node(), a_node(node_id="N102", city="Potsdam")))
    quotes = [given_quote(engine, owner) for _ in range(8)]
    given_orders(engine, *(make_order(owner) for _ in range(24)))
    limits = RoutingLimits(batch_lines=6, deterministic_seconds=1.0, wall_seconds=20.0, attempt_cap=100)

    def route() -> int:
        runs = 0
        while route_pending(engine, scope="global", now=NOW, dispatch=offer_jobs, limits=limits) is not None:
            runs += 1
        return runs

    def accept_all() -> list[Placed | Replayed | KeyReused | DomainError]:
        return [tried(engine, an_acceptance(owner, quote, key=quote.id)) for quote in quotes]

    _, _, outcomes = at_once(route, route, accept_all)

    assert isinstance(outcomes, list)
    assert [type(outcome) for outcome in outcomes] == [Placed] * 8
    assert table(engine, "SELECT count(*) FROM orders WHERE quote_id IS NOT NULL AND state = 'routed'") == [(8,)]
    assert nothing_is_wrong(engine)


def accept_while_minutes_are_taken(engine: Engine, acceptance: Acceptance, *, rounds: int) -> object:
    """Accept a quote whose machine another transaction empties after the look and before the reservation."""
    acceptor = QuoteAcceptor(engine, dispatch=offer_jobs, horizon_days=HORIZON_DAYS, rounds=rounds)
    with ThreadPoolExecutor(1) as pool:
        with unit_of_work(engine) as session:
            rows(
                session,
                "UPDATE capacity_slots SET initial_minutes = 0, remaining_minutes = 0"
                " WHERE machine_id = 'N101-A' RETURNING 1",
            )
            accepting = pool.submit(acceptor.accept, acceptance, answer=answer_with_id, now=A_MINUTE_LATER)
            wait_until_somebody_waits(engine)
        return accepting.exception() or accepting.result()


def wait_until_somebody_waits(engine: Engine) -> None:
    deadline = time.monotonic() + 30
    while table(engine, "SELECT count(*) FROM pg_locks WHERE NOT granted") == [(0,)]:
        assert time.monotonic() < deadline, "nobody waits for the slots"
        time.sleep(0.01)


def test_what_was_taken_between_the_look_and_the_reservation_is_looked_for_elsewhere(
    engine: Engine, owner: Owner
) -> None:
    given_routable_network(engine, nodes=(a_node(), a_node(node_id="N102", city="Potsdam")))
    quote = given_quote(engine, owner)
    assert the_offer(quote)["machine_id"] == "N101-A"

    outcome = accept_while_minutes_are_taken(engine, an_acceptance(owner, quote), rounds=2)

    assert isinstance(outcome, Placed)
    assert table(engine, "SELECT machine_id FROM jobs") == [("N102-A",)]
    assert table(engine, "SELECT deferred, routed FROM routing_runs") == [(0, 1)]
    assert nothing_is_wrong(engine)


def test_whoever_loses_every_round_is_told_to_repeat_and_nothing_is_written(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    quote = given_quote(engine, owner)

    outcome = accept_while_minutes_are_taken(engine, an_acceptance(owner, quote), rounds=1)

    assert isinstance(outcome, QuoteContended)
    assert (outcome.code, outcome.status) == ("quote_contended", 409)
    assert table(engine, "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM idempotency_keys)") == [(0, 0)]
    assert nothing_is_wrong(engine)
