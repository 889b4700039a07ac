"""Statements on screenings and their rows. A claim's fence makes every later write of a lost worker fail."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import delete, insert, text
from sqlmodel import Session, col, select

from fabroute.advice.models import Screening, ScreeningRow
from fabroute.advice.rules.screening_parts import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedScreening:
    """A screening whose rows the caller may judge until its lease lapses; only the highest ``fence`` may write."""

    screening_id: str
    organisation_id: str
    terms: Mapping[str, Any]
    fence: int
    attempts: int
    """Claims since the last chunk that was judged, this one included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRow:
    """A row that is not judged yet, as it was given."""

    position: int
    part_no: str
    given: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRow:
    """What is kept of a judgement."""

    position: int
    verdict: Verdict
    yearly_saving_minor: int | None
    judgement: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFilter:
    """Which rows of a screening are wanted, after which place in the ranking, and how many."""

    screening_id: str
    verdict: Verdict | None
    limit: int
    after_saving: int | None = None
    """Of the row after which the page begins; None behind those with a saving."""
    after_position: int = 0


_DUE = "(state = 'queued' OR state = 'running' AND lease_until <= clock_timestamp())"

_CLAIM = text(f"""
WITH due AS (
    SELECT id FROM screenings WHERE state IN ('queued', 'running') AND {_DUE}
    ORDER BY started_at NULLS FIRST, id LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE screenings screening
SET state = 'running', fence = fence + 1, attempts = attempts + 1,
    started_at = coalesce(started_at, clock_timestamp()),
    lease_until = clock_timestamp() + make_interval(secs => :lease_seconds)
FROM due WHERE screening.id = due.id
RETURNING screening.id AS screening_id, organisation_id, terms, fence, attempts
""")

_KEEP = text("""
UPDATE screenings
SET judged = judged + :judged, attempts = 0, lease_until = clock_timestamp() + make_interval(secs => :lease_seconds)
WHERE id = :id AND fence = :fence AND state = 'running'
RETURNING id
""")

# Row by row in one round trip: joined with a list of rows, an unanalysed table takes a second for two hundred.
_JUDGE = text("""
UPDATE screening_rows
SET verdict = :verdict, yearly_saving_minor = :yearly_saving_minor, judgement = CAST(:judgement AS jsonb)
WHERE screening_id = :screening_id AND position = :position AND verdict IS NULL
""")

_RELEASE = text("""
UPDATE screenings SET state = 'queued', lease_until = NULL
WHERE id = :id AND fence = :fence AND state = 'running'
RETURNING id
""")

_FINISH = text("""
UPDATE screenings
SET state = 'done', lease_until = NULL, finished_at = clock_timestamp(), summary = CAST(:summary AS jsonb)
WHERE id = :id AND fence = :fence AND state = 'running'
RETURNING organisation_id
""")

_ANY_DUE = text(f"SELECT EXISTS (SELECT 1 FROM screenings WHERE state IN ('queued', 'running') AND {_DUE})")

_COUNTS = text("""
SELECT verdict, judgement->'reasons'->0->>'code' AS code, count(*) AS rows,
    coalesce(sum(yearly_saving_minor), 0)::bigint AS saving_minor
FROM screening_rows WHERE screening_id = :id AND verdict IS NOT NULL
GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
""")

_RANKED = """
SELECT position, part_no, given, verdict, yearly_saving_minor, judgement FROM screening_rows
WHERE screening_id = :screening_id AND (CAST(:verdict AS text) IS NULL OR verdict = :verdict)
    AND {after}
ORDER BY yearly_saving_minor DESC NULLS LAST, position LIMIT :limit
"""
_RANKED_AFTER_SAVING = text(
    _RANKED.format(
        after="(yearly_saving_minor IS NULL OR yearly_saving_minor < :after_saving"
        " OR yearly_saving_minor = :after_saving AND position > :after_position)"
    )
)
_RANKED_WITHOUT_SAVING = text(_RANKED.format(after="yearly_saving_minor IS NULL AND position > :after_position"))
_RANKED_FROM_THE_FIRST = text(_RANKED.format(after="true"))


def add_screening(session: Session, screening: Screening, rows: Sequence[Mapping[str, object]]) -> None:
    """Keep a new screening with its rows."""
    session.add(screening)
    session.flush()
    session.connection().execute(insert(ScreeningRow), [dict(row) for row in rows])


def find_screening(session: Session, screening_id: str, *, organisation_id: str) -> Screening | None:
    """Return a screening if it is the organisation's."""
    statement = select(Screening).where(
        col(Screening.id) == screening_id, col(Screening.organisation_id) == organisation_id
    )
    return session.exec(statement.execution_options(populate_existing=True)).one_or_none()


def read_screenings(session: Session, *, organisation_id: str, before: str | None, limit: int) -> Sequence[Screening]:
    """Return screenings of an organisation, the newest first, before an id."""
    statement = select(Screening).where(col(Screening.organisation_id) == organisation_id)
    if before is not None:
        statement = statement.where(col(Screening.id) < before)
    return session.exec(statement.order_by(col(Screening.id).desc()).limit(limit)).all()


def delete_screening(session: Session, screening_id: str, *, organisation_id: str) -> bool:
    """Remove a screening with its rows; False if the organisation has none such. A worker on it loses its claim."""
    owned = select(Screening).where(
        col(Screening.id) == screening_id, col(Screening.organisation_id) == organisation_id
    )
    if session.exec(owned.with_for_update()).one_or_none() is None:
        return False
    session.exec(delete(ScreeningRow).where(col(ScreeningRow.screening_id) == screening_id))
    session.exec(delete(Screening).where(col(Screening.id) == screening_id))
    return True


def claim(session: Session, *, lease_seconds: float) -> ClaimedScreening | None:
    """Take a due screening that nobody holds, one that has not begun first; leased by the database's clock."""
    found = session.connection().execute(_CLAIM, {"lease_seconds": lease_seconds}).mappings().one_or_none()
    return None if found is None else ClaimedScreening(**found)


def any_due(session: Session) -> bool:
    """Return whether a screening waits for a worker."""
    return bool(session.connection().execute(_ANY_DUE).scalar_one())


def read_open_rows(session: Session, screening_id: str, *, after: int = 0, limit: int) -> tuple[OpenRow, ...]:
    """Return the first rows of a screening behind a position that are not judged yet."""
    statement = (
        select(ScreeningRow.position, ScreeningRow.part_no, ScreeningRow.given)
        .where(col(ScreeningRow.screening_id) == screening_id, col(ScreeningRow.position) > after)
        .where(col(ScreeningRow.verdict).is_(None))
        .order_by(col(ScreeningRow.position))
        .limit(limit)
    )
    return tuple(
        OpenRow(position=position, part_no=part_no, given=given) for position, part_no, given in session.exec(statement)
    )


def keep_judged(
    session: Session, claimed: ClaimedScreening, rows: Sequence[JudgedRow], *, lease_seconds: float
) -> bool:
    """Keep judgements and renew the lease; False if the screening was claimed anew, ended or removed meanwhile.

    The screening is locked first, so that the rows are written by its latest claim only.
    """
    parameters = {"id": claimed.screening_id, "fence": claimed.fence, "lease_seconds": lease_seconds}
    held = session.connection().execute(_KEEP, parameters | {"judged": len(rows)}).one_or_none()
    if held is None:
        return False
    found = [
        asdict(row) | {"screening_id": claimed.screening_id, "judgement": json.dumps(row.judgement)} for row in rows
    ]
    session.connection().execute(_JUDGE, found)
    return True


def release(session: Session, claimed: ClaimedScreening) -> bool:
    """Give a claimed screening back, to be claimed by anyone; False if it is not held any more."""
    parameters = {"id": claimed.screening_id, "fence": claimed.fence}
    return session.connection().execute(_RELEASE, parameters).one_or_none() is not None


def finish(session: Session, claimed: ClaimedScreening, summary: Mapping[str, object]) -> bool:
    """Note that every row is judged; False if the screening is not held any more."""
    parameters = {"id": claimed.screening_id, "fence": claimed.fence, "summary": json.dumps(summary)}
    return session.connection().execute(_FINISH, parameters).one_or_none() is not None


def count_verdicts(session: Session, screening_id: str) -> Sequence[tuple[Verdict, str, int, int]]:
    """Return ``(verdict, code of the deciding reason, rows, saving)`` of what is judged so far, the most rows first."""
    return [tuple(row) for row in session.connection().execute(_COUNTS, {"id": screening_id})]


def read_ranked_rows(session: Session, wanted: RowFilter) -> Sequence[Mapping[Any, Any]]:
    """Return rows by yearly saving, the largest first, then those without one; equals in the order of the list.

    Each is a mapping from column to value: tens of thousands of models would take longer than all else.
    """
    statement = _RANKED_FROM_THE_FIRST
    if wanted.after_saving is not None:
        statement = _RANKED_AFTER_SAVING
    elif wanted.after_position:
        statement = _RANKED_WITHOUT_SAVING
    return session.connection().execute(statement, asdict(wanted)).mappings().all()
