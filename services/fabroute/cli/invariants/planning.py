"""Rules about planned jobs and shared builds."""

from collections.abc import Sequence

from fabroute.cli.invariants.rule import LIVE_JOB, Invariant

RULES: Sequence[Invariant] = (
    Invariant(
        name="a planned job is dispatched when its wait is over",
        query="SELECT id, node_id, dispatch_at FROM jobs WHERE state = 'planned'"
        " AND coalesce(dispatch_at, '-infinity') < clock_timestamp() - interval '1 minute'",
        advice="nobody dispatches planned jobs: is a worker running (fabroute work), and can it reach the broker?",
    ),
    Invariant(
        name="jobs of one build are made together",
        query=f"SELECT build_key, count(*) FROM jobs WHERE build_key IS NOT NULL AND {LIVE_JOB} GROUP BY build_key"
        " HAVING count(DISTINCT (node_id, machine_id, material, parameter_set, lot_id, produce_by)) > 1",
        advice="jobs that share what opens a build are made apart: take them back, and report it",
    ),
    Invariant(
        name="a shared build holds all of its parts",
        query="SELECT j.build_key, sum((d.document #>> '{build,fill}')::numeric) FROM jobs j"
        f" JOIN routing_decisions d ON d.id = j.decision_id WHERE j.build_key IS NOT NULL AND j.{LIVE_JOB}"
        " GROUP BY j.build_key HAVING sum((d.document #>> '{build,fill}')::numeric) > 1.0001",
        advice="more was put into a build than it holds: take one of its jobs back, and report it",
    ),
)
