"""Jobs in the queues of nodes: offered once, read by those they concern, taken back with what was held for them."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from fabroute.database import unit_of_work
from fabroute.identity.rules import OrganisationKind, Principal
from fabroute.kernel.ids import new_id
from fabroute.network.service import UnknownNode, find_node
from fabroute.orders.service import UnknownOrder, get_order
from fabroute.production.service import UnknownJob, cancel_order, get_job, list_jobs, offer_jobs
from fabroute.production.states import UnknownJobState
from fabroute.routing.ports import JobOffer
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.network import save_a_network
from tests.factories.orders import Owner, given_orders, given_owner, make_order
from tests.factories.organisations import BUREAU, NOW
from tests.factories.production import PRODUCE_BY, given_routed_lines


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with engine_for(database.url) as engine:
        in_transaction(engine, save_a_network)
        yield engine


@pytest.fixture
def owner(engine: Engine) -> Owner:
    return given_owner(engine)


def principal(organisation_id: str, kind: OrganisationKind) -> Principal:
    return Principal(organisation_id=organisation_id, kind=kind, key_id="key_1", scopes=frozenset({"jobs:read"}))


def given_a_job(engine: Engine, owner: Owner) -> JobOffer:
    given_orders(engine, make_order(owner))
    return given_routed_lines(engine)[0]


def queue_of(engine: Engine, who: Principal, *, state: str | None = None, node_id: str = "N101") -> list[str]:
    with unit_of_work(engine) as session:
        page = list_jobs(session, principal=who, node_id=node_id, state=state, cursor=None, limit=10)
    return [job.job_id for job in page.items]


def cancel(engine: Engine, owner: Owner, order_id: str) -> list[str]:
    with unit_of_work(engine) as session:
        cancelling = cancel_order(
            session, organisation_id=owner.organisation_id, order_id=order_id, actor=owner.key_id, now=NOW
        )
    return [job.job_id for job in cancelling.cancelled]


def table(engine: Engine, sql: str) -> list[tuple[object, ...]]:
    return in_transaction(engine, lambda session: rows(session, sql))


def test_an_offered_job_lies_in_its_nodes_queue_and_counts_its_version_up(engine: Engine, owner: Owner) -> None:
    offer = given_a_job(engine, owner)

    with unit_of_work(engine) as session:
        job = get_job(session, principal=principal(BUREAU, "bureau"), job_id=offer.job_id)
        node = find_node(session, node_id="N101")
    assert (job.state, job.version, job.price_minor) == ("offered", 1, 2_000)
    assert (job.order_line_id, job.produce_by, job.lot_id) == (offer.order_line_id, PRODUCE_BY, "lot_1")
    assert job.offered_at == job.updated_at == NOW
    assert node.queue_version == 2
    assert table(engine, "SELECT subject_id, data FROM outbox_events WHERE name = 'job.offered'") == [
        (offer.job_id, {"node_id": "N101", "order_line_id": offer.order_line_id})
    ]


def test_offering_nothing_changes_nothing(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        offer_jobs(session, offers=(), now=NOW)

    assert table(engine, "SELECT queue_version FROM nodes") == [(1,)]
    assert table(engine, "SELECT id FROM jobs") == []


def test_a_second_live_job_for_a_line_is_refused_by_the_database(engine: Engine, owner: Owner) -> None:
    offer = given_a_job(engine, owner)
    again = replace(offer, job_id=new_id("job"))

    with pytest.raises(IntegrityError, match="uq_jobs_one_live_dispatch"), unit_of_work(engine) as session:
        offer_jobs(session, offers=(again,), now=NOW)
    assert len(table(engine, "SELECT id FROM jobs")) == 1


def test_a_cancelled_order_gives_back_material_and_machine_time(engine: Engine, owner: Owner) -> None:
    offer = given_a_job(engine, owner)
    held = table(engine, "SELECT remaining_grams FROM material_lots")

    cancelled = cancel(engine, owner, offer.order_id)

    assert cancelled == [offer.job_id]
    assert held == [(9_900,)]
    assert table(engine, "SELECT remaining_grams FROM material_lots") == [(10_000,)]
    assert table(engine, "SELECT remaining_minutes FROM capacity_slots WHERE day = '2026-06-16'") == [(720,)]
    assert table(engine, "SELECT state, version FROM jobs") == [("cancelled", 2)]
    assert table(engine, "SELECT state FROM order_lines") == [("cancelled",)]


def test_a_cancelled_order_is_told_audited_and_seen_in_the_queues_version(engine: Engine, owner: Owner) -> None:
    offer = given_a_job(engine, owner)

    cancel(engine, owner, offer.order_id)

    told = table(engine, "SELECT name, data FROM outbox_events WHERE id > 1 ORDER BY id DESC LIMIT 3")
    assert ("network.changed", {"reason": "capacity_released"}) in told
    data = {"node_id": "N101", "order_line_id": offer.order_line_id, "reason": "order cancelled"}
    assert ("job.cancelled", data) in told
    audited = table(engine, "SELECT actor, action, data FROM audit_entries WHERE action = 'order.cancelled'")
    assert audited == [(owner.key_id, "order.cancelled", {"jobs": 1})]
    assert table(engine, "SELECT queue_version FROM nodes") == [(3,)]


def test_cancelling_twice_gives_back_once(engine: Engine, owner: Owner) -> None:
    offer = given_a_job(engine, owner)
    cancel(engine, owner, offer.order_id)

    assert cancel(engine, owner, offer.order_id) == []
    assert table(engine, "SELECT remaining_grams FROM material_lots") == [(10_000,)]
    assert len(table(engine, "SELECT id FROM audit_entries WHERE action = 'order.cancelled'")) == 1


def test_an_order_without_jobs_is_cancelled_without_a_word_about_capacity(engine: Engine, owner: Owner) -> None:
    (order,) = given_orders(engine, make_order(owner))

    assert cancel(engine, owner, order.id) == []
    with unit_of_work(engine) as session:
        assert get_order(session, organisation_id=owner.organisation_id, order_id=order.id).state == "cancelled"
    reasons = "SELECT data FROM outbox_events WHERE data ->> 'reason' = 'capacity_released'"
    assert table(engine, reasons) == []


def test_another_organisations_order_can_not_be_cancelled(engine: Engine, owner: Owner) -> None:
    offer = given_a_job(engine, owner)
    stranger = given_owner(engine, name="Stranger")

    with pytest.raises(UnknownOrder):
        cancel(engine, stranger, offer.order_id)
    assert table(engine, "SELECT state FROM jobs") == [("offered",)]


def test_a_node_and_the_operator_see_the_whole_queue_an_owner_its_own_jobs(engine: Engine, owner: Owner) -> None:
    stranger = given_owner(engine, name="Stranger")
    mine, theirs = given_a_job(engine, owner), given_a_job(engine, stranger)

    assert queue_of(engine, principal(BUREAU, "bureau")) == [mine.job_id, theirs.job_id]
    assert queue_of(engine, principal("org_operator", "operator")) == [mine.job_id, theirs.job_id]
    assert queue_of(engine, principal(owner.organisation_id, "owner")) == [mine.job_id]


def test_a_rival_bureau_is_told_that_there_is_no_such_node(engine: Engine, owner: Owner) -> None:
    offer = given_a_job(engine, owner)
    rival = principal("org_rival", "bureau")

    with pytest.raises(UnknownNode, match="no node N101 of yours"):
        queue_of(engine, rival)
    with pytest.raises(UnknownJob), unit_of_work(engine) as session:
        get_job(session, principal=rival, job_id=offer.job_id)
    with pytest.raises(UnknownNode):
        queue_of(engine, rival, node_id="N999")


def test_an_owner_reads_its_own_job_and_no_other(engine: Engine, owner: Owner) -> None:
    stranger = given_owner(engine, name="Stranger")
    offer = given_a_job(engine, owner)

    with unit_of_work(engine) as session:
        job = get_job(session, principal=principal(owner.organisation_id, "owner"), job_id=offer.job_id)
        with pytest.raises(UnknownJob) as refusal:
            get_job(session, principal=principal(stranger.organisation_id, "owner"), job_id=offer.job_id)
        with pytest.raises(UnknownJob):
            get_job(session, principal=principal(owner.organisation_id, "owner"), job_id="job_none")
    assert job.job_id == offer.job_id
    assert (refusal.value.code, refusal.value.status) == ("unknown_job", 404)


def test_a_queue_is_read_by_state_and_in_pages(engine: Engine, owner: Owner) -> None:
    bureau = principal(BUREAU, "bureau")
    first, second, third = (given_a_job(engine, owner) for _ in range(3))
    cancel(engine, owner, second.order_id)

    with unit_of_work(engine) as session:
        page = list_jobs(session, principal=bureau, node_id="N101", state=None, cursor=None, limit=2)
        rest = list_jobs(session, principal=bureau, node_id="N101", state=None, cursor=page.next_cursor, limit=2)
    assert [job.job_id for job in page.items] == [first.job_id, second.job_id]
    assert ([job.job_id for job in rest.items], rest.next_cursor) == ([third.job_id], None)
    assert queue_of(engine, bureau, state="offered") == [first.job_id, third.job_id]
    assert queue_of(engine, bureau, state="cancelled") == [second.job_id]


def test_a_state_that_no_job_is_in_is_refused_with_those_there_are(engine: Engine) -> None:
    with pytest.raises(UnknownJobState, match="ask for planned, offered, countered, accepted, in_production"):
        queue_of(engine, principal(BUREAU, "bureau"), state="printing")
