"""A quote that is accepted becomes an order, a decision, a reservation and a job in one transaction."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from fabroute.cli.invariants import check_invariants
from fabroute.database import unit_of_work
from fabroute.inventory.service import NewLicence, grant_licence
from fabroute.network.service import StatusChange, set_node_status
from fabroute.orders.service import KeyReused, Placed, Replayed, get_order, get_quote
from fabroute.production.service import offer_jobs, take_back_job
from fabroute.routing.service import get_decisions, list_runs
from fabroute.routing.service.run import RoutingLimits, route_pending
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.network import a_node
from tests.factories.orders import Owner, given_orders, given_owner, make_order
from tests.factories.organisations import NOW
from tests.factories.production import a_principal
from tests.factories.quotes import A_MINUTE_LATER, accepted, an_acceptance, given_quote, the_offer
from tests.factories.routable import given_routable_network, held_and_taken

LANDED = 5_000 + 997
"""The node's minimum order, and (8 + 0.5 x 0.9) x 1.18 to Hamburg."""
ARRIVAL = datetime(2026, 6, 18, 16, 0, tzinfo=UTC)
"""Made on Monday, cooled until Wednesday, one working day on the road; P90."""


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with engine_for(database.url) as engine:
        yield engine


@pytest.fixture
def owner(engine: Engine) -> Owner:
    return given_owner(engine)


def table(engine: Engine, sql: str) -> list[tuple[object, ...]]:
    return in_transaction(engine, lambda session: rows(session, sql))


def all_invariants_hold(engine: Engine) -> bool:
    broken = [finding.invariant.name for finding in check_invariants(engine) if finding.broken]
    return [name for name in broken if name != "the outbox is being emptied"] == []  # no relay runs here


def given_order(engine: Engine, owner: Owner, *, offer: str | None = None) -> str:
    """Quote the part, accept an offer and return the order's id."""
    return order_of(accepted(engine, an_acceptance(owner, given_quote(engine, owner), offer=offer)))


def order_of(placing: Placed | Replayed | KeyReused) -> str:
    assert isinstance(placing, Placed)
    return placing.answer.decode()


def test_an_accepted_quote_is_a_routed_order_with_its_job_and_all_that_it_needs_held(
    engine: Engine, owner: Owner
) -> None:
    given_routable_network(engine)
    quote = given_quote(engine, owner, quantities=(1, 10))
    offer = the_offer(quote, quantity=10)

    placing = accepted(engine, an_acceptance(owner, quote, quantity=10))

    order_id = order_of(placing)
    with unit_of_work(engine) as session:
        order = get_order(session, organisation_id=owner.organisation_id, order_id=order_id)
    assert (order.state, [line.state for line in order.lines]) == ("routed", ["routed"])
    assert (order.lines[0].part, order.lines[0].revision, order.lines[0].quantity) == ("RL-0001", "A", 10)
    assert order.agreed is not None
    assert (order.agreed.quote_id, order.agreed.offer) == (quote.id, "cheapest")
    assert order.agreed.price_minor == offer["landed"]["amount_minor"]
    assert order.agreed.arrival == datetime.fromisoformat(offer["promised_at"])
    ((state, machine, grams, minutes, price),) = table(
        engine, "SELECT state, machine_id, grams, machine_minutes, price_minor FROM jobs"
    )
    assert (state, machine) == ("offered", offer["machine_id"])
    assert (grams, minutes, price) == (offer["grams"], offer["machine_minutes"], offer["production"]["amount_minor"])
    assert in_transaction(engine, held_and_taken) == {
        "grams": grams,
        "minutes": minutes,
        "held_grams": grams,
        "held_minutes": minutes,
    }
    assert all_invariants_hold(engine)


def test_a_quote_offers_what_an_order_pays_and_when_it_arrives(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)

    offer = the_offer(given_quote(engine, owner))

    assert offer["landed"] == {"amount_minor": LANDED, "currency": "EUR"}
    assert offer["promised_at"] == ARRIVAL.isoformat()
    assert offer["labels"] == ["cheapest", "fastest", "greenest"]  # there is one node with one service
    assert sum(row["amount_minor"] for row in offer["rows"]) == LANDED
    assert sum(group["amount_minor"] for group in offer["breakdown"]) == LANDED


def test_the_decision_says_that_a_quote_was_accepted_and_keeps_what_else_there_was(
    engine: Engine, owner: Owner
) -> None:
    given_routable_network(engine, nodes=(a_node(), a_node(node_id="N102", city="Potsdam", packaging=("esd",))))

    order_id = given_order(engine, owner)

    with unit_of_work(engine) as session:
        (decision,) = get_decisions(session, organisation_id=owner.organisation_id, order_id=order_id)
        (run,) = list_runs(session).items
    assert decision.why == "Berlin: cheapest offer accepted at 59.97 EUR, arrives 18 Jun"
    assert (decision.outcome, decision.node_id, decision.landed_minor) == ("routed", "N101", LANDED)
    assert (decision.promised_at, decision.fence) == (ARRIVAL, 1)
    assert decision.document["exclusions"][0]["reasons"][0]["code"] == "PACKAGING"
    assert decision.document["solver"]["engine"] == "quote"
    assert (run.engine, run.status, run.lines, run.routed, run.deferred) == ("quote", "baseline", 1, 1, 0)
    assert (run.landed_minor, run.baseline_landed_minor, run.gap) == (LANDED, LANDED, 0.0)
    assert run.limits["offer"] == "cheapest"


def test_what_happened_is_on_the_audit_log_and_in_the_outbox(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    quote = given_quote(engine, owner)

    order_id = order_of(accepted(engine, an_acceptance(owner, quote)))

    audited = table(engine, "SELECT action, actor, data ->> 'quote_id' FROM audit_entries ORDER BY id DESC LIMIT 3")
    assert audited == [
        ("order_line.routed", "system:routing", None),
        ("order.placed", owner.key_id, quote.id),
        ("quote.made", owner.key_id, None),
    ]
    events = table(engine, "SELECT name FROM outbox_events WHERE published_at IS NULL ORDER BY id")
    assert [name for (name,) in events if name != "network.changed"] == ["order.placed", "job.offered", "order.routed"]
    with unit_of_work(engine) as session:
        kept = get_quote(session, organisation_id=owner.organisation_id, quote_id=quote.id)
    assert (kept.order_id, kept.accepted_offer, kept.state_at(NOW)) == (order_id, "cheapest", "accepted")


def test_the_same_key_is_answered_with_the_same_bytes_even_after_the_quote_has_expired(
    engine: Engine, owner: Owner
) -> None:
    given_routable_network(engine)
    acceptance = an_acceptance(owner, given_quote(engine, owner))

    first = accepted(engine, acceptance)
    again = accepted(engine, acceptance, now=NOW + timedelta(days=20))

    assert isinstance(first, Placed)
    assert again == Replayed(status=201, answer=first.answer, location=first.location)
    assert table(engine, "SELECT count(*) FROM orders") == [(1,)]
    assert table(engine, "SELECT convert_from(body, 'UTF8'), status FROM idempotency_keys") == [
        (first.answer.decode(), 201)
    ]


def test_a_key_of_another_request_is_refused_before_anything_is_looked_at(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    (order,) = given_orders(engine, make_order(owner, key="key-1"))
    quote = given_quote(engine, owner)

    assert accepted(engine, an_acceptance(owner, quote)) == KeyReused()
    assert table(engine, "SELECT id FROM orders") == [(order.id,)]


def test_the_objective_says_which_offer_is_meant_where_the_order_does_not(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    quotes = [given_quote(engine, owner) for _ in range(3)]
    wishes = ("fastest", None), ("balanced", None), ("fastest", "greenest")

    for quote, (objective, offer) in zip(quotes, wishes, strict=True):
        accepted(engine, replace(an_acceptance(owner, quote, key=quote.id, offer=offer), objective=objective))

    assert table(engine, "SELECT objective, quoted_offer FROM orders ORDER BY id") == [
        ("fastest", "fastest"),
        ("balanced", "cheapest"),
        ("fastest", "greenest"),
    ]
    assert all_invariants_hold(engine)


def test_a_licensed_part_takes_its_prints_with_the_job(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    table(engine, "UPDATE part_revisions SET licence_required = true RETURNING 1")
    with unit_of_work(engine) as session:
        wanted = NewLicence(revision_id=owner.revision_id, prints=12)
        grant_licence(session, organisation_id=owner.organisation_id, licence=wanted, actor="key_1", now=NOW)

    accepted(engine, an_acceptance(owner, given_quote(engine, owner, quantities=(10,)), quantity=10))

    assert table(engine, "SELECT leased_prints FROM print_licences") == [(10,)]
    assert table(engine, "SELECT prints FROM print_licence_leases") == [(10,)]
    assert all_invariants_hold(engine)


def test_where_the_quoted_node_can_not_any_more_another_that_is_no_dearer_and_no_later_keeps_the_quote(
    engine: Engine, owner: Owner
) -> None:
    potsdam = a_node(node_id="N102", city="Potsdam")
    given_routable_network(engine, nodes=(a_node(), potsdam))
    quote = given_quote(engine, owner)
    assert the_offer(quote)["node"]["node_id"] == "N101"
    with unit_of_work(engine) as session:
        change = StatusChange(status="down", reason="a broken fan", expected_version=None)
        set_node_status(session, node_id="N101", change=change, actor="key_1", now=NOW)

    order_id = order_of(accepted(engine, an_acceptance(owner, quote)))

    with unit_of_work(engine) as session:
        (decision,) = get_decisions(session, organisation_id=owner.organisation_id, order_id=order_id)
    assert (decision.node_id, decision.landed_minor, decision.promised_at) == ("N102", LANDED, ARRIVAL)
    assert decision.why == (
        "Potsdam: 59.97 EUR, arrives 18 Jun; "
        "cheapest offer of Berlin accepted at 59.97 EUR by 18 Jun, which it can't keep any more"
    )
    assert all_invariants_hold(engine)


def test_what_is_cheaper_by_now_is_still_paid_as_agreed(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    quote = given_quote(engine, owner)
    table(engine, "UPDATE nodes SET minimum_order_minor = 4500 RETURNING 1")

    order_id = order_of(accepted(engine, an_acceptance(owner, quote)))

    with unit_of_work(engine) as session:
        order = get_order(session, organisation_id=owner.organisation_id, order_id=order_id)
        (decision,) = get_decisions(session, organisation_id=owner.organisation_id, order_id=order_id)
    assert order.agreed is not None
    assert (order.agreed.price_minor, decision.landed_minor) == (LANDED, LANDED - 500)
    assert decision.why == "Berlin: cheapest offer accepted at 59.97 EUR, arrives 18 Jun; it costs 54.97 EUR now"


def test_a_job_that_is_taken_back_goes_elsewhere_for_the_agreed_price_and_if_need_be_later(
    engine: Engine, owner: Owner
) -> None:
    given_routable_network(engine)
    quote = given_quote(engine, owner, need_by=ARRIVAL, max_price_minor=LANDED)
    order_id = order_of(accepted(engine, an_acceptance(owner, quote)))
    ((job_id,),) = table(engine, "UPDATE jobs SET state = 'accepted' RETURNING id")
    operator = a_principal(organisation_id="org_operator", kind="operator")
    later, limits = NOW + timedelta(days=3), RoutingLimits(deterministic_seconds=1.0)
    with unit_of_work(engine) as session:
        take_back_job(session, principal=operator, job_id=str(job_id), reason="the bureau is closed", now=later)
    table(engine, "UPDATE nodes SET minimum_order_minor = 6000 RETURNING 1")

    report = route_pending(engine, scope="polymer_powder/europe", now=later, dispatch=offer_jobs, limits=limits)

    assert report is not None
    assert report.routed == 1
    with unit_of_work(engine) as session:
        order = get_order(session, organisation_id=owner.organisation_id, order_id=order_id)
        first, second = get_decisions(session, organisation_id=owner.organisation_id, order_id=order_id)
    assert order.agreed is not None
    assert (order.agreed.price_minor, order.agreed.arrival) == (LANDED, ARRIVAL)
    assert (order.need_by, order.need_by_hard, order.max_price_minor) == (ARRIVAL, True, LANDED)
    assert (first.landed_minor, second.landed_minor) == (LANDED, LANDED + 1_000)
    assert second.promised_at is not None
    assert second.promised_at > ARRIVAL
    assert all_invariants_hold(engine)


def test_an_order_of_a_quote_is_placed_at_its_acceptance_and_not_at_the_quote(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)

    order_id = given_order(engine, owner, offer="fastest")

    with unit_of_work(engine) as session:
        order = get_order(session, organisation_id=owner.organisation_id, order_id=order_id)
    assert (order.placed_at, order.objective, order.version) == (A_MINUTE_LATER, "fastest", 2)
    assert order.ship_to.name == "Workshop 4"
