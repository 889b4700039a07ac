"""An order is to be routed by another objective: what nobody has started leaves its node, and all is decided anew."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlmodel import Session

from fabroute.database import act_for_everyone
from fabroute.identity.rules import Principal
from fabroute.identity.service import AuditRecord, record_audit
from fabroute.kernel.errors import DomainError
from fabroute.orders.rules import Objective
from fabroute.orders.service import attention
from fabroute.orders.service.attention import OrderTerms
from fabroute.production.models import Job
from fabroute.production.repository import jobs as job_rows
from fabroute.production.rules import RerouteCause
from fabroute.production.service.rerouting.reroute import reroute_jobs
from fabroute.production.service.views import job_view

_MAY_LEAVE = frozenset({"planned", "offered", "countered", "accepted", "held"})
"""States of jobs that nobody works on, as long as their file was not fetched."""


class ObjectiveFixed(DomainError):
    """The order can't be routed by another objective any more."""

    code = "objective_fixed"
    status = 409


class OrderBeingRouted(DomainError):
    """The order is being decided just now, by the objective that it has."""

    code = "order_being_routed"
    status = 409


def change_objective(
    session: Session, *, principal: Principal, order_id: str, objective: Objective, now: datetime
) -> None:
    """Route an order by another objective: its jobs leave their nodes, and all its lines are decided again. Audited.

    For the owner or the operator. Lines that were parked or had no route are tried again, too; nodes that are ruled out
    for a line stay so. An order that has the objective already stays as it is. Raises ``UnknownOrder``,
    ``OrderBeingRouted``, and ``ObjectiveFixed`` where it accepted a quote, is over, or a node works on it.
    """
    whose = None if principal.kind == "operator" else principal.organisation_id
    lines = attention.lock_line_states(session, organisation_id=whose, order_id=order_id)
    terms = attention.read_terms(session, order_id=order_id)
    if terms.objective == objective:
        return
    act_for_everyone(session)
    jobs = job_rows.lock_live_jobs(session, order_id=order_id)
    _require_free(order_id, terms, lines, jobs)
    cause: RerouteCause = "operator" if principal.kind == "operator" else "owner"
    reason = f"to be routed {objective} instead of {terms.objective}"
    ended = [job.id for job in jobs]
    if ended:
        reroute_jobs(session, job_ids=ended, cause=cause, reason=reason, actor=principal.key_id, now=now)
    attention.set_objective(session, order_id=order_id, objective=objective, now=now)
    attention.retry_lines(session, line_ids=lines, now=now)
    _audit(session, principal, order_id, terms, objective=objective, now=now)


def _require_free(order_id: str, terms: OrderTerms, lines: Mapping[str, str], jobs: Sequence[Job]) -> None:
    if terms.quote_id is not None:
        raise ObjectiveFixed(
            f"order {order_id} accepted quote {terms.quote_id}: its price and day are agreed, place another order"
        )
    if set(lines.values()) <= {"cancelled"}:
        raise ObjectiveFixed(f"order {order_id} is cancelled: place it again with the objective that you want")
    working = [job for job in jobs if job.state not in _MAY_LEAVE or job_view(job).started]
    if working:
        first = working[0]
        raise ObjectiveFixed(
            f"node {first.node_id} works on order {order_id} already (job {first.id} is "
            f"{first.state.replace('_', ' ')}): it goes on as it is, or cancel it and place it again"
        )
    if "routing" in lines.values():
        raise OrderBeingRouted(f"order {order_id} is being decided just now: ask again in a few seconds")


def _audit(
    session: Session, principal: Principal, order_id: str, terms: OrderTerms, *, objective: str, now: datetime
) -> None:
    entry = AuditRecord(
        organisation_id=terms.organisation_id,
        occurred_at=now,
        actor=principal.key_id,
        action="order.objective_changed",
        subject_type="order",
        subject_id=order_id,
        data={"objective": objective, "before": terms.objective},
    )
    record_audit(session, entry=entry)
