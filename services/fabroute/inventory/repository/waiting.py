"""The statement on revisions that wait for a person: validated, but not approved or released."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.engine import RowMapping
from sqlmodel import Session

_WAITING = text("""
SELECT revision.id AS revision_id, part.part_no, part.name, revision.revision, revision.approved_at,
    coalesce(revision.approved_at, file.validated_at, revision.created_at) AS since, count(*) OVER () AS total
FROM part_revisions revision
JOIN parts part ON part.id = revision.part_id AND part.organisation_id = :organisation_id
LEFT JOIN print_files file ON file.revision_id = revision.id
WHERE revision.state = 'validated'
ORDER BY since NULLS LAST, revision.id LIMIT :limit
""")


def read_waiting(session: Session, *, organisation_id: str, limit: int) -> Sequence[RowMapping]:
    """Return an owner's validated revisions that are not released, the longest waiting first, and how many in all."""
    values = {"organisation_id": organisation_id, "limit": limit}
    return session.connection().execute(_WAITING, values).mappings().all()
