"""Thousands of orders with their decisions and jobs, and a hundred nodes: what the console's pages are measured on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from fabroute.database import unit_of_work
from fabroute.kernel.time import utc_now
from fabroute.network.service import NetworkData, extend_capacity, save_network
from tests.factories.console import ServedConsole
from tests.factories.console_jobs import a_bureau_at_work
from tests.factories.decisions import CANDIDATE, EXCLUSION, SOLVER, given_decisions_of_jobs
from tests.factories.network import a_lot, a_machine, a_node, an_offer
from tests.factories.orders import Owner
from tests.factories.routable import given_lanes

NODES = 100
CANDIDATES, EXCLUSIONS = 8, 30
_HORIZON_DAYS = 45
_CODES = ("BUILD_VOLUME", "CERTIFICATE_MISSING", "PROCESS_MATERIAL", "NODE_DOWN", "NO_CAPACITY")
_UNROUTED = "n % 50 = 0"
_PLACED = "now() - n * interval '30 days' / {count}"
_ROWS = (
    "INSERT INTO orders (id, organisation_id, reference, objective, criticality, packaging, need_by_hard, currency,"
    " ship_to_name, ship_to_city, ship_to_country, ship_to_latitude, ship_to_longitude, ship_to_assumed, state,"
    " placed_at, updated_at, version, split_max_nodes, split_min_per_node) SELECT"
    " 'ord_' || (9000000 - n), '{owner.organisation_id}', 'PO-' || n, 'cheapest', 'routine', 'plain', true, 'EUR', '',"
    " 'Hamburg', 'DE', 53.55, 9.99, false, CASE WHEN {unrouted} THEN 'no_route' ELSE 'routed' END, {placed}, {placed},"
    " 1, 0, 1 FROM generate_series(1, {count}) n",
    "INSERT INTO order_lines (id, order_id, position, part_id, revision_id, quantity, planning_scope, state,"
    " state_reason, attempts, fence, decision_id, kept_quantity, kept_nodes, next_share_no) SELECT 'line_' || n,"
    " 'ord_' || (9000000 - n), 1, '{owner.part_id}', '{owner.revision_id}', 1 + n % 4, 'global',"
    " CASE WHEN {unrouted} THEN 'no_route' ELSE 'routed' END, CASE WHEN {unrouted} THEN 'BUILD_VOLUME' ELSE '' END, 1,"
    " 1, 'dec_' || (9000000 - n), 0, '', 0 FROM generate_series(1, {count}) n",
    "INSERT INTO jobs (id, organisation_id, node_id, order_id, order_line_id, share_no, decision_id, revision_id,"
    " part_no, quantity, machine_id, material, parameter_set, lot_id, grams, machine_minutes, price_minor, produce_by,"
    " shipping_service, packaging, ship_to_city, ship_to_country, promised_at, state, offered_at, updated_at, version,"
    " fence, accepted_at, accepted_by, shipped_at) SELECT 'job_' || n, '{owner.organisation_id}',"
    " 'N101', 'ord_' || (9000000 - n), 'line_' || n, 0, 'dec_' || (9000000 - n)"
    ", '{owner.revision_id}', '{owner.part_no}', 1 + n % 4, 'N101-A', 'PA12-MJF', 'PS-1', 'lot_1', 100, 120,"
    " 2000, CAST({placed} AS date) + 3, 'express', 'plain', 'Hamburg', 'DE', {placed} + interval '4 days',"
    " CASE WHEN n % 50 = 1 THEN 'accepted' ELSE 'shipped' END, {placed}, {placed}, 2, 1, {placed} + interval '1 hour',"
    " 'key_bureau', CASE WHEN n % 50 = 1 THEN NULL ELSE {placed} + interval '2 days' END"
    " FROM generate_series(1, {count}) n WHERE NOT {unrouted}",
)
_DECISIONS = (
    "INSERT INTO routing_decisions (id, organisation_id, run_id, order_id, order_line_id, fence, kind, outcome,"
    " node_id, machine_id, revision_id, placed, landed_minor, promised_at, co2e_g, candidates, excluded, why, binding,"
    " fix, reasons, document, decided_at) SELECT 'dec_' || (9000000 - n),"
    " '{owner.organisation_id}', 'run_1', 'ord_' || (9000000 - n), 'line_' || n, 1, 'first',"
    " CASE WHEN {unrouted} THEN 'no_route' ELSE 'routed' END, CASE WHEN {unrouted} THEN NULL ELSE 'N101' END,"
    " CASE WHEN {unrouted} THEN NULL ELSE 'N101-A' END, '{owner.revision_id}', NULL,"
    " CASE WHEN {unrouted} THEN NULL ELSE 4120 END, CASE WHEN {unrouted} THEN NULL ELSE {placed} + interval '4 days'"
    " END, CASE WHEN {unrouted} THEN NULL ELSE 1840 END, CASE WHEN {unrouted} THEN 0 ELSE {candidates} END,"
    " {exclusions}, 'N101 is the cheapest', CASE WHEN {unrouted} THEN 'BUILD_VOLUME' END, NULL,"
    " CAST(:reasons AS jsonb), CASE WHEN {unrouted} THEN CAST(:unrouted AS jsonb) ELSE CAST(:routed AS jsonb) END,"
    " {placed} FROM generate_series(1, {count}) n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What to look at in a full database."""

    order_id: str
    unrouted_order_id: str
    job_id: str
    node_id: str
    part_no: str


def given_many_decisions(console: ServedConsole, count: int, *, nodes: int = NODES) -> Filled:
    """Save ``count`` orders of the last 30 days, each decided among many nodes, every fiftieth without a route."""
    work = a_bureau_at_work(console)
    owner = console.people.owner
    _given_nodes(console, nodes)
    given_decisions_of_jobs(console.engine)
    with unit_of_work(console.engine) as session:
        connection = session.connection()
        for statement in _ROWS:
            connection.execute(text(_stated(statement, owner, count)))
        connection.execute(text(_stated(_DECISIONS, owner, count)), _documents())
    with console.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
    work.offered()
    return Filled(
        order_id="ord_8999999",
        unrouted_order_id="ord_8999950",
        job_id="job_1",
        node_id="N101",
        part_no=owner.part_no,
    )


def _stated(statement: str, owner: Owner, count: int) -> str:
    placed = _PLACED.format(count=count)
    return statement.format(
        owner=owner, count=count, placed=placed, unrouted=_UNROUTED, candidates=CANDIDATES, exclusions=EXCLUSIONS
    )


def _given_nodes(console: ServedConsole, count: int) -> None:
    ids = [f"N{number}" for number in range(102, 101 + count)]
    nodes = tuple(
        a_node(
            node_id=node_id,
            organisation_id=console.people.bureau_id,
            city=f"City {at}",
            latitude=-35.0 + at * 37 % 95,
            longitude=-120.0 + at * 61 % 260,
        )
        for at, node_id in enumerate(ids)
    )
    data = NetworkData(
        nodes=nodes,
        models=(),
        materials=(),
        machines=tuple(a_machine(machine_id=f"{node_id}-A", node_id=node_id) for node_id in ids),
        offers=tuple(an_offer(machine_id=f"{node_id}-A") for node_id in ids),
        lots=tuple(a_lot(lot_id=f"lot_{node_id}", node_id=node_id) for node_id in ids),
    )
    with unit_of_work(console.engine) as session:
        save_network(session, data=data)
        extend_capacity(session, today=utc_now().date(), horizon_days=_HORIZON_DAYS)
    given_lanes(console.engine, "N101", *ids)


def _documents() -> dict[str, str]:
    reasons = {code: EXCLUSIONS // len(_CODES) for code in _CODES}
    candidates = [
        {**CANDIDATE, "node_id": f"N{101 + at}", "machine_id": f"N{101 + at}-A", "landed_minor": 4120 + 90 * at}
        for at in range(CANDIDATES)
    ]
    reason = EXCLUSION["reasons"][0]
    exclusions = [
        {**EXCLUSION, "node_id": f"N{120 + at}", "reasons": [{**reason, "code": _CODES[at % len(_CODES)]}]}
        for at in range(EXCLUSIONS)
    ]
    routed = _document(candidates, exclusions, reasons)
    return {
        "reasons": json.dumps(reasons),
        "routed": json.dumps(routed),
        "unrouted": json.dumps(_document([], exclusions, reasons)),
    }


def _document(candidates: list[dict[str, Any]], exclusions: list[Any], reasons: Mapping[str, int]) -> dict[str, Any]:
    return {
        "objective": "cheapest",
        "why": "N101 is the cheapest",
        "chosen": candidates[0] if candidates else None,
        "alternatives": [],
        "candidates": candidates,
        "exclusions": exclusions,
        "reasons": dict(reasons),
        "solver": dict(SOLVER),
    }
