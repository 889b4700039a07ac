"""Parts of recalled material: nothing is certified or sent out any more as if nothing had been."""

from sqlmodel import Session

from fabroute.kernel.errors import DomainError
from fabroute.production.repository import recalls as rows


class PartsRecalled(DomainError):
    """The material of the job's parts was recalled: they are neither certified nor sent out."""

    code = "parts_recalled"
    status = 409


def is_recalled(session: Session, *, job_id: str) -> bool:
    """Return whether material that the job's parts were made of was recalled."""
    return bool(rows.read_recalls_of_jobs(session, job_ids=[job_id]))


def require_not_recalled(session: Session, *, job_id: str, wish: str) -> None:
    """Raise ``PartsRecalled``, which names the first recall, where material of the job's parts was recalled."""
    for row in rows.read_recalls_of_jobs(session, job_ids=[job_id])[:1]:
        raise PartsRecalled(
            f"the parts of job {job_id} can't be {wish}: their material was recalled ({row['reason']}), "
            f"GET /v1/recalls/{row['recall_id']} tells what is touched",
            details={"recall_id": row["recall_id"], "supplier_lot": row["supplier_lot"]},
        )
