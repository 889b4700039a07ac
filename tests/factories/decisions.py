"""Decisions about lines as routing stores them, written by hand."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, text

from fabroute.database import unit_of_work
from fabroute.kernel.ids import new_id
from fabroute.orders.service import ClaimedLine, LineOutcome, record_outcomes
from tests.factories.orders import claim_all_lines
from tests.factories.organisations import NOW

CANDIDATE: Mapping[str, Any] = {
    "node_id": "N101",
    "kind": "service_bureau",
    "city": "Berlin",
    "country": "DE",
    "machine_id": "N101-A",
    "process": "MJF",
    "material": "PA12-MJF",
    "parameter_set": "PS-1",
    "lot_id": "lot_1",
    "service": "express",
    "carrier": "dhl",
    "produce_by": "2026-06-16",
    "earliest_at": "2026-06-16T15:00:00+00:00",
    "expected_at": "2026-06-17T15:00:00+00:00",
    "promised_at": "2026-06-18T15:00:00+00:00",
    "hours": 79.0,
    "landed_minor": 4120,
    "production_minor": 2500,
    "freight_minor": 1620,
    "duty_minor": 0,
    "breakdown": [{"code": "machine", "amount_minor": 2500}, {"code": "freight", "amount_minor": 1620}],
    "co2e_g": 1840,
    "machine_minutes": 120,
    "grams": 100,
    "cost_millis": 4120079,
}
OLD_CANDIDATE: Mapping[str, Any] = {
    name: value for name, value in CANDIDATE.items() if name not in ("carrier", "earliest_at", "expected_at")
}
"""As decisions were stored before they named carrier and window."""
EXCLUSION: Mapping[str, Any] = {
    "node_id": "N102",
    "city": "Hamburg",
    "country": "DE",
    "reasons": [
        {
            "code": "BUILD_VOLUME",
            "message": "62 × 48 × 34 mm does not fit 50 × 50 × 50 mm",
            "figures": {"needed_mm": 62, "free_mm": 50},
            "machine_id": "N102-A",
        }
    ],
}
SOLVER: Mapping[str, Any] = {
    "run_id": "run_1",
    "engine": "cp-sat",
    "status": "optimal",
    "cost_millis": 4120079,
    "bound_millis": 4120079,
    "gap": 0.0,
    "seed": 1,
    "lines": 1,
    "options": 3,
    "snapshot_sha256": "0" * 64,
    "multiplier": 2.5,
}
_RUN = (
    "INSERT INTO routing_runs SELECT (jsonb_populate_record(NULL::routing_runs, CAST(:row AS jsonb))).*"
    " ON CONFLICT DO NOTHING"
)
_DECISION = (
    "INSERT INTO routing_decisions SELECT (jsonb_populate_record(NULL::routing_decisions, CAST(:row AS jsonb))).*"
)
_COUNTS = ("lines", "options", "routed", "no_route", "deferred", "baseline_no_route", "seed", "gap", "solve_ms")
_AMOUNTS = ("cost_millis", "bound_millis", "landed_minor", "baseline_landed_minor", "wall_ms")
_FAIR = ("both_lines", "both_landed_minor", "baseline_both_landed_minor")


def given_outcomes(engine: Engine, *, routed: bool = True, candidate: Mapping[str, Any] = CANDIDATE) -> tuple[str, ...]:
    """Decide every due line, all to one node or none to any, and return the ids of the decisions."""
    with unit_of_work(engine) as session:
        lines = claim_all_lines(session)
        rows = [_decision(line, routed=routed, candidate=candidate) for line in lines]
        session.connection().execute(text(_RUN), {"row": json.dumps(_run())})
        for row in rows:
            session.connection().execute(text(_DECISION), {"row": json.dumps(row)})
        outcomes = tuple(
            LineOutcome(
                line_id=line.line_id,
                state="routed" if routed else "no_route",
                decision_id=row["id"],
                reason="" if routed else row["why"],
            )
            for line, row in zip(lines, rows, strict=True)
        )
        record_outcomes(session, outcomes=outcomes, now=NOW)
    return tuple(row["id"] for row in rows)


def given_decisions_of_jobs(engine: Engine) -> None:
    """Write the decisions that the jobs in the database came from, all to one node, where they are missing."""
    jobs = text(
        "SELECT decision_id, organisation_id, order_id, order_line_id AS line_id FROM jobs"
        " WHERE decision_id NOT IN (SELECT id FROM routing_decisions)"
    )
    with unit_of_work(engine) as session:
        session.connection().execute(text(_RUN), {"row": json.dumps(_run())})
        for job in session.connection().execute(jobs).all():
            line = _Line(
                organisation_id=job.organisation_id, order_id=job.order_id, line_id=job.line_id, fence=1, objective=""
            )
            row = _decision(line, routed=True) | {"id": job.decision_id}
            session.connection().execute(text(_DECISION), {"row": json.dumps(row)})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    organisation_id: str
    order_id: str
    line_id: str
    fence: int
    objective: str


def _decision(line: ClaimedLine | _Line, *, routed: bool, candidate: Mapping[str, Any] = CANDIDATE) -> dict[str, Any]:
    why = "N101 in Berlin is the cheapest of 1 node" if routed else "no node has a machine that is large enough"
    chosen = dict(candidate) if routed else None
    return {
        "id": new_id("dec"),
        "organisation_id": line.organisation_id,
        "run_id": "run_1",
        "order_id": line.order_id,
        "order_line_id": line.line_id,
        "fence": line.fence,
        "kind": "first",
        "outcome": "routed" if routed else "no_route",
        "node_id": "N101" if routed else None,
        "machine_id": "N101-A" if routed else None,
        "landed_minor": 4120 if routed else None,
        "promised_at": "2026-06-18T15:00:00+00:00" if routed else None,
        "co2e_g": 1840 if routed else None,
        "candidates": 1 if routed else 0,
        "excluded": 1,
        "why": why,
        "document": {
            "objective": line.objective,
            "why": why,
            "chosen": chosen,
            "alternatives": [],
            "candidates": [chosen] if chosen else [],
            "exclusions": [EXCLUSION],
            "reasons": {"BUILD_VOLUME": 1},
            "solver": SOLVER,
        },
        "decided_at": NOW.isoformat(),
    }


def _run() -> dict[str, Any]:
    return {
        "id": "run_1",
        "planning_scope": "global",
        "kind": "joint",
        "started_at": NOW.isoformat(),
        "finished_at": NOW.isoformat(),
        "engine": "cp-sat",
        "status": "optimal",
        "limits": {},
        "snapshot_sha256": "0" * 64,
        **dict.fromkeys((*_COUNTS, *_AMOUNTS, *_FAIR), 0),
    }
