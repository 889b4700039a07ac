"""Rules about builds and who shares them."""

from collections.abc import Sequence

from fabroute.cli.invariants.rule import Invariant

RULES: Sequence[Invariant] = (
    Invariant(
        name="what a closed build cost and took is borne by its jobs",
        query="""
            SELECT build.id, build.cost_minor, sum(part.cost_minor), build.grams_used, sum(part.grams)
            FROM builds build LEFT JOIN build_parts part ON part.build_id = build.id
            WHERE build.state = 'closed'
            GROUP BY build.id
            HAVING build.cost_minor IS DISTINCT FROM sum(part.cost_minor)
                OR build.grams_used IS DISTINCT FROM sum(part.grams)
        """,
        advice="shares were changed after the build was closed: split its cost and its grams again",
    ),
    Invariant(
        name="no builds hold more of a job than it may print",
        query="""
            SELECT job.id, job.quantity, job.granted_reprints, sum(part.parts)
            FROM jobs job
            JOIN build_parts part ON part.job_id = job.id
            JOIN builds build ON build.id = part.build_id AND build.state <> 'cancelled'
            GROUP BY job.id
            HAVING sum(part.parts) > job.quantity + job.granted_reprints
        """,
        advice="the job is planned twice: re-plan or cancel the builds that have not begun",
    ),
    Invariant(
        name="an open build is of the machine, material, parameter set and lot of its jobs",
        query="""
            SELECT build.id, job.id
            FROM builds build
            JOIN build_parts part ON part.build_id = build.id
            JOIN jobs job ON job.id = part.job_id
            WHERE build.state IN ('planned', 'running')
                AND (build.node_id, build.machine_id, build.material, build.parameter_set, coalesce(build.lot_id, ''))
                    <> (job.node_id, job.machine_id, job.material, job.parameter_set, coalesce(job.lot_id, ''))
        """,
        advice="the job was changed after it was put into the build: re-plan the build",
    ),
    Invariant(
        name="a build that ran says when",
        query="""
            SELECT id, state, started_at, finished_at, machine_minutes FROM builds
            WHERE (state IN ('running', 'closed') AND started_at IS NULL)
                OR (state = 'closed' AND (finished_at IS NULL OR machine_minutes IS NULL OR finished_at < started_at))
        """,
        advice="its times were changed: read them from the audit log",
    ),
)
