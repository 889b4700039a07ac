"""Lines with which runs broke: counted, decided apart in ever smaller groups, parked when nothing helps.

A run breaks that ends its process, takes too long or too much memory, or raises while it decides. Which of its lines is
to blame nobody knows: all are suspects, and a suspect that gets an outcome is none any more. What is counted is in
PostgreSQL, so that no crash makes anybody forget.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlmodel import Session

from fabroute.orders import events
from fabroute.orders.repository import suspects as rows
from fabroute.orders.repository.suspects import BreakTerms, BrokenLine
from fabroute.orders.rules import BROKEN_RUN_CAP, suspects_scope
from fabroute.orders.service.outcomes import derive_orders
from fabroute.outbox import service as outbox

__all__ = ["BrokenLine", "fewest_broken_runs", "note_broken_run", "suspect_left_behind"]

_LEFT_BEHIND = "the worker that routed it ended: routed again in a small group"


def note_broken_run(
    session: Session, *, scope: str, fences: Mapping[str, int], why: str, now: datetime
) -> Sequence[BrokenLine]:
    """Count a broken run of lines that are still routed under these fences; return them as they are now.

    They wait among the suspects of ``scope``; those with too many broken runs are parked, and ``why`` stands in their
    reason. Lines of another fence, and cancelled ones, are left alone.
    """
    terms = BreakTerms(
        suspects=suspects_scope(scope),
        reason=f"a run with it broke ({why}): routed again in a small group",
        parked_reason=(
            f"needs attention: {BROKEN_RUN_CAP} runs broke with it in them, the last two with nothing else ({why}). "
            "Ask the operator, who finds more in the worker's log; send it on with POST "
            "/v1/orders/{order_id}/lines/{position}/retry, or cancel the order"
        ),
        cap=BROKEN_RUN_CAP,
    )
    broken = rows.note_broken(session, fences, terms)
    derive_orders(session, {line.order_id for line in broken if line.state == "parked"}, now=now)
    if any(line.state == "pending" for line in broken):
        outbox.record(session, events.scope_suspected(scope=scope, suspects=terms.suspects, now=now))
    return broken


def suspect_left_behind(session: Session, *, scope: str, now: datetime) -> int:
    """Make suspects of the lines that were left in a scope by a worker that has gone; return how many those are.

    The caller took the scope over. It is not known whether one of them ended the worker, so nobody is parked for it.
    """
    suspects = suspects_scope(scope)
    found = rows.suspect_left_behind(session, scope=scope, suspects=suspects, reason=_LEFT_BEHIND)
    if found:
        outbox.record(session, events.scope_suspected(scope=scope, suspects=suspects, now=now))
    return len(found)


def fewest_broken_runs(session: Session, *, scope: str) -> int | None:
    """Return the least broken runs of a due line of a scope that the caller holds; ``None`` where none is due."""
    return rows.fewest_broken_runs(session, scope=scope)
