"""What the database says, and what the model says, in one shape: they must be equal after every step."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from tests.faults.machine.lines import order_state
from tests.faults.machine.state import Job, World

Shape = Mapping[str, Mapping[object, object]]
"""By room and key, a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """A query for rows with their key in front, and the same out of the model."""

    query: str
    keys: int
    model: Callable[[World], dict[object, object]]


def see(connection: Connection[Any]) -> Shape:
    """Return what the database says, in one round trip; nobody else may be at work."""
    with connection.pipeline():
        asked = {name: connection.execute(room.query.encode()) for name, room in _ROOMS.items()}
    found: dict[str, dict[object, object]] = {}
    for name, cursor in asked.items():
        keys = _ROOMS[name].keys
        found[name] = {_key(row, keys): row[keys:] for row in cursor.fetchall()}
    return found


def expect(world: World) -> Shape:
    """Return what the model says."""
    return {name: room.model(world) for name, room in _ROOMS.items()}


def differences(database: Shape, model: Shape) -> list[str]:
    """Return where the two differ, one sentence each."""
    return [sentence for name in _ROOMS for sentence in _differing(name, database[name], model[name])]


def _differing(name: str, database: Mapping[object, object], model: Mapping[object, object]) -> Iterator[str]:
    for key in sorted({*database, *model}, key=str):
        if database.get(key) != model.get(key):
            yield f"{name} {key}: the database has {database.get(key)}, the model {model.get(key)}"


def _key(row: tuple[object, ...], keys: int) -> object:
    return row[0] if keys == 1 else row[:keys]


def _jobs(world: World) -> dict[object, object]:
    return {job.id: _job(job) for job in world.jobs.values()}


def _job(job: Job) -> tuple[object, ...]:
    return (
        *(job.line_id, job.plan.node, job.plan.lot, job.plan.machine, job.quantity, job.plan.grams, job.price),
        *(job.state, job.version, job.fence, job.produce_by, job.offered_at, job.offer_until, job.rounds, job.nudged),
        *(job.lease_id, job.kind, job.epoch, job.until, job.claimed_by, job.accepted_by, job.fetched, job.begun),
        *(job.good, job.failed, job.held_from, job.held_at, job.asked, job.ended_at),
        *((job.suspect_from, job.suspect_at) if job.live else (None, None)),
    )


def _held(world: World) -> dict[object, object]:
    return {job.id: (job.plan.grams, sum(job.plan.minutes.values())) for job in world.live_jobs()}


def _leased(world: World) -> dict[object, object]:
    jobs = [job for job in world.jobs.values() if job.licensed]
    return {job.id: (job.quantity, job.good, not job.live) for job in jobs}


def _certificates(world: World) -> dict[object, object]:
    standing: dict[object, object] = dict.fromkeys(world.certified.values(), (False,))
    return standing | dict.fromkeys(world.revoked, (True,))


def _late(world: World) -> dict[object, object]:
    found: dict[object, tuple[int]] = {}
    for (job_id, lease_id, epoch, what, _), kind in world.late.items():
        key = (job_id, lease_id, epoch, what, kind)
        found[key] = (found.get(key, (0,))[0] + 1,)
    return {**found}


def _reroutes(world: World) -> dict[object, object]:
    return dict(world.reroutes.items())


def _scopes(world: World) -> dict[object, object]:
    return {name: (scope.fence, scope.until) for name, scope in world.scopes.items() if scope.fence}


def _lines(world: World) -> dict[object, object]:
    return {
        it.id: (it.quantity, it.state, it.fence, it.attempts, it.due, it.until, it.decided, it.scope, it.broken)
        for it in world.lines.values()
    }


_ROOMS: Mapping[str, _Room] = {
    "job": _Room(
        query="SELECT id, order_line_id, node_id, lot_id, machine_id, quantity, grams, price_minor, state, version,"
        " fence, produce_by, offered_at, offer_until, offer_rounds, nudged_at IS NOT NULL, lease_id, lease_kind,"
        " lease_epoch, lease_until, claimed_by, accepted_by, file_released_at IS NOT NULL, started_at IS NOT NULL,"
        " good_prints, failed_prints, held_from, held_at,"
        " CASE WHEN cancel_requested_at IS NOT NULL THEN cancel_cause END, ended_at,"
        " CASE WHEN ended_at IS NULL THEN suspect_from END, CASE WHEN ended_at IS NULL THEN suspect_since END"
        " FROM jobs",
        keys=1,
        model=_jobs,
    ),
    "line": _Room(
        query="SELECT id, quantity, state, fence, attempts, next_attempt_at, lease_until, decision_id IS NOT NULL,"
        " planning_scope, broken_runs FROM order_lines",
        keys=1,
        model=_lines,
    ),
    "order": _Room(
        query="SELECT id, state FROM orders",
        keys=1,
        model=lambda world: {it.order_id: (order_state(world, it.order_id),) for it in world.lines.values()},
    ),
    "lot": _Room(
        query="SELECT id, node_id, state, remaining_grams FROM material_lots",
        keys=1,
        model=lambda world: {name: (lot.node, lot.state, lot.grams) for name, lot in world.lots.items()},
    ),
    "day": _Room(
        query="SELECT machine_id, day, initial_minutes - remaining_minutes FROM capacity_slots"
        " WHERE initial_minutes <> remaining_minutes OR remaining_minutes < 0",
        keys=2,
        model=lambda world: {slot: (minutes,) for slot, minutes in world.taken().items()},
    ),
    "allocation": _Room(
        query="SELECT coalesce(material.job_id, capacity.job_id), material.grams, capacity.minutes"
        " FROM (SELECT job_id, sum(grams) AS grams FROM material_allocations WHERE released_at IS NULL GROUP BY job_id)"
        " material FULL JOIN (SELECT job_id, sum(minutes) AS minutes FROM capacity_allocations"
        " WHERE released_at IS NULL GROUP BY job_id) capacity ON capacity.job_id = material.job_id",
        keys=1,
        model=_held,
    ),
    "licence": _Room(
        query="SELECT 'licence', granted_prints, good_prints, leased_prints FROM print_licences",
        keys=1,
        model=lambda world: {"licence": (world.licence.granted, world.licence.good, world.licence.leased)},
    ),
    "licensed prints": _Room(
        query="SELECT job_id, prints, good_prints, released_at IS NOT NULL FROM print_licence_leases",
        keys=1,
        model=_leased,
    ),
    "node": _Room(
        query="SELECT id, status FROM nodes",
        keys=1,
        model=lambda world: {name: (status,) for name, status in world.nodes.items()},
    ),
    "certificate": _Room(query="SELECT id, revoked_at IS NOT NULL FROM certificates", keys=1, model=_certificates),
    "exclusion": _Room(
        query="SELECT order_line_id, node_id, true FROM line_exclusions",
        keys=2,
        model=lambda world: {(it.id, node): (True,) for it in world.lines.values() for node in it.excluded},
    ),
    "re-route": _Room(
        query="SELECT job_id, cause, settled_at IS NOT NULL FROM reroutes",
        keys=1,
        model=_reroutes,
    ),
    "counter-offer": _Room(
        query="SELECT job_id, state FROM counter_offers",
        keys=1,
        model=lambda world: {job.id: (job.counter,) for job in world.jobs.values() if job.counter},
    ),
    "report": _Room(
        query="SELECT job_id, lease_id, sequence, state FROM job_reports",
        keys=3,
        model=lambda world: {key: (state,) for key, state in world.reports.items()},
    ),
    "print": _Room(
        query="SELECT job_id, number, result FROM print_records",
        keys=2,
        model=lambda world: {key: (result,) for key, result in world.prints.items()},
    ),
    "reconciliation": _Room(
        query="SELECT job_id, lease_id, epoch, what, kind, count(*) FROM reconciliations GROUP BY 1, 2, 3, 4, 5",
        keys=5,
        model=_late,
    ),
    "scope": _Room(
        query="SELECT name, fence, CASE WHEN holder IS NOT NULL THEN lease_until END FROM planning_scopes",
        keys=1,
        model=_scopes,
    ),
}
