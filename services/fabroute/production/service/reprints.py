"""A node asks to print again after a failed print, with evidence; the owner of the part decides."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.identity.rules import Principal
from fabroute.identity.service import record_audit
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.kernel.events import JsonScalar
from fabroute.kernel.ids import new_id
from fabroute.network import service as network
from fabroute.outbox import service as outbox
from fabroute.production.events import ReprintEvent, reprint_event
from fabroute.production.models import Job, ReprintRequest
from fabroute.production.repository import prints as rows
from fabroute.production.rules import LONGEST_TEXT, REPRINT_STATES, ReprintState
from fabroute.production.service.access import (
    UnknownJob,
    conflict,
    find_visible,
    lock_of_owner,
)
from fabroute.production.service.evidence import named_evidence
from fabroute.production.service.leases import Lease, lock_for_work
from fabroute.production.service.telling import audit_entry
from fabroute.production.service.views import ReprintView, reprint_view
from fabroute.production.states import ENDED_STATES


class InvalidReprint(DomainError):
    """A reprint request or decision without a reason, or about no failed print."""

    code = "invalid_reprint_request"
    status = 422


class UnknownReprint(DomainError):
    """No such reprint request, or not one that the asking organisation may see."""

    code = "unknown_reprint_request"
    status = 404


class ReprintConflict(DomainError):
    """A reprint was asked for before, with other words, or the request was decided otherwise."""

    code = "reprint_conflict"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReprint:
    """Which failed print shall be made again, why, and what shows it: id or name of evidence, a photo as a rule."""

    print_number: int
    reason: str
    evidence_id: str

    def __post_init__(self) -> None:
        _require_reason(self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReprintDecision:
    """What the owner says to a request, and why."""

    granted: bool
    reason: str = ""

    def __post_init__(self) -> None:
        if not self.granted:
            _require_reason(self.reason)

    @property
    def state(self) -> ReprintState:
        """The state that the request gets."""
        return "granted" if self.granted else "refused"


def request_reprint(
    session: Session,
    *,
    principal: Principal,
    job_id: str,
    request: NewReprint,
    now: datetime,
    lease: Lease | None = None,
) -> ReprintView:
    """Ask the owner for one more print after a failed one. The same again changes nothing. Audited, event.

    A print that was scrapped failed, too. Raises ``UnknownJob``, ``NotTheNode``, ``LeaseLost``, ``LeaseRequired``,
    ``JobStateConflict`` once the job is over, ``InvalidReprint`` for a print that did not fail, ``UnknownEvidence``,
    and ``ReprintConflict`` for other words about the same print.
    """
    job = lock_for_work(session, principal=principal, job_id=job_id, lease=lease)
    known = rows.find_request_for(session, job_id=job_id, print_number=request.print_number)
    if known is not None:
        return _same(session, known, request)
    if job.state in ENDED_STATES:
        raise conflict(job, wish="printed again")
    _require_failed(session, job, request.print_number)
    evidence = named_evidence(session, job_id=job_id, name_or_id=request.evidence_id)
    row = ReprintRequest(
        id=new_id("rep"),
        job_id=job_id,
        organisation_id=job.organisation_id,
        print_number=request.print_number,
        reason=request.reason,
        evidence_id=evidence.id,
        requested_by=principal.key_id,
        requested_at=now,
    )
    rows.add(session, row)
    _note(session, job, row, "reprint.requested", actor=principal.key_id, now=now)
    return reprint_view(row)


def decide_reprint(
    session: Session, *, principal: Principal, request_id: str, decision: ReprintDecision, now: datetime
) -> ReprintView:
    """Grant or refuse a reprint, for the owner of the part alone. The same again changes nothing. Audited.

    Raises ``UnknownReprint``, ``NotTheOwner``, ``ReprintConflict`` where it was decided otherwise, and
    ``JobStateConflict`` for a grant once the job is over.
    """
    request = rows.find_request(session, request_id)
    if request is None:
        raise UnknownReprint(_unknown(request_id))
    try:
        job = lock_of_owner(session, principal=principal, job_id=request.job_id, operator_too=False)
    except UnknownJob as error:
        raise UnknownReprint(_unknown(request_id)) from error
    decided = rows.decide_request(
        session,
        request_id=request_id,
        state=decision.state,
        reason=decision.reason,
        decided_by=principal.key_id,
        now=now,
    )
    if decided is None:
        return _decided_before(session, request_id, decision.state)
    if decision.granted:
        _grant(session, job, now=now)
    event: ReprintEvent = "reprint.granted" if decision.granted else "reprint.refused"
    _note(session, job, decided, event, actor=principal.key_id, now=now)
    return reprint_view(decided)


def get_reprint(session: Session, *, principal: Principal, request_id: str) -> ReprintView:
    """Return a reprint request to whoever may see its job; ``UnknownReprint`` to everyone else."""
    request = rows.find_request(session, request_id)
    if request is None:
        raise UnknownReprint(_unknown(request_id))
    try:
        find_visible(session, principal=principal, job_id=request.job_id)
    except UnknownJob as error:
        raise UnknownReprint(_unknown(request_id)) from error
    return reprint_view(request)


def list_reprints(
    session: Session, *, principal: Principal, state: str | None, cursor: str | None, limit: int
) -> Page[ReprintView]:
    """Return a page of reprint requests, oldest first: an owner's, those of an organisation's nodes, or all to the
    operator. Raises ``InvalidReprint`` for an unknown state.
    """
    if state is not None and state not in REPRINT_STATES:
        raise InvalidReprint(f"reprint requests are never {state!r}: ask for {', '.join(REPRINT_STATES)}")
    everything = principal.kind == "operator"
    node_ids = [] if everything else sorted(network.nodes_of(session, organisation_id=principal.organisation_id))
    found = rows.read_requests(
        session,
        organisation_id=None if everything else principal.organisation_id,
        node_ids=node_ids,
        state=state,
        cursor=cursor,
        limit=limit + 1,
    )
    return page_of([reprint_view(row) for row in found], limit=limit, cursor_of=lambda view: view.request_id)


def _grant(session: Session, job: Job, *, now: datetime) -> None:
    if job.state in ENDED_STATES:
        raise conflict(job, wish="printed again")
    rows.grant_reprint(session, job_id=job.id, now=now)
    network.bump_queue_versions(session, node_ids=(job.node_id,))


def _require_failed(session: Session, job: Job, number: int) -> None:
    found = rows.find_print(session, job_id=job.id, number=number)
    if found is None or not (found.result == "failed" or found.scrapped_at):
        message = f"print {number} of job {job.id} was not reported as failed: report it first"
        raise InvalidReprint(message, problems=(FieldProblem(pointer="/print_number", message=message),))


def _same(session: Session, known: ReprintRequest, request: NewReprint) -> ReprintView:
    shown = named_evidence(session, job_id=known.job_id, name_or_id=request.evidence_id)
    if (known.reason, known.evidence_id) != (request.reason, shown.id):
        raise ReprintConflict(
            f"a reprint of print {known.print_number} was asked for already ({known.id}, {known.state}): "
            "wait for the owner, or settle it with them"
        )
    return reprint_view(known)


def _decided_before(session: Session, request_id: str, state: str) -> ReprintView:
    decided = rows.find_request(session, request_id)
    assert decided is not None, "requests are never deleted"
    if decided.state != state:
        raise ReprintConflict(f"reprint request {request_id} is {decided.state} already, and a decision stands")
    return reprint_view(decided)


def _note(
    session: Session, job: Job, request: ReprintRequest, name: ReprintEvent, *, actor: str, now: datetime
) -> None:
    data: dict[str, JsonScalar] = {
        "request": request.id,
        "print": request.print_number,
        "reason": request.decision_reason or request.reason,
    }
    record_audit(session, entry=audit_entry(job.id, job.organisation_id, name, actor=actor, now=now, **data))
    event = reprint_event(
        name,
        request_id=request.id,
        organisation_id=job.organisation_id,
        job_id=job.id,
        node_id=job.node_id,
        occurred_at=now,
    )
    outbox.record(session, event)


def _require_reason(reason: str) -> None:
    if not 0 < len(reason) <= LONGEST_TEXT:
        message = f"say why, in 1 to {LONGEST_TEXT:,} characters"
        raise InvalidReprint(message, problems=(FieldProblem(pointer="/reason", message=message),))


def _unknown(request_id: str) -> str:
    return f"there is no reprint request {request_id} that you may see: GET /v1/reprint-requests lists yours"
