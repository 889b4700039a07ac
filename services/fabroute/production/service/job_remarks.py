"""What is open about one job between its node and its owner: terms, reprints, notes, parts that came too late."""

from dataclasses import dataclass

from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.production.models import Job
from fabroute.production.repository import prints as print_rows
from fabroute.production.repository import remarks as rows
from fabroute.production.service.access import find_visible
from fabroute.production.service.inspection.finishing import missing_inspections
from fabroute.production.service.phases.countering import CounterOfferView, counter_view
from fabroute.production.service.phases.notes import NoteView, note_view
from fabroute.production.service.phases.reconciling import ReconciliationView, reconciliation_view
from fabroute.production.service.views import ReprintView, reprint_view

_MOST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRemarks:
    """What was said about a job and waits, and the wishes to print again with what became of them."""

    counter: CounterOfferView | None
    """The counter-offer that waits for the owner."""
    note: NoteView | None
    """The node's note, open or closed."""
    reprints: tuple[ReprintView, ...]
    """The oldest first, decided ones among them."""
    reconciliations: tuple[ReconciliationView, ...]
    """Those that nobody has closed."""
    uninspected: tuple[int, ...]
    """Good prints that lack a passed inspection of the level that the part asks for."""


def read_job_remarks(session: Session, *, principal: Principal, job_id: str) -> JobRemarks:
    """Return what is open about a job, to whoever may see it. Raises ``UnknownJob``."""
    return remarks_of(session, find_visible(session, principal=principal, job_id=job_id), principal=principal)


def remarks_of(session: Session, job: Job, *, principal: Principal) -> JobRemarks:
    """Return what is open about a job that the caller was found to see."""
    job_id = job.id
    counter = rows.find_open_counter(session, job_id=job_id)
    note = rows.find_note_of(session, job_id=job_id)
    return JobRemarks(
        counter=None if counter is None else counter_view(counter, principal),
        note=None if note is None else note_view(note),
        reprints=tuple(reprint_view(row) for row in print_rows.requests_of_job(session, job_id=job_id, limit=_MOST)),
        reconciliations=tuple(
            reconciliation_view(row) for row in rows.open_reconciliations(session, job_id=job_id, limit=_MOST)
        ),
        uninspected=missing_inspections(session, job) if job.good_prints else (),
    )
