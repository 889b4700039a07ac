"""Recall material: block its lots in all stores, take unshipped jobs back, tell the owners of shipped parts."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime

from sqlmodel import Session

from fabroute.database import act_for_everyone
from fabroute.identity.rules import Principal
from fabroute.identity.service import AuditRecord, record_audits
from fabroute.kernel.events import JsonScalar
from fabroute.kernel.ids import new_id
from fabroute.network import service as network
from fabroute.network.service import Keeper, LotView
from fabroute.outbox import service as outbox
from fabroute.production.events import RecallEvent, recall_event
from fabroute.production.models import Recall
from fabroute.production.repository import recalls as rows
from fabroute.production.repository.recalls import UNSHIPPED, AffectedBuild, AffectedJob, AffectedPrint
from fabroute.production.service.conformity.withdrawing import withdraw_certificates
from fabroute.production.service.holds import hold_closed
from fabroute.production.service.recall.data import (
    NothingToRecall,
    RecallDocument,
    RecalledJob,
    RecalledLot,
    RecallRequest,
    RecallView,
)
from fabroute.production.service.recall.reading import recall_view, seen_by
from fabroute.production.service.rerouting import lock_for_reroute, reroute_jobs
from fabroute.production.service.rerouting.leaving_builds import give_up_planned, tell_left

_OF_JOB = tuple(field.name for field in fields(AffectedJob))
_SHIPPED = frozenset({"shipped", "delivered"})


def recall_lots(session: Session, *, request: RecallRequest, principal: Principal, now: datetime) -> RecallView:
    """Block every lot that is meant, and return every build, print, order, owner and node that it touches. Audited.

    In one transaction: jobs that are not shipped, started or not, end and their lines go to routing again (cause
    ``lot_blocked``); certificates of conformity of shipped parts are withdrawn, and their owners told
    (``recall.parts_shipped``). The operator recalls from all stores, everyone else from their own. The same again
    answers with the first recall. Raises ``NothingToRecall``.
    """
    lots = _lots_of(session, request, principal)
    act_for_everyone(session)
    lot_ids = [lot.lot_id for lot in lots]
    known = _known(session, lots, principal)
    if known is not None:
        return known
    if request.dry_run:
        return _view(request, lots, _document(session, lots, rerouted=None), principal, now)
    builds = rows.read_affected_builds(session, lot_ids=lot_ids)
    rerouted = _reroute_unshipped(session, lot_ids, request, principal.key_id, now)
    by = Keeper(actor=principal.key_id, now=now, note=f"recalled: {request.reason}")
    blocked = network.set_lot_states(session, lot_ids=lot_ids, state="blocked", by=by)
    known = None if blocked else _known(session, lots, principal)
    if known is not None:
        return known
    rerouted |= _reroute_unshipped(session, lot_ids, request, principal.key_id, now)
    hold_closed(session, job_ids=rows.read_drawing(session, lot_ids=lot_ids), actor=principal.key_id, now=now)
    document = _document(session, lots, rerouted=rerouted, builds=builds)
    view = _view(request, lots, document, principal, now)
    return _keep_and_tell(session, view)


def _lots_of(session: Session, request: RecallRequest, principal: Principal) -> tuple[LotView, ...]:
    """Return the lots that are meant, in the stores from which the caller may recall."""
    if request.lot_id is not None:
        found = _one(session, request.lot_id)
    else:
        found = network.lots_of_supplier(session, supplier_lot=request.supplier_lot or "", material=request.material)
    if principal.kind != "operator":
        own = network.nodes_of(session, organisation_id=principal.organisation_id)
        found = tuple(lot for lot in found if lot.node_id in own)
    if not found:
        raise NothingToRecall(
            f"no store of yours has lot {request.lot_id or request.supplier_lot}"
            + (f" of {request.material}" if request.material else "")
            + ": GET /v1/nodes/{id}/lots tells the lots of a node with their manufacturers' numbers"
        )
    return found


def _one(session: Session, lot_id: str) -> tuple[LotView, ...]:
    try:
        return (network.find_lot(session, lot_id=lot_id),)
    except network.UnknownLot:
        return ()


def _known(session: Session, lots: Sequence[LotView], principal: Principal) -> RecallView | None:
    before = rows.find_recall_of(session, lot_ids=[lot.lot_id for lot in lots])
    return None if before is None else seen_by(session, recall_view(before, repeated=True), principal)


def _reroute_unshipped(
    session: Session, lot_ids: Collection[str], request: RecallRequest, actor: str, now: datetime
) -> dict[str, AffectedJob]:
    """Give up planned builds and take unshipped jobs from their nodes; return those that ended, as they were before."""
    open_jobs = {job.job_id: job for job in rows.read_affected_jobs(session, lot_ids=lot_ids) if job.state in UNSHIPPED}
    if not open_jobs:
        return {}
    locked = [job.id for job in lock_for_reroute(session, open_jobs) if job.state in UNSHIPPED]
    reason = f"material recalled: {request.reason}"
    builds = give_up_planned(session, lot_ids=lot_ids, reason=reason, now=now)
    ended = reroute_jobs(session, job_ids=locked, cause="lot_blocked", reason=reason, actor=actor, now=now)
    tell_left(session, builds, actor=actor, now=now)
    return {job.id: open_jobs[job.id] for job in ended if job.id in open_jobs}


def _document(
    session: Session,
    lots: Sequence[LotView],
    *,
    rerouted: Mapping[str, AffectedJob] | None,
    builds: Sequence[AffectedBuild] = (),
) -> RecallDocument:
    """Return what the lots touch; ``rerouted`` are the jobs that were taken back, None: as it would be.

    ``builds`` are those that there were before: planned ones have been given up since.
    """
    lot_ids = [lot.lot_id for lot in lots]
    found = {job.job_id: job for job in rows.read_affected_jobs(session, lot_ids=lot_ids)} | dict(rerouted or {})
    touched = {it.build_id: it for it in (*builds, *rows.read_affected_builds(session, lot_ids=lot_ids))}
    prints: defaultdict[str, list[AffectedPrint]] = defaultdict(list)
    for each in rows.read_affected_prints(session, job_ids=found, lot_ids=lot_ids):
        prints[each.job_id].append(each)
    return RecallDocument(
        lots=tuple(_recalled_lot(lot) for lot in lots),
        builds=tuple(touched[build_id] for build_id in sorted(touched)),
        jobs=tuple(
            _recalled(job, _outcome(job, rerouted), prints=tuple(prints[job.job_id]))
            for _, job in sorted(found.items())
        ),
    )


def _outcome(job: AffectedJob, rerouted: Mapping[str, AffectedJob] | None) -> str:
    if job.state in _SHIPPED:
        return "shipped"
    if job.state not in UNSHIPPED:
        return "ended"
    return "rerouted" if rerouted is None or job.job_id in rerouted else "held"


def _recalled(job: AffectedJob, outcome: str, *, prints: tuple[AffectedPrint, ...]) -> RecalledJob:
    return RecalledJob(**{name: getattr(job, name) for name in _OF_JOB}, outcome=outcome, prints=prints)


def _recalled_lot(lot: LotView) -> RecalledLot:
    return RecalledLot(
        lot_id=lot.lot_id,
        node_id=lot.node_id,
        material=lot.material,
        remaining_grams=lot.remaining_grams,
        state_before=lot.state,
    )


def _view(
    request: RecallRequest, lots: Sequence[LotView], document: RecallDocument, principal: Principal, now: datetime
) -> RecallView:
    return RecallView(
        recall_id=None if request.dry_run else new_id("rcl"),
        supplier_lot=request.supplier_lot or lots[0].supplier_lot,
        material=request.material or (lots[0].material if request.lot_id else ""),
        reason=request.reason,
        actor=principal.key_id,
        recalled_at=now,
        repeated=False,
        document=document,
    )


def _keep_and_tell(session: Session, view: RecallView) -> RecallView:
    """Keep a recall, tell the owners of shipped parts, and have their certificates withdrawn."""
    assert view.recall_id is not None, "a dry run is not kept"
    rows.insert_recall(
        session,
        Recall(
            id=view.recall_id,
            supplier_lot=view.supplier_lot,
            material=view.material,
            lot_ids=sorted(lot.lot_id for lot in view.document.lots),
            reason=view.reason,
            actor=view.actor,
            recalled_at=view.recalled_at,
            document=view.document.as_json(),
        ),
    )
    job_ids = [job.job_id for job in view.document.jobs]
    withdraw_certificates(session, job_ids=job_ids, reason=f"material recalled: {view.reason}", now=view.recalled_at)
    _tell(session, view, view.recall_id)
    return view


def _tell(session: Session, view: RecallView, recall_id: str) -> None:
    document, now = view.document, view.recalled_at
    facts: list[tuple[RecallEvent, str | None, dict[str, JsonScalar]]] = [
        ("recall.opened", None, _facts(view, lots=len(document.lots), jobs=len(document.jobs))),
        *(("recall.parts_shipped", owner, data) for owner, data in _shipped_facts(view)),
    ]
    outbox.record_all(
        session,
        [
            recall_event(name, recall_id=recall_id, organisation_id=owner, now=now, **data)
            for name, owner, data in facts
        ],
    )
    record_audits(session, entries=[_entry(view, recall_id, name, owner, data) for name, owner, data in facts])


def _shipped_facts(view: RecallView) -> Iterator[tuple[str, dict[str, JsonScalar]]]:
    """Yield, by owner, how many jobs and parts are at its customers or on their way."""
    jobs: Counter[str] = Counter()
    parts: Counter[str] = Counter()
    for job in view.document.jobs:
        if job.outcome == "shipped":
            jobs[job.organisation_id] += 1
            parts[job.organisation_id] += job.good_prints
    yield from ((owner, _facts(view, jobs=jobs[owner], parts=parts[owner])) for owner in sorted(jobs))


def _facts(view: RecallView, **counts: int) -> dict[str, JsonScalar]:
    return {"supplier_lot": view.supplier_lot, "reason": view.reason, **counts}


def _entry(
    view: RecallView, recall_id: str, action: RecallEvent, owner: str | None, data: dict[str, JsonScalar]
) -> AuditRecord:
    return AuditRecord(
        organisation_id=owner,
        occurred_at=view.recalled_at,
        actor=view.actor,
        action=action,
        subject_type="recall",
        subject_id=recall_id,
        data=data,
    )
