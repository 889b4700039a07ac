"""Queues of many offered jobs, written by a few statements, and keys of the bureaus that ask for them."""

from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.identity.rules import ALL_SCOPES
from fabroute.identity.service import create_organisation, issue_api_key
from tests.factories.databases import in_transaction, rows
from tests.factories.orders import Owner
from tests.factories.organisations import NOW

_ORDERS = (
    "INSERT INTO orders (id, organisation_id, objective, criticality, packaging, need_by_hard, currency, ship_to_name,"
    " ship_to_city, ship_to_country, ship_to_latitude, ship_to_longitude, ship_to_assumed, state, placed_at,"
    " updated_at, version, split_max_nodes, split_min_per_node) SELECT 'ord_{prefix}_' || n,"
    " '{owner.organisation_id}', 'cheapest', 'routine', 'plain', true, 'EUR', '', 'Hamburg', 'DE', 53.55, 9.99, false,"
    " 'routed', now(), now(), 1, 0, 1 FROM generate_series(1, {count}) n"
)
_LINES = (
    "INSERT INTO order_lines (id, order_id, position, part_id, revision_id, quantity, planning_scope, state,"
    " state_reason, attempts, fence, decision_id, kept_quantity, kept_nodes, next_share_no)"
    " SELECT 'line_{prefix}_' || n, 'ord_{prefix}_' || n, 1, '{owner.part_id}', '{revision_id}', 1,"
    " 'global', 'routed', '', 1, 1, 'dec_{prefix}_' || n, 0, '', 0 FROM generate_series(1, {count}) n"
)
_JOBS = (
    "INSERT INTO jobs (id, organisation_id, node_id, order_id, order_line_id, share_no, decision_id, revision_id,"
    " part_no, quantity, machine_id, material, parameter_set, lot_id, grams, machine_minutes, price_minor, produce_by,"
    " shipping_service, packaging, ship_to_city, ship_to_country, promised_at, state, offered_at, updated_at, version,"
    " fence) SELECT 'job_{prefix}_' || lpad(n::text, 6, '0'), '{owner.organisation_id}', '{node_id}',"
    " 'ord_{prefix}_' || n, 'line_{prefix}_' || n, 0, 'dec_{prefix}_' || n, '{revision_id}', 'RL-0001', 1,"
    " 'N101-A', 'PA12-MJF', 'PS-1', 'lot_1', 100, 120, 2000, current_date + 2 + mod(n, 3), 'express', 'plain',"
    " 'Hamburg', 'DE', now() + interval '9 days', 'offered', now(), now(), 1, 0 FROM generate_series(1, {count}) n"
)
_NODES = (
    "INSERT INTO organisations (id, name, kind, created_at)"
    " SELECT 'org_B' || n, 'Bureau ' || n, 'bureau', now() FROM generate_series(1, {count}) n",
    "INSERT INTO nodes SELECT (jsonb_populate_record(node, jsonb_build_object('id', 'B' || n, 'organisation_id',"
    " 'org_B' || n))).* FROM nodes node, generate_series(1, {count}) n WHERE node.id = 'N101'",
)


def given_queue(
    engine: Engine,
    owner: Owner,
    count: int,
    *,
    prefix: str = "q",
    node_id: str = "N101",
    revision_id: str | None = None,
) -> None:
    """Offer ``count`` jobs to a node: produced in two to four days, the soonest due not the first by their ids."""
    with unit_of_work(engine) as session:
        for statement in (_ORDERS, _LINES, _JOBS):
            filled = statement.format(
                count=count,
                owner=owner,
                prefix=prefix,
                node_id=node_id,
                revision_id=revision_id or owner.revision_id,
            )
            session.connection().exec_driver_sql(filled)


def given_bureaus(engine: Engine, count: int) -> list[str]:
    """Add nodes ``B1``, ``B2``, … like ``N101``, each of a bureau of its own; return a key of each bureau."""
    with unit_of_work(engine) as session:
        for statement in _NODES:
            session.connection().exec_driver_sql(statement.format(count=count))
        return [
            issue_api_key(session, organisation_id=f"org_B{n}", name="poller", scopes=ALL_SCOPES, now=NOW).token
            for n in range(1, count + 1)
        ]


def given_bureau_key(engine: Engine, organisation_id: str) -> str:
    """Return a key of a bureau, which is made if it is not there."""
    with unit_of_work(engine) as session:
        create_organisation(session, name="Bureau", kind="bureau", now=NOW, organisation_id=organisation_id)
        return issue_api_key(session, organisation_id=organisation_id, name="claims", scopes=ALL_SCOPES, now=NOW).token


def leases_of(engine: Engine) -> list[tuple[object, ...]]:
    """Return job, lease and epoch of all jobs that anybody holds."""
    sql = "SELECT id, lease_id, lease_epoch FROM jobs WHERE lease_id IS NOT NULL ORDER BY id"
    return in_transaction(engine, lambda session: rows(session, sql))
