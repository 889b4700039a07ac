"""Each invariant is broken on purpose once: a check that can't fail proves nothing."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from fabroute.cli.invariants import INVARIANTS, check_invariants
from fabroute.database import create_database_engine
from tests.conftest import Database
from tests.factories.world import insert_world
from tests.integration.database.breaks import (
    audit,
    builds,
    claims,
    credentials,
    evidence,
    lots,
    people,
    phases,
    rerouting,
    shipping,
    tenancy,
    webhooks,
)

ORDER_COLUMNS = (
    "organisation_id, objective, criticality, packaging, need_by_hard, currency, ship_to_name, ship_to_city,"
)
ORDER_COLUMNS += (
    " ship_to_country, ship_to_latitude, ship_to_longitude, ship_to_assumed, placed_at, updated_at, version,"
    " split_max_nodes, split_min_per_node"
)

BREAKS = {
    "every acknowledged key has its order": "UPDATE idempotency_keys SET subject_id = 'ord_lost'",
    "one key, one order": "INSERT INTO idempotency_keys SELECT organisation_id, 'key-2', request_sha256, status, body,"
    " location, subject_id, created_at FROM idempotency_keys",
    "every order has lines": f"INSERT INTO orders (id, state, {ORDER_COLUMNS})"
    f" SELECT 'ord_2', 'pending', {ORDER_COLUMNS} FROM orders",
    "an open line waits for something": "UPDATE order_lines SET state = 'routing',"
    " lease_until = clock_timestamp() - interval '6 minutes'",
    "a share of a line has at most one live job": "DROP INDEX uq_jobs_one_live_dispatch;"
    " CREATE TEMP TABLE j AS SELECT * FROM jobs; UPDATE j SET id = 'job_2'; INSERT INTO jobs SELECT * FROM j",
    "live jobs make all of a routed line, of any other one what it kept": "UPDATE jobs SET quantity = 1",
    "a lot's drawn grams are its live allocations": "UPDATE material_lots SET remaining_grams = 701",
    "a slot's taken minutes are its live allocations": "UPDATE capacity_slots SET remaining_minutes = 479",
    "nothing is allocated without a slot": "UPDATE capacity_allocations SET day = '2026-06-20'",
    "nothing remaining is below zero": "ALTER TABLE material_lots"
    " DROP CONSTRAINT ck_material_lots_never_over_allocated; UPDATE material_lots SET remaining_grams = -1",
    "only live jobs hold material and capacity": "UPDATE material_allocations SET job_id = 'job_gone'",
    "a live job holds the minutes and grams it needs": "UPDATE jobs SET machine_minutes = 241",
    "no job at a node that lacked a required certificate": "UPDATE certificates SET valid_to = '2026-06-15'",
    "a job that lost a certificate is held": "UPDATE certificates SET revoked_at = now()",
    "a job that lost its first article is held": "UPDATE first_articles SET parameter_set = 'PS-2'",
    "a planned job is dispatched when its wait is over": "UPDATE jobs SET state = 'planned',"
    " dispatch_at = clock_timestamp() - interval '61 seconds'",
    "jobs of one build are made together": "UPDATE jobs SET build_key = 'build_1'; CREATE TEMP TABLE j AS"
    " SELECT * FROM jobs; UPDATE j SET id = 'job_2', share_no = 1, machine_id = 'M2'; INSERT INTO jobs SELECT * FROM j",
    "a shared build holds all of its parts": "UPDATE jobs SET build_key = 'build_1'; UPDATE routing_decisions"
    ' SET document = \'{"build": {"fill": 1.01}}\'',
    "what was revoked says who did it and why": "UPDATE first_articles SET revoked_at = now(), revoked_by = 'key_1'",
    "no live job draws from a blocked lot": "UPDATE material_lots SET state = 'blocked'",
    "every decided line names its decision, made under its fence": "UPDATE routing_decisions SET fence = 2",
    "no move is later or dearer than what was promised": "UPDATE order_lines SET promised_minor = 1;"
    " UPDATE routing_decisions SET kind = 'improved'",
    "no route and parked always say why": "UPDATE order_lines SET state = 'no_route'",
    "an order's state follows from its lines": "UPDATE orders SET state = 'pending'",
    "the outbox is being emptied": "INSERT INTO outbox_events (event_id, name, subject_type, subject_id, data,"
    " occurred_at) VALUES ('evt_1', 'order.placed', 'order', 'ord_1', '{}', now() - interval '61 seconds')",
    "every placed order is on the audit log": "UPDATE audit_entries SET subject_id = 'ord_other'",
    "a released revision has a validated print file": "UPDATE print_files SET validated_at = NULL",
    "a released revision has the file that was approved and signed": f"UPDATE print_files SET sha256 = '{'9' * 64}'",
    "an uploaded file waits for something": "UPDATE print_file_submissions SET state = 'queued',"
    " next_attempt_at = clock_timestamp() - interval '6 minutes'",
    "a licence holds what its leases hold": "UPDATE print_licences SET leased_prints = 2",
    "a licence counts the good prints of its jobs": "UPDATE print_licences SET good_prints = 2",
    "no licence gives more than it grants": "ALTER TABLE print_licences"
    " DROP CONSTRAINT ck_print_licences_never_over_granted; UPDATE print_licences SET granted_prints = 1",
    "a live job holds the licensed prints that it needs": "UPDATE print_licence_leases SET released_at = now()",
    "only live jobs hold licensed prints": "UPDATE jobs SET state = 'cancelled'",
    "a revision that is not printed any more has no active licence": "UPDATE part_revisions SET state = 'superseded'",
    "no job has more good prints than parts": "UPDATE jobs SET good_prints = 3",
    "a job counts the prints that were reported": "DELETE FROM print_records WHERE result = 'good'",
    "each good print of a licensed job is counted on its lease": "UPDATE print_licence_leases SET good_prints = 2",
    "a reprint was granted by the owner": "UPDATE reprint_requests SET state = 'refused'",
    "a held job says why and where it was held": "UPDATE jobs SET state = 'held', held_from = 'accepted',"
    " held_at = now()",
    "a file went out to whom it was meant for, in time": "UPDATE file_tickets SET used_at = used_at + interval '5 min'",
    "no file went out while its job was held or cancelled": "UPDATE audit_entries SET action = 'job.held'"
    " WHERE action = 'job.accepted'",
    "no used ticket is of the present fence of a job that is not accepted": "UPDATE jobs SET state = 'held'",
    "every file that went out is on the audit log": "UPDATE audit_entries SET data = '{}'",
    "an order that accepted a quote has the price and the day of its offer": "UPDATE orders SET agreed_price_minor = 1",
    "a quote is accepted once, while it stands": "UPDATE quotes SET valid_until = '2026-06-15T09:00:00Z'",
    "what a quote agreed could be kept when it was accepted": "UPDATE routing_decisions SET landed_minor = 11001",
    "a calibration is the sum of its evidence": "UPDATE calibrations SET builds = 2",
    **claims.BREAKS,
    **phases.BREAKS,
    **builds.BREAKS,
    **evidence.BREAKS,
    **lots.BREAKS,
    **shipping.BREAKS,
    **rerouting.BREAKS,
    **tenancy.BREAKS,
    **audit.BREAKS,
    **credentials.BREAKS,
    **people.BREAKS,
    **webhooks.BREAKS,
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
    assert len(findings) == len(INVARIANTS)
    assert [finding.invariant.name for finding in findings] == [rule.name for rule in INVARIANTS]


_OF_ITS_OFFER = "an order that accepted a quote has the price and the day of its offer"
_OTHERWISE_AGREED = (
    "UPDATE orders SET quoted_offer = 'fastest'",
    "UPDATE orders SET agreed_arrival = agreed_arrival + interval '1 s'",
    "UPDATE orders SET agreed_price_minor = NULL",
    "UPDATE order_lines SET quantity = 3",
    "UPDATE quotes SET revision_id = 'rev_2'",
)
MORE_BREAKS = [
    *credentials.MORE_BREAKS,
    *people.MORE_BREAKS,
    *webhooks.MORE_BREAKS,
    (
        "one key, one order",
        "ALTER TABLE idempotency_keys DROP CONSTRAINT pk_idempotency_keys; INSERT INTO idempotency_keys"
        " SELECT organisation_id, key, request_sha256, status, body, location, 'ord_2', created_at"
        " FROM idempotency_keys",
    ),
    ("every decided line names its decision, made under its fence", "UPDATE order_lines SET fence = 2"),
    (
        "every decided line names its decision, made under its fence",
        "UPDATE order_lines SET fence = 214000001; INSERT INTO feed_breaks (next_position, last_position, snapshot_at,"
        " restored_at) VALUES (2, 1, now(), timestamptz '2020-01-01T00:00:00Z' + interval '214000000 s')",
    ),
    ("no job at a node that lacked a required certificate", "UPDATE certificates SET verified_at = NULL"),
    (
        "no job at a node that lacked a required certificate",
        "UPDATE certificates SET verified_at = verified_at + interval '1 s'",
    ),
    ("no job at a node that lacked a required certificate", "UPDATE certificates SET parameter_set = 'PS-2'"),
    ("no job at a node that lacked a required certificate", "UPDATE certificates SET scope = 'SLS'"),
    ("a job that lost a certificate is held", "UPDATE certificates SET valid_to = '2026-06-15'"),
    ("a job that lost its first article is held", "UPDATE first_articles SET revoked_at = now()"),
    ("what was revoked says who did it and why", "UPDATE certificates SET revoked_at = now(), revoked_by = 'key_1'"),
    (
        "a released revision has the file that was approved and signed",
        "UPDATE part_revisions SET release_statement = 'nonsense'",
    ),
    (
        "a released revision has the file that was approved and signed",
        "UPDATE part_revisions SET approved_sha256 = NULL",
    ),
    (
        "an uploaded file waits for something",
        "UPDATE print_file_submissions SET state = 'validating', lease_until = clock_timestamp() - interval '6 min'",
    ),
    ("a live job holds the licensed prints that it needs", "UPDATE print_licence_leases SET prints = 3"),
    ("a live job holds the licensed prints that it needs", "UPDATE part_revisions SET licence_required = false"),
    ("a file went out to whom it was meant for, in time", "UPDATE file_tickets SET fence = 2"),
    ("a file went out to whom it was meant for, in time", "UPDATE file_tickets SET used_by = NULL"),
    ("a file went out to whom it was meant for, in time", "UPDATE jobs SET accepted_at = NULL"),
    ("a held job says why and where it was held", "UPDATE jobs SET state = 'held', held_reason = 'x'"),
    *((_OF_ITS_OFFER, sql) for sql in _OTHERWISE_AGREED),
    ("a quote is accepted once, while it stands", "UPDATE audit_entries SET data = '{}'"),
    (
        "what a quote agreed could be kept when it was accepted",
        "UPDATE routing_decisions SET promised_at = promised_at + interval '1 s'",
    ),
    ("what a quote agreed could be kept when it was accepted", "UPDATE routing_decisions SET fence = 0"),
    ("a calibration is the sum of its evidence", "UPDATE calibrations SET log_ratio_sum = 0.0954"),
    ("a calibration is the sum of its evidence", "UPDATE calibrations SET failed_prints = 0"),
    ("a calibration is the sum of its evidence", "DELETE FROM build_times"),
    ("a calibration is the sum of its evidence", "UPDATE build_times SET withdrawn_at = now()"),
    ("tenant tables have FORCE row-level security", "ALTER TABLE parts DISABLE ROW LEVEL SECURITY"),
    ("tenant tables have FORCE row-level security", "DROP POLICY tenant ON quotes"),
    ("tenant tables have FORCE row-level security", "CREATE TABLE notes_of_orders (order_id text)"),
]

STILL_RIGHT = [
    "UPDATE order_lines SET fence = 214000000; INSERT INTO feed_breaks (next_position, last_position, snapshot_at,"
    " restored_at) VALUES (2, 1, now(), timestamptz '2020-01-01T00:00:00Z' + interval '214000000.5 s')",
    "UPDATE orders SET quoted_offer = 'greenest'",
    "UPDATE orders SET quote_id = NULL, quoted_offer = NULL, agreed_price_minor = NULL, agreed_arrival = NULL",
    "UPDATE build_times SET reported_at = now(), machine_minutes = 300",
    "UPDATE certificates SET scope = 'LPBF', machine_id = 'M1', parameter_set = 'PS-1'",
    "UPDATE certificates SET verified_at = now(), verified_by = 'system:migration'",
    "UPDATE part_revisions SET approved_by = 'system:migration', approved_sha256 = NULL, release_statement = NULL",
    "UPDATE jobs SET state = 'held', held_from = 'accepted', held_at = now(), held_reason = 'x', fence = 2;"
    " UPDATE certificates SET revoked_at = now(), revoked_by = 'key_1', revocation_reason = 'fraud'",
    "UPDATE print_file_submissions SET state = 'queued', next_attempt_at = clock_timestamp()",
    "UPDATE print_licences SET state = 'frozen', state_reason = 'superseded';"
    " UPDATE part_revisions SET state = 'superseded'",
]


@pytest.mark.parametrize(("name", "sql"), MORE_BREAKS)
def test_an_invariant_is_broken_in_more_than_one_way(world: Engine, name: str, sql: str) -> None:
    with world.begin() as connection:
        connection.exec_driver_sql(sql)

    broken = [finding for finding in check_invariants(world) if finding.broken]

    assert name in [finding.invariant.name for finding in broken]
    assert all(len(finding.examples) == finding.broken == 1 for finding in broken if finding.invariant.name == name)


@pytest.mark.parametrize("sql", STILL_RIGHT)
def test_what_is_right_in_another_way_breaks_nothing(world: Engine, sql: str) -> None:
    with world.begin() as connection:
        connection.exec_driver_sql(sql)

    assert [finding.invariant.name for finding in check_invariants(world) if finding.broken] == []
    assert set(BREAKS) == {invariant.name for invariant in INVARIANTS}


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
