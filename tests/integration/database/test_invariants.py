"""Each invariant is broken on purpose once: a check that can't fail proves nothing."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from fabroute.cli.invariants import INVARIANTS, check_invariants
from fabroute.database import create_database_engine
from tests.conftest import Database
from tests.factories.world import insert_world

ORDER_COLUMNS = (
    "organisation_id, objective, criticality, packaging, need_by_hard, currency, ship_to_name, ship_to_city,"
)
ORDER_COLUMNS += (
    " ship_to_country, ship_to_latitude, ship_to_longitude, ship_to_assumed, placed_at, updated_at, version"
)

BREAKS = {
    "every acknowledged key has its order": "UPDATE idempotency_keys SET subject_id = 'ord_lost'",
    "one key, one order": "INSERT INTO idempotency_keys SELECT organisation_id, 'key-2', request_sha256, status, body,"
    " location, subject_id, created_at FROM idempotency_keys",
    "every order has lines": f"INSERT INTO orders (id, state, {ORDER_COLUMNS})"
    f" SELECT 'ord_2', 'pending', {ORDER_COLUMNS} FROM orders",
    "an open line waits for something": "UPDATE order_lines SET state = 'routing',"
    " lease_until = clock_timestamp() - interval '6 minutes'",
    "a line has at most one live job": "DROP INDEX uq_jobs_one_live_dispatch;"
    " CREATE TEMP TABLE j AS SELECT * FROM jobs; UPDATE j SET id = 'job_2'; INSERT INTO jobs SELECT * FROM j",
    "a routed line has its job, and a live job its routed line": "UPDATE jobs SET state = 'cancelled'",
    "a lot's drawn grams are its live allocations": "UPDATE material_lots SET remaining_grams = 701",
    "a slot's taken minutes are its live allocations": "UPDATE capacity_slots SET remaining_minutes = 479",
    "nothing is allocated without a slot": "UPDATE capacity_allocations SET day = '2026-06-20'",
    "nothing remaining is below zero": "ALTER TABLE material_lots"
    " DROP CONSTRAINT ck_material_lots_never_over_allocated; UPDATE material_lots SET remaining_grams = -1",
    "only live jobs hold material and capacity": "UPDATE material_allocations SET job_id = 'job_gone'",
    "a live job holds the minutes and grams it needs": "UPDATE jobs SET machine_minutes = 241",
    "no job at a node that lacked a required certificate": "UPDATE certificates SET valid_to = '2026-06-15'",
    "no live job draws from a blocked lot": "UPDATE material_lots SET state = 'blocked'",
    "every decided line names its decision, made under its fence": "UPDATE routing_decisions SET fence = 2",
    "no route and parked always say why": "UPDATE order_lines SET state = 'no_route'",
    "an order's state follows from its lines": "UPDATE orders SET state = 'pending'",
    "the outbox is being emptied": "INSERT INTO outbox_events (event_id, name, subject_type, subject_id, data,"
    " occurred_at) VALUES ('evt_1', 'order.placed', 'order', 'ord_1', '{}', now() - interval '61 seconds')",
    "every placed order is on the audit log": "UPDATE audit_entries SET subject_id = 'ord_other'",
    "a released revision has a validated print file": "UPDATE print_files SET validated_at = NULL",
}


@pytest.fixture
def world(database: Database) -> Iterator[Engine]:
    """An engine of the tables' owner on a database with a consistent world in it."""
    engine = create_database_engine(database.migration_url)
    with engine.begin() as connection:
        insert_world(connection)
    yield engine
    engine.dispose()


def test_a_consistent_world_breaks_no_invariant(world: Engine) -> None:
    findings = check_invariants(world)

    assert [finding.invariant.name for finding in findings if finding.broken] == []
    assert len(findings) == len(INVARIANTS) == 20


@pytest.mark.parametrize("name", [invariant.name for invariant in INVARIANTS])
def test_a_broken_invariant_is_found_with_an_example_and_advice(world: Engine, name: str) -> None:
    with world.begin() as connection:
        connection.exec_driver_sql(BREAKS[name])

    (finding,) = (finding for finding in check_invariants(world) if finding.invariant.name == name)

    assert finding.broken == 1
    assert len(finding.examples) == 1
    assert finding.invariant.advice
    with world.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM orders")).scalar_one() >= 1
