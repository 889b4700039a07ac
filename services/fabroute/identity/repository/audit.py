"""Statements on the audit log."""

from collections.abc import Mapping, Sequence

from pydantic_core import to_json
from sqlalchemy import text
from sqlmodel import Session, col, select

from fabroute.identity.models import AuditEntry

_INSERT_AUDIT = text("""
INSERT INTO audit_entries (organisation_id, occurred_at, actor, action, subject_type, subject_id, data)
SELECT organisation_id, occurred_at, actor, action, subject_type, subject_id, data
FROM ROWS FROM (json_to_recordset(CAST(:rows AS json)) AS (
    organisation_id text, occurred_at timestamptz, actor text, action text, subject_type text, subject_id text,
    data jsonb
)) WITH ORDINALITY AS entry (organisation_id, occurred_at, actor, action, subject_type, subject_id, data, number)
ORDER BY number
""")


def insert_audit(session: Session, rows: Sequence[Mapping[str, object]]) -> None:
    """Add audit entries, in their order, by one statement: thousands at a time cost a fifth of a row by row insert."""
    session.connection().execute(_INSERT_AUDIT, {"rows": to_json(rows).decode()})


def read_audit(session: Session, *, subject_type: str, subject_id: str, limit: int) -> Sequence[AuditEntry]:
    """Return the audit entries about one thing, in the order in which they were written."""
    statement = (
        select(AuditEntry)
        .where(col(AuditEntry.subject_type) == subject_type, col(AuditEntry.subject_id) == subject_id)
        .order_by(col(AuditEntry.id))
        .limit(limit)
    )
    return session.exec(statement).all()
