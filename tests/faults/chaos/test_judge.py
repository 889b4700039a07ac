"""The judge finds each kind of fault, and none where nothing is wrong.

One small world is made by the clients of a chaos run themselves; each test breaks something in a transaction that is
rolled back, or tells the tally what nobody was told.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import time
from types import MappingProxyType

import pytest
from sqlalchemy import Connection, Engine, text

from fabroute.database import unit_of_work
from fabroute.identity.service.sealing import seal_audit_log
from fabroute.kernel.time import utc_now
from fabroute.orders.service import scopes_with_due_lines
from fabroute.production.service import offer_jobs
from fabroute.routing.service.run import RoutingLimits, route_pending
from fabroute_embedded import EmbeddedServers
from tests.factories.api import served_api
from tests.factories.databases import engine_for
from tests.factories.orders import Owner
from tests.faults.chaos.bureaus import simulated_bureaus
from tests.faults.chaos.comparing import COMPARISONS
from tests.faults.chaos.judge import (
    LAWS,
    Limits,
    broken_chains,
    compared,
    judge,
    laws_broken_on,
    percentile,
    too_slow,
)
from tests.faults.chaos.network import ChaosNetwork, given_network
from tests.faults.chaos.orders import place_orders
from tests.faults.chaos.record import Record, record_on
from tests.faults.chaos.tally import FetchTold, KeyTold, ProbeTold, Tally, WriteTold
from tests.faults.chaos.temper import Attempts
from tests.faults.chaos.wire import UNIX, Answer, Stand

pytestmark = pytest.mark.timeout(120)

ORDERS, SEED = 10, 512
LIMITS = RoutingLimits(deterministic_seconds=0.3, wall_seconds=5.0)
_LONGEST = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is left of a small run without faults: orders at their ends, and what clients were told."""

    stand: Stand
    owner: Engine
    """As the owner of the tables."""
    network: ChaosNetwork
    tally: Tally

    @contextmanager
    def broken_by(self, *statements: str) -> Iterator[Connection]:
        """Yield a connection that sees the database with something put wrong; nothing of it stays."""
        with self.owner.connect() as connection:
            for statement in statements:
                assert connection.execute(text(statement)).rowcount != 0, statement
            yield connection
            connection.rollback()


@pytest.fixture(scope="module")
def world(
    servers: EmbeddedServers, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    urls = servers.postgres.create_database("chaos_judged", template=migrated_template)
    storage = tmp_path_factory.mktemp("print-files")
    with engine_for(urls.url, connections=10) as engine, engine_for(urls.migration_url) as owner:
        network = given_network(engine, utc_now(), storage_url=storage.as_uri(), orders=ORDERS)
        tally = Tally()
        with served_api(urls.url, owner=_first_owner(network), storage_url=storage.as_uri()) as api:
            stand = Stand(api_urls=(f"{UNIX}://{api.socket}",) * 2, engine=engine, storage=storage)
            with simulated_bureaus(
                stand, network, SEED, tally, attempts=Attempts(before=3), connected=network.node_ids
            ):
                place_orders(stand, network, count=ORDERS, rate=1000, seed=SEED, tally=tally, window=1000)
                _route_and_wait(engine)
        seal_audit_log(engine, seconds=10, settling_seconds=0)
        with unit_of_work(engine) as session:
            session.connection().execute(text("UPDATE outbox_events SET published_at = now(), sequenced_at = now()"))
        yield World(stand=stand, owner=owner, network=network, tally=tally)
    servers.postgres.drop_database("chaos_judged")


def _first_owner(network: ChaosNetwork) -> Owner:
    first = network.owners[0]
    return Owner(
        organisation_id=first.organisation_id,
        token=first.token,
        key_id="",
        part_id="",
        revision_id=first.parts[0].revision_id,
    )


def _route_and_wait(engine: Engine) -> None:
    """Route what is due until nothing is under way."""
    until = time() + _LONGEST
    while time() < until:
        with unit_of_work(engine) as session:
            scopes = scopes_with_due_lines(session)
            open_jobs = session.connection().execute(text(_OPEN_JOBS)).scalar_one()
        if not scopes and open_jobs == 0:
            return
        for scope in scopes:
            route_pending(engine, scope=scope, now=utc_now(), dispatch=offer_jobs, limits=LIMITS)


_OPEN_JOBS = (
    "SELECT (SELECT count(*) FROM jobs WHERE state NOT IN ('delivered', 'cancelled', 'declined', 'lapsed', 'failed')"
    ")"
    " + (SELECT count(*) FROM order_lines WHERE state IN ('pending', 'routing'))"
)


def test_a_world_in_which_nothing_is_wrong_is_found_right(world: World) -> None:
    with world.owner.connect() as connection:
        record = record_on(connection)
        assert laws_broken_on(connection) == []
        assert compared(world.tally, record) == []
        connection.rollback()
    assert broken_chains(world.stand.engine) == []
    assert world.tally.acknowledged == ORDERS == len(record.orders)
    assert len(record.routed_seconds) == len(record.line_quantities) - 1  # one line is cancelled before it is routed
    assert {order.state for order in record.orders.values()} == {"routed", "no_route", "cancelled"}
    assert {job.state for job in record.jobs.values()} == {"delivered"}


def test_the_whole_judgement_of_such_a_world_is_green_with_its_figures(world: World) -> None:
    verdict = judge(world.stand, world.tally, quiet_seconds=20, settle_seconds=0)
    assert (verdict.problems, verdict.green) == ((), True)
    assert verdict.figures["orders acknowledged"] == ORDERS
    assert verdict.figures["orders no_route"] == verdict.figures["orders cancelled"] == 1
    assert verdict.figures["waiting for a person"] == 0
    assert verdict.figures["jobs delivered"] == len(world.tally.claims)


def test_a_world_that_does_not_come_to_rest_and_that_the_doctor_finds_ill_is_red(world: World) -> None:
    ill = "UPDATE jobs SET state = '{}', good_prints = good_prints {} 1 WHERE id = (SELECT min(id) FROM jobs)"
    with world.owner.begin() as connection:
        connection.execute(text(ill.format("shipped", "+")))
    verdict = judge(world.stand, world.tally, quiet_seconds=0.2, settle_seconds=0, limits=Limits(max_seconds=0))
    with world.owner.begin() as connection:
        connection.execute(text(ill.format("delivered", "-")))
    kinds = {problem.partition(":")[0] for problem in verdict.problems}
    assert kinds == {"not at rest 0 s after the last order", "a job left behind", "doctor", "too slow"}
    assert sum("a job counts the prints that were reported" in problem for problem in verdict.problems) == 1
    assert verdict.green is False


_ANY_JOB = "(SELECT min(id) FROM jobs WHERE state = 'delivered')"
_ANY_LINE = "(SELECT min(id) FROM order_lines WHERE state = 'routed')"
_TWIN = (
    "INSERT INTO jobs SELECT (jsonb_populate_record(job, jsonb_build_object('id', 'job_twin'))).* FROM jobs job"
    f" WHERE id = {_ANY_JOB}"
)
_NO_RULE_AGAINST_TWINS = "DROP INDEX uq_jobs_one_live_dispatch"
_LAWS_BROKEN_BY: Mapping[str, tuple[str, ...]] = {
    "two live jobs for one share": (_TWIN,),
    "more than ordered is being made": (f"UPDATE jobs SET quantity = quantity + 1 WHERE id = {_ANY_JOB}",),
    "over-allocated lot": (
        "UPDATE material_allocations SET grams = 1000000 WHERE ctid = (SELECT min(ctid) FROM material_allocations)",
    ),
    "a lot's remainder is wrong": (
        "UPDATE material_lots SET remaining_grams = remaining_grams - 1 WHERE id = (SELECT min(id) FROM material_lots)",
    ),
    "over-allocated slot": (
        "UPDATE capacity_allocations SET minutes = 5000 WHERE ctid = (SELECT min(ctid) FROM capacity_allocations)",
    ),
    "a slot's remainder is wrong": (
        "UPDATE capacity_slots SET remaining_minutes = 1 WHERE ctid = (SELECT min(ctid) FROM capacity_slots)",
    ),
    "a job without material or time": (f"UPDATE jobs SET state = 'accepted', grams = grams + 1 WHERE id = {_ANY_JOB}",),
    "material held by a job that ended": (f"UPDATE jobs SET state = 'failed' WHERE id = {_ANY_JOB}",),
    "an order without its answer, or an answer without its order": (
        "DELETE FROM idempotency_keys WHERE key = (SELECT min(key) FROM idempotency_keys WHERE key LIKE 'key-%')",
    ),
    "left behind": (f"UPDATE order_lines SET state = 'routing' WHERE id = {_ANY_LINE}",),
    "a job left behind": (f"UPDATE jobs SET state = 'shipped' WHERE id = {_ANY_JOB}",),
    "a routed line that nobody makes": (f"UPDATE jobs SET state = 'failed' WHERE id = {_ANY_JOB}",),
    "parked, held or suspect without a reason": (f"UPDATE jobs SET state = 'held' WHERE id = {_ANY_JOB}",),
    "written after its end": (
        "INSERT INTO audit_entries (organisation_id, occurred_at, actor, action, subject_type, subject_id, data)"
        " SELECT organisation_id, occurred_at, actor, it.action, 'job', 'job_x', data FROM audit_entries"
        " CROSS JOIN LATERAL (VALUES ('job.failed'), ('job.accepted')) it (action)"
        " WHERE id = (SELECT min(id) FROM audit_entries)",
    ),
    "claimed twice under one epoch": (
        "INSERT INTO audit_entries (organisation_id, occurred_at, actor, action, subject_type, subject_id, data)"
        " SELECT organisation_id, occurred_at, actor, action, subject_type, subject_id, data FROM audit_entries"
        " WHERE id = (SELECT min(id) FROM audit_entries WHERE action = 'job.claimed')",
    ),
    "accepted twice under one lease": (
        "INSERT INTO audit_entries (organisation_id, occurred_at, actor, action, subject_type, subject_id, data)"
        " SELECT organisation_id, occurred_at, actor, action, subject_type, subject_id, data FROM audit_entries"
        " WHERE id = (SELECT min(id) FROM audit_entries WHERE action = 'job.accepted')",
    ),
    "untold": (
        "UPDATE outbox_events SET published_at = NULL, occurred_at = now() - interval '1 minute'"
        " WHERE id = (SELECT min(id) FROM outbox_events)",
    ),
}


def test_each_law_has_a_way_to_break_it_here() -> None:
    assert list(_LAWS_BROKEN_BY) == [law.name for law in LAWS]
    assert len({law.query for law in LAWS}) == len(LAWS)


@pytest.mark.parametrize("law", list(_LAWS_BROKEN_BY))
def test_what_breaks_a_law_is_found(world: World, law: str) -> None:
    with world.owner.connect() as connection:
        connection.execute(text(_NO_RULE_AGAINST_TWINS))
        for statement in _LAWS_BROKEN_BY[law]:
            assert connection.execute(text(statement)).rowcount in (1, 2), statement
        found = [sentence.partition(":")[0] for sentence in laws_broken_on(connection)]
        connection.rollback()
    assert found.count(law) == 1
    assert len(found) <= 4  # what is wrong shows in neighbouring laws, too


def an_answer(status: int = 201, body: bytes = b"{}", *, answered: float = 0.0) -> Answer:
    return Answer(status=status, body=body, headers={}, sent=answered, answered=answered)


def a_key(tally: Tally, *, feasible: bool = True) -> KeyTold:
    """Return a key that was acknowledged, of an order that can be made or not."""
    return next(told for told in tally.keys if told.feasible is feasible and told.order_id not in tally.cancels)


def found_by(name: str, world: World, tally: Tally, *statements: str) -> list[str]:
    """Return what one comparison finds after something was put wrong."""
    comparison = next(it for it in COMPARISONS if it.__name__ == name)
    with world.broken_by(*statements) as connection:
        record = record_on(connection)
    return list(comparison(tally, record))


def test_an_acknowledged_order_that_is_gone_is_found(world: World) -> None:
    told = a_key(world.tally, feasible=False)
    gone = [f"DELETE FROM {table} WHERE {column} = '{told.order_id}'" for table, column in _ROWS_OF_AN_ORDER]
    assert found_by("lost_orders", world, world.tally, *gone) == [
        f"lost order: {told.order_id} was acknowledged to {told.key} and is not there"
    ]
    lost_key = f"DELETE FROM idempotency_keys WHERE key = '{told.key}'"
    assert found_by("lost_orders", world, world.tally, lost_key) == [
        f"lost key: {told.key} was answered with {told.order_id} and is not kept with it"
    ]


_ROWS_OF_AN_ORDER = (("order_lines", "order_id"), ("orders", "id"))


def test_an_order_that_is_not_what_was_asked_for_is_found(world: World) -> None:
    told = a_key(world.tally)
    more = f"UPDATE order_lines SET quantity = quantity + 1 WHERE order_id = '{told.order_id}'"
    (found,) = found_by("changed_orders", world, world.tally, more)
    assert found.startswith(f"changed order: {told.order_id} is ")
    other = f"UPDATE orders SET organisation_id = 'org_chaos_bureau_1' WHERE id = '{told.order_id}'"
    assert len(found_by("changed_orders", world, world.tally, other)) == 1


def test_two_orders_for_one_key_and_orders_that_nobody_sent_are_found(world: World) -> None:
    told = a_key(world.tally)
    twin = (
        "INSERT INTO orders SELECT (jsonb_populate_record(it, jsonb_build_object('id', 'ord_twin'))).* FROM orders it"
        f" WHERE id = '{told.order_id}'"
    )
    both = ", ".join(sorted([str(told.order_id), "ord_twin"]))
    assert found_by("doubled_orders", world, world.tally, twin) == [f"two orders for one key: {told.key} made {both}"]
    (unasked,) = found_by(
        "doubled_orders", world, world.tally, f"UPDATE orders SET reference = 'x' WHERE id = '{told.order_id}'"
    )
    assert unasked == f"unasked order: {told.order_id} of {told.organisation_id} (x): nobody sent that"


def test_a_refused_key_that_placed_an_order_is_found(world: World) -> None:
    told = a_key(world.tally)
    tally = Tally()
    tally.begin(replace(told, acknowledged=None, order_id=None, answers=type(told.answers)()))
    tally.order_answered(told.key, an_answer(422))
    assert f"refused, but placed: {told.key} was refused and made {told.order_id}" in found_by(
        "doubled_orders", world, tally
    )
    assert tally.acknowledged == 0


def test_different_answers_to_one_key_are_found(world: World) -> None:
    tally, told = world.tally.copied(), a_key(world.tally)
    tally.order_answered(told.key, an_answer(201, b"another"))
    claim = next(iter(tally.claim_answers))
    tally.claimed(claim, an_answer(200, b"other jobs"), ())
    assert found_by("differing_answers", world, tally) == [
        f"different answers to one key: {told.key} got 2 (201, 201)",
        f"different answers to one key: claim {claim} got 2",
    ]


def test_an_impossible_order_that_is_made_and_one_without_a_reason_are_found(world: World) -> None:
    told = a_key(world.tally, feasible=False)
    made = f"UPDATE orders SET state = 'routed' WHERE id = '{told.order_id}'"
    assert found_by("impossible_orders", world, world.tally, made) == [
        f"impossible order: {told.order_id} is routed, nobody can make it"
    ]
    silent = f"UPDATE order_lines SET state_reason = '' WHERE order_id = '{told.order_id}'"
    assert found_by("impossible_orders", world, world.tally, silent) == [
        f"no reason: {told.order_id} has 1 lines without a route and without a reason"
    ]


def test_a_cancellation_that_did_not_stand_is_found(world: World) -> None:
    ((order_id, status),) = world.tally.cancels.items()
    assert status == 200
    revived = f"UPDATE orders SET state = 'routed' WHERE id = '{order_id}'"
    assert found_by("broken_cancellations", world, world.tally, revived) == [
        f"broken cancellation: {order_id} was cancelled and is routed"
    ]


def test_a_job_with_two_holders_and_a_fence_that_runs_backwards_are_found(world: World) -> None:
    tally, claim = world.tally.copied(), world.tally.claims[0]
    again = replace(claim, client="another", answered=claim.answered + 1)
    earlier = replace(world.tally.claims[1], epoch=99, sent=0.0, answered=1.0)
    tally.claimed("one", an_answer(200), [again, earlier])
    assert found_by("two_holders", world, tally) == [
        f"double dispatch: {claim.job_id} was handed to {claim.client} and another ({claim.epoch})",
        f"fence runs backwards: {earlier.job_id} had epoch 99 before {world.tally.claims[1].epoch}",
    ]


def test_a_line_that_was_sent_twice_is_found(world: World) -> None:
    claim = next(it for it in world.tally.claims if it.share_no == 0)
    tally = world.tally.copied()
    tally.claimed("one", an_answer(200), [replace(claim, job_id="job_twin")])
    tally.wrote(a_write("job_twin", "handover"))
    (found,) = found_by("made_twice", world, tally)
    assert found.startswith("made twice: ")
    assert claim.order_line_id in found


def a_write(
    job_id: str, what: str, *, epoch: int = 1, sent: float = 0.0, facts: Mapping[str, object] = MappingProxyType({})
) -> WriteTold:
    return WriteTold(
        job_id=job_id,
        lease_id="lse",
        epoch=epoch,
        what=what,
        status=200,
        code="",
        sent=sent,
        answered=sent,
        facts=facts,
    )


def test_a_write_under_an_old_fence_is_found(world: World) -> None:
    tally, claim = world.tally.copied(), world.tally.claims[0]
    tally.claimed("one", an_answer(200), [replace(claim, epoch=claim.epoch + 1, client="later", answered=1e11)])
    tally.wrote(a_write(claim.job_id, "handover", epoch=claim.epoch, sent=1e10))
    assert found_by("stale_writes", world, tally) == []
    tally.wrote(a_write(claim.job_id, "prints", epoch=claim.epoch, sent=1e12))
    tally.wrote(a_write(claim.job_id, "heartbeat", epoch=claim.epoch, sent=1e12))
    assert found_by("stale_writes", world, tally) == [
        f"stale write: heartbeat of {claim.job_id} was taken under epoch {claim.epoch}, later had {claim.epoch + 1}"
    ]


def test_claims_and_writes_that_were_told_and_are_not_there_are_found(world: World) -> None:
    tally = Tally()
    claim = world.tally.claims[0]
    tally.claimed("one", an_answer(200), [claim, replace(claim, epoch=77)])
    assert found_by("forgotten_claims", world, tally) == [
        f"forgotten claim: {claim.job_id} was handed to {claim.client} under 77"
    ]
    assert found_by("forgotten_writes", world, world.tally) == []
    for what, facts in _NEVER_DONE.items():
        tally.wrote(a_write("job_x", what, facts=facts))
    found = found_by("forgotten_writes", world, tally)
    assert [sentence.split()[2] for sentence in found] == list(_NEVER_DONE)


_NEVER_DONE: Mapping[str, Mapping[str, object]] = {
    "acceptance": {},
    "decline": {},
    "failure": {},
    "prints": {"prints": {1: "good"}},
    "shipments": {"shipment_id": "shp_x", "state": "prepared"},
    "handover": {"shipment_id": "shp_x", "state": "handed_over"},
    "delivered": {"shipment_id": "shp_x", "state": "delivered"},
}


def test_a_print_and_a_shipment_that_changed_since_they_were_told_are_found(world: World) -> None:
    failed = (
        "UPDATE print_records SET result = 'failed' WHERE (job_id, number) = (SELECT min(job_id), 1 FROM jobs j JOIN"
    )
    one_print = f"{failed} print_records p ON p.job_id = j.id)"
    (changed,) = found_by("forgotten_writes", world, world.tally, one_print)[:1]
    assert changed.startswith("forgotten write: prints of job_")
    back = "UPDATE shipments SET state = 'prepared' WHERE id = (SELECT min(id) FROM shipments)"
    kinds = {sentence.split()[2] for sentence in found_by("forgotten_writes", world, world.tally, back)}
    assert kinds == {"handover", "delivered"}


def test_a_print_that_nobody_reported_is_found_unless_an_answer_was_missed(world: World) -> None:
    extra = (
        "INSERT INTO print_records SELECT (jsonb_populate_record(it, jsonb_build_object('number', 50))).*"
        " FROM print_records it WHERE ctid = (SELECT min(ctid) FROM print_records)"
    )
    (found,) = found_by("unasked_prints", world, world.tally, extra)
    assert found.startswith("unasked print: good print 50 of job_")
    tally = world.tally.copied()
    tally.unsure(a_write(found.split()[6], "reports"))
    assert found_by("unasked_prints", world, tally, extra) == []


def test_a_file_with_other_bytes_a_probe_that_was_let_in_and_a_500_are_found(world: World) -> None:
    tally = Tally()
    tally.fetched(FetchTold(job_id="job_x", status=200, promised_sha256="a" * 64, sha256="b" * 64))
    tally.fetched(FetchTold(job_id="job_x", status=500, promised_sha256="a" * 64, sha256=""))
    let_in = ProbeTold(name="stale fence", wanted=(409,), status=200, code="", detail="POST /v1/jobs/job_x/heartbeat")
    tally.probed(let_in)
    tally.probed(replace(let_in, status=409, code="lease_lost"))
    tally.heard("GET", "/", an_answer(500, b'{"code": "internal_error"}'))
    tally.heard("GET", "/", an_answer(500, b'{"code": "print_file_damaged"}'))
    assert found_by("tampered_files", world, tally) == [f"tampered file: job_x got {'b' * 12}, promised was {'a' * 12}"]
    assert found_by("wrong_probes", world, tally) == [
        "stale fence: answered 200  instead of (409,): POST /v1/jobs/job_x/heartbeat"
    ]
    assert found_by("internal_errors", world, tally) == ["internal errors: answered 500 internal_error, 1 times"]


def test_a_changed_audit_entry_is_found_by_its_chain(world: World) -> None:
    with world.owner.begin() as connection:
        connection.execute(text("ALTER TABLE audit_entries DISABLE TRIGGER USER"))
        actor = connection.execute(text("SELECT actor FROM audit_entries ORDER BY id LIMIT 1")).scalar_one()
        connection.execute(text(_FORGED), {"actor": "somebody"})
    (found,) = broken_chains(world.stand.engine)
    with world.owner.begin() as connection:
        connection.execute(text(_FORGED), {"actor": actor})
    assert found.startswith("audit log: entry_changed at ")
    assert broken_chains(world.stand.engine) == []


_FORGED = "UPDATE audit_entries SET actor = :actor WHERE id = (SELECT min(id) FROM audit_entries)"


def test_orders_that_wait_too_long_are_found_by_nearest_rank() -> None:
    times = tuple(float(second) for second in range(1, 101))
    record = replace(_EMPTY, routed_seconds=times)
    assert (percentile(times, 50), percentile(times, 99), percentile((), 99)) == (50.0, 99.0, 0.0)
    assert too_slow(record, Limits(p99_seconds=99, max_seconds=100)) == []
    assert too_slow(record, Limits(p99_seconds=98, max_seconds=99)) == [
        "too slow: 99 of 100 orders had their route within 99.0 s, not 98",
        "too slow: one order had its route after 100.0 s, not 99",
    ]


_EMPTY = Record(
    orders={},
    keys={},
    jobs={},
    line_quantities={},
    claims=frozenset(),
    accepted=frozenset(),
    prints={},
    shipments={},
    routed_seconds=(),
)
