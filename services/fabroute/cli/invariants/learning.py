"""Rules about what estimates learn from builds and prints."""

from collections.abc import Sequence

from fabroute.cli.invariants.rule import Invariant
from fabroute.estimation.calibration import MOST_LEARNT_RATIO

_EVIDENCE = (
    "SELECT machine_id, parameter_set, sum(builds)::int AS builds, sum(ratio) AS ratios, sum(ratio * ratio) AS squares,"
    " sum(good)::int AS good_prints, sum(failed)::int AS failed_prints, max(reported_at) AS newest FROM ("
    "SELECT machine_id, parameter_set, 1 AS builds,"
    f" ln(least({MOST_LEARNT_RATIO}::float8, greatest(1 / {MOST_LEARNT_RATIO}::float8,"
    " machine_minutes::float8 / estimated_minutes))) AS ratio,"
    " 0 AS good, 0 AS failed, reported_at FROM build_times WHERE withdrawn_at IS NULL UNION ALL"
    " SELECT machine_id, parameter_set, 0, 0, good_prints, failed_prints,"
    " (SELECT max(p.reported_at) FROM print_records p WHERE p.job_id = jobs.id)"
    " FROM jobs WHERE good_prints + failed_prints > 0) seen GROUP BY machine_id, parameter_set"
)
"""What builds and prints say of each machine with a parameter set, no build more than estimates learn from one."""

RULES: Sequence[Invariant] = (
    Invariant(
        name="a calibration is the sum of its evidence",
        query="SELECT machine_id, parameter_set, c.builds, e.builds, c.good_prints, e.good_prints FROM calibrations c"
        f" LEFT JOIN ({_EVIDENCE}) e USING (machine_id, parameter_set)"
        " WHERE coalesce(e.newest, '-infinity') < least(c.learnt_at, clock_timestamp() - interval '5 minutes')"
        " AND ((c.builds, c.good_prints, c.failed_prints) IS DISTINCT FROM"
        " (coalesce(e.builds, 0), coalesce(e.good_prints, 0), coalesce(e.failed_prints, 0))"
        " OR abs(c.log_ratio_sum - e.ratios) > 1e-6 OR abs(c.log_ratio_sum_squares - e.squares) > 1e-6)",
        advice="estimates don't say what builds and prints did: is a worker running (fabroute work)? If so, report it",
    ),
)
