"""Screenings of spare-part lists: asked for, followed, read by rank, removed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from fabroute.advice.events import screening_told
from fabroute.advice.models import Screening
from fabroute.advice.repository import screenings
from fabroute.advice.repository.screenings import RowFilter
from fabroute.advice.rules.screening_parts import VERDICTS, Verdict
from fabroute.advice.rules.screening_terms import ScreeningTerms
from fabroute.advice.service.screening_facts import ListedPart, given_document
from fabroute.database.pages import Page, page_of
from fabroute.kernel.errors import DomainError
from fabroute.kernel.ids import new_id
from fabroute.outbox.service import record

_CURSOR = re.compile(r"(-?\d{1,18})?:(\d{1,9})")


class UnknownScreening(DomainError):
    """There is no such screening, or it is someone else's."""

    code = "unknown_screening"
    status = 404


class InvalidCursor(DomainError):
    """A cursor that no list of screened parts has given out."""

    code = "invalid_cursor"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class NewScreening:
    """A list of spare parts, each number once, and the terms to judge it by."""

    organisation_id: str
    name: str
    terms: ScreeningTerms
    rows: Sequence[ListedPart]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonCount:
    """How many rows one reason decided."""

    verdict: Verdict
    code: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningSummary:
    """What came of a screening so far."""

    digital_twin: int = 0
    no: int = 0
    unclear: int = 0
    yearly_saving_minor: int = 0
    """Of the parts that are worth a twin."""
    reasons: tuple[ReasonCount, ...] = ()
    """What decided, the most frequent first."""

    @property
    def share_worth_it(self) -> float:
        """Return the share of the judged parts that are worth a twin; 0 where none is judged."""
        return self.digital_twin / max(1, self.digital_twin + self.no + self.unclear)

    def document(self) -> dict[str, Any]:
        """Return what is kept: plain JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningView:
    """A screening: ``queued``, ``running`` or ``done``, and how far it is."""

    screening_id: str
    name: str
    state: str
    rows: int
    judged: int
    terms: ScreeningTerms
    summary: ScreeningSummary
    created_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenedRow:
    """A part of a list with its judgement; without a verdict it is not judged yet."""

    position: int
    """In the list, from 1."""
    part_no: str
    name: str
    verdict: Verdict | None
    yearly_saving_minor: int | None
    given: Mapping[str, Any]
    judgement: Mapping[str, Any] = field(default_factory=dict)


def request_screening(session: Session, *, asked: NewScreening, actor: str, now: datetime) -> str:
    """Keep a list to be judged by a worker, and return the screening's id."""
    screening = Screening(
        id=new_id("scr"),
        organisation_id=asked.organisation_id,
        name=asked.name,
        terms=asdict(asked.terms),
        state="queued",
        rows=len(asked.rows),
        created_by=actor,
        created_at=now,
    )
    rows = [_row(screening.id, position, listed) for position, listed in enumerate(asked.rows, start=1)]
    screenings.add_screening(session, screening, rows)
    event = screening_told("asked", screening_id=screening.id, organisation_id=asked.organisation_id, now=now)
    record(session, event)
    return screening.id


def get_screening(session: Session, *, organisation_id: str, screening_id: str) -> ScreeningView:
    """Return an organisation's screening with what is judged so far; ``UnknownScreening``."""
    return _view(session, _owned(session, screening_id, organisation_id))


def list_screenings(
    session: Session, *, organisation_id: str, cursor: str | None = None, limit: int = 50
) -> Page[ScreeningView]:
    """Return a page of an organisation's screenings, the newest first, after the id ``cursor``."""
    found = screenings.read_screenings(session, organisation_id=organisation_id, before=cursor, limit=limit + 1)
    views = [_view(session, screening) for screening in found]
    return page_of(views, limit=limit, cursor_of=lambda view: view.screening_id)


def rank_screened_rows(
    session: Session, *, organisation_id: str, screening_id: str, verdict: Verdict | None, page: "RankedPage"
) -> Page[ScreenedRow]:
    """Return a page of a screening's rows by yearly saving, the largest first, then those that have none.

    Raises ``UnknownScreening``, and ``InvalidCursor`` for one that was never given out.
    """
    _owned(session, screening_id, organisation_id)
    saving, position = _place(page.cursor)
    wanted = RowFilter(
        screening_id=screening_id,
        verdict=verdict,
        limit=page.limit + 1,
        after_saving=saving,
        after_position=position,
    )
    rows = [_screened(row) for row in screenings.read_ranked_rows(session, wanted)]
    return page_of(rows, limit=page.limit, cursor_of=_cursor_of)


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedPage:
    """Which page of a ranking is wanted."""

    cursor: str | None = None
    limit: int = 50


def remove_screening(session: Session, *, organisation_id: str, screening_id: str) -> None:
    """Remove a screening with all of its rows, judged or not; ``UnknownScreening``. A worker on it stops."""
    if not screenings.delete_screening(session, screening_id, organisation_id=organisation_id):
        raise _unknown(screening_id)


def due_screenings(session: Session) -> bool:
    """Return whether a list waits for a worker, or its worker went away."""
    return screenings.any_due(session)


def terms_of(document: Mapping[str, Any]) -> ScreeningTerms:
    """Return terms as they were kept."""
    return ScreeningTerms(**{**document, "process_materials": tuple(document["process_materials"])})


def summary_of(session: Session, screening_id: str) -> ScreeningSummary:
    """Return what came of a screening's rows that are judged."""
    counts = screenings.count_verdicts(session, screening_id)
    by_verdict = {verdict: sum(rows for found, _, rows, _ in counts if found == verdict) for verdict in VERDICTS}
    return ScreeningSummary(
        **by_verdict,
        yearly_saving_minor=sum(saving for verdict, _, _, saving in counts if verdict == "digital_twin"),
        reasons=tuple(ReasonCount(verdict=verdict, code=code, rows=rows) for verdict, code, rows, _ in counts),
    )


def _row(screening_id: str, position: int, listed: ListedPart) -> dict[str, object]:
    return {
        "screening_id": screening_id,
        "position": position,
        "part_no": listed.part.part_no,
        "given": given_document(listed),
        "judgement": {},
    }


def _owned(session: Session, screening_id: str, organisation_id: str) -> Screening:
    screening = screenings.find_screening(session, screening_id, organisation_id=organisation_id)
    if screening is None:
        raise _unknown(screening_id)
    return screening


def _unknown(screening_id: str) -> UnknownScreening:
    return UnknownScreening(f"you have no screening {screening_id}: GET /v1/advice/screenings lists yours")


def _view(session: Session, row: Screening) -> ScreeningView:
    return ScreeningView(
        screening_id=row.id,
        name=row.name,
        state=row.state,
        rows=row.rows,
        judged=row.judged,
        terms=terms_of(row.terms),
        summary=_kept_summary(row.summary) if row.summary else summary_of(session, row.id),
        created_by=row.created_by,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def _kept_summary(document: Mapping[str, Any]) -> ScreeningSummary:
    reasons = tuple(ReasonCount(**item) for item in document["reasons"])
    return ScreeningSummary(**{**document, "reasons": reasons})


def _screened(row: Mapping[Any, Any]) -> ScreenedRow:
    return ScreenedRow(name=row["given"]["name"], **row)


def _cursor_of(row: ScreenedRow) -> str:
    saving = "" if row.yearly_saving_minor is None else row.yearly_saving_minor
    return f"{saving}:{row.position}"


def _place(cursor: str | None) -> tuple[int | None, int]:
    """Return saving and position of the row after which a page begins; 0 as the position for the first page."""
    if cursor is None:
        return None, 0
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise InvalidCursor("take next_cursor of the page before as it is, or leave it out")
    return None if found[1] is None else int(found[1]), int(found[2])
