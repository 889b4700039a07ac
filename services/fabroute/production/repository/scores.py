"""Statements on how a node did: counted from jobs, prints and counter-offers, never from opinions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.engine import RowMapping
from sqlmodel import Session

from fabroute.production.rules import DECLINE_REASONS


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreSpan:
    """Whose jobs are counted, from which day through which, by the node's own calendar."""

    node_id: str
    first_day: date
    last_day: date
    today: date
    """What should have been shipped before it and is not, is late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredFilter:
    """Which jobs behind the figures are read: of one figure, of a process and an owner only where given."""

    figure: str
    process: str | None = None
    organisation_id: str | None = None
    after: str = ""
    limit: int = 50


def read_figures(session: Session, span: ScoreSpan) -> Sequence[RowMapping]:
    """Return, by figure, process and (of declines) reason: how much counts, how much of it is so, median and p90."""
    return session.connection().execute(_FIGURES, _days(span)).mappings().all()


def read_scored(session: Session, span: ScoreSpan, wanted: ScoredFilter) -> Sequence[RowMapping]:
    """Return the jobs behind a figure, by id."""
    parameters: dict[str, object] = {
        **_days(span),
        "figure": wanted.figure,
        "process": wanted.process,
        "organisation_id": wanted.organisation_id,
        "after": wanted.after,
        "limit": wanted.limit,
    }
    return session.connection().execute(_SCORED, parameters).mappings().all()


def _days(span: ScoreSpan) -> Mapping[str, object]:
    return {
        "node_id": span.node_id,
        "first_day": span.first_day,
        "last_day": span.last_day,
        "today": span.today,
        "reasons": list(DECLINE_REASONS),
    }


_COUNTED = """
WITH span AS MATERIALIZED (
  SELECT id AS node_id, timezone, CAST(CAST(:first_day AS date) AS timestamp) AT TIME ZONE timezone AS begins,
    CAST(CAST(:last_day AS date) + 1 AS timestamp) AT TIME ZONE timezone AS ends
  FROM nodes WHERE id = :node_id
), here AS MATERIALIZED (
  SELECT machine.id AS machine_id, model.process
  FROM machines AS machine JOIN machine_models AS model ON model.model = machine.model
  WHERE machine.node_id = :node_id
), mine AS (
  SELECT job.id AS job_id, job.organisation_id, job.part_no, job.state, job.produce_by, job.offered_at, job.accepted_at,
    job.ended_at, job.shipped_at, job.offer_rounds, job.end_reason, coalesce(here.process, (
      SELECT model.process FROM machines AS moved JOIN machine_models AS model ON model.model = moved.model
      WHERE moved.id = job.machine_id
    ), '') AS process, span.timezone, span.begins, span.ends, countered.proposed_at AS countered_at
  FROM jobs AS job JOIN span ON span.node_id = job.node_id
  LEFT JOIN (
    SELECT job_id, min(proposed_at) AS proposed_at FROM counter_offers WHERE node_id = :node_id GROUP BY job_id
  ) AS countered ON countered.job_id = job.id
  LEFT JOIN here ON here.machine_id = job.machine_id
  WHERE job.node_id = :node_id AND (job.dispatch_at IS NULL OR job.offered_at >= job.dispatch_at)
), offered AS NOT MATERIALIZED (
  SELECT *, least(accepted_at, countered_at, CASE WHEN state = 'declined' THEN ended_at END) AS answered_at
  FROM mine WHERE offered_at >= begins AND offered_at < ends
), counted AS NOT MATERIALIZED (
  SELECT 'on_time' AS figure, job_id, organisation_id, part_no, process, 1 AS counted,
    CAST(coalesce(CAST(shipped_at AT TIME ZONE timezone AS date) <= produce_by, false) AS integer) AS so,
    CAST(NULL AS double precision) AS seconds, '' AS reason
  FROM mine WHERE produce_by BETWEEN :first_day AND :last_day AND (shipped_at IS NOT NULL
    OR state IN ('accepted', 'in_production', 'inspected', 'suspect') AND produce_by < :today)
  UNION ALL
  SELECT 'first_pass_yield', mine.job_id, organisation_id, part_no, process, CAST(count(*) AS integer),
    CAST(count(*) FILTER (WHERE print.result = 'good' AND print.scrapped_at IS NULL) AS integer), NULL, ''
  FROM mine JOIN print_records AS print ON print.job_id = mine.job_id
  WHERE print.reported_at >= begins AND print.reported_at < ends
  GROUP BY mine.job_id, organisation_id, part_no, process
  UNION ALL
  SELECT 'answer_time', job_id, organisation_id, part_no, process, 1, 1,
    CAST(extract(epoch FROM answered_at - offered_at) AS double precision), ''
  FROM offered WHERE answered_at IS NOT NULL
  UNION ALL
  SELECT 'lapses', job_id, organisation_id, part_no, process,
    offer_rounds + CASE WHEN answered_at IS NOT NULL OR state = 'lapsed' THEN 1 ELSE 0 END,
    offer_rounds + CASE WHEN answered_at IS NULL AND state = 'lapsed' THEN 1 ELSE 0 END, NULL, ''
  FROM offered WHERE answered_at IS NOT NULL OR state = 'lapsed' OR offer_rounds > 0
  UNION ALL
  SELECT 'declines', job_id, organisation_id, part_no, process, 1, 1, NULL, split_part(end_reason, ':', 1)
  FROM offered WHERE state = 'declined' AND split_part(end_reason, ':', 1) = ANY(:reasons)
)
"""

_EACH_AND_ALL = "GROUP BY GROUPING SETS ((figure, process, reason), (figure, reason))"
_FIGURES = text(f"""{_COUNTED}
SELECT figure, process, reason, counted, so, seconds[1] AS median_seconds, seconds[2] AS p90_seconds FROM (
  SELECT figure, process, reason, sum(counted) AS counted, sum(so) AS so, CAST(NULL AS double precision[]) AS seconds
  FROM counted WHERE figure <> 'answer_time' {_EACH_AND_ALL}
  UNION ALL
  SELECT figure, process, reason, sum(counted), sum(so),
    percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY seconds)
  FROM counted WHERE figure = 'answer_time' {_EACH_AND_ALL}
) AS found ORDER BY figure, process NULLS FIRST, reason
""")
"""Answers alone are put in order: percentiles would have everything sorted that is counted beside them."""

_SCORED = text(f"""{_COUNTED}
SELECT figure, job_id, organisation_id, part_no, process, counted, so, seconds, reason FROM counted
WHERE figure = :figure AND (CAST(:process AS text) IS NULL OR process = :process)
  AND (CAST(:organisation_id AS text) IS NULL OR organisation_id = :organisation_id) AND job_id > :after
ORDER BY job_id LIMIT :limit
""")
