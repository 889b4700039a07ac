"""Thousands of accepted jobs at once, with orders, lines and what is held for them, written by a few statements."""

from sqlalchemy import Engine

from fabroute.database import unit_of_work
from tests.factories.orders import Owner

_ROOM = (
    "UPDATE material_lots SET initial_grams = 2000000000, remaining_grams = 2000000000 - {count} * 100",
    "UPDATE capacity_slots SET initial_minutes = 2000000, remaining_minutes = 2000000 - CASE day"
    " WHEN '2026-06-16' THEN {count} * 120 ELSE 0 END",
)
_ROWS = (
    "INSERT INTO orders (id, organisation_id, objective, criticality, packaging, need_by_hard, currency, ship_to_name,"
    " ship_to_city, ship_to_country, ship_to_latitude, ship_to_longitude, ship_to_assumed, state, placed_at,"
    " updated_at, version, split_max_nodes, split_min_per_node) SELECT 'ord_' || n,"
    " '{owner.organisation_id}', 'cheapest', 'routine', 'plain', true, 'EUR',"
    " '', 'Hamburg', 'DE', 53.55, 9.99, false, 'routed', '2026-06-15', '2026-06-15', 1, 0, 1"
    " FROM generate_series(1, {count}) n",
    "INSERT INTO order_lines (id, order_id, position, part_id, revision_id, quantity, planning_scope, state,"
    " state_reason, attempts, fence, decision_id, kept_quantity, kept_nodes, next_share_no) SELECT 'line_' || n,"
    " 'ord_' || n, 1, '{owner.part_id}', '{owner.revision_id}', 1, 'global', 'routed', '', 1, 1, 'dec_' || n, 0, '', 0"
    " FROM generate_series(1, {count}) n",
    "INSERT INTO jobs (id, organisation_id, node_id, order_id, order_line_id, share_no, decision_id, revision_id,"
    " part_no, quantity, machine_id, material, parameter_set, lot_id, grams, machine_minutes, price_minor, produce_by,"
    " shipping_service, packaging, ship_to_city, ship_to_country, promised_at, state, offered_at, updated_at, version,"
    " fence, accepted_at, accepted_by) SELECT 'job_' || n, '{owner.organisation_id}', 'N101', 'ord_' || n,"
    " 'line_' || n, 0, 'dec_' || n, '{owner.revision_id}', 'RL-0001', 1, 'N101-A', 'PA12-MJF', 'PS-1', 'lot_1', 100,"
    " 120, 2000, '2026-06-16', 'express', 'plain', 'Hamburg', 'DE', '2026-06-19', 'accepted', '2026-06-15',"
    " '2026-06-15', 2, 1, '2026-06-15', 'key_bureau' FROM generate_series(1, {count}) n",
    "INSERT INTO material_allocations (job_id, lot_id, grams, allocated_at)"
    " SELECT 'job_' || n, 'lot_1', 100, '2026-06-15' FROM generate_series(1, {count}) n",
    "INSERT INTO capacity_allocations (job_id, machine_id, day, minutes, allocated_at)"
    " SELECT 'job_' || n, 'N101-A', '2026-06-16', 120, '2026-06-15' FROM generate_series(1, {count}) n",
    "ANALYZE jobs, order_lines, orders, material_allocations, capacity_allocations",
)


def given_many_jobs(engine: Engine, owner: Owner, count: int) -> None:
    """Save ``count`` jobs that node ``N101`` of ``tests.factories.network`` accepted, each of an order of its own."""
    with unit_of_work(engine) as session:
        for statement in (*_ROOM, *_ROWS):
            session.connection().exec_driver_sql(statement.format(count=count, owner=owner))
