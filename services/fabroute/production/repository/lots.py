"""Statements on lots: jobs of which every print was reported."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.engine import RowMapping
from sqlmodel import Session

_LOTS = text("""
SELECT job.id AS job_id, job.revision_id, job.good_prints AS good, job.failed_prints AS failed, job.produce_by,
       max(print.reported_at) AS made_at
FROM (
    SELECT * FROM jobs
    WHERE organisation_id = :organisation_id AND part_no = :part_no AND good_prints >= quantity
    ORDER BY id DESC LIMIT :limit
) job JOIN print_records print ON print.job_id = job.id
GROUP BY job.id, job.revision_id, job.good_prints, job.failed_prints, job.produce_by
ORDER BY job.id DESC
""")


def read_made(session: Session, *, organisation_id: str, part_no: str, limit: int) -> Sequence[RowMapping]:
    """Return the latest jobs of a part that are printed to the last piece, the newest first."""
    parameters = {"organisation_id": organisation_id, "part_no": part_no, "limit": limit}
    return session.connection().execute(_LOTS, parameters).mappings().all()
