"""Hand due lines to routing, and note what became of them."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from sqlmodel import Session

from fabroute.kernel.errors import DomainError
from fabroute.orders import events
from fabroute.orders.repository import lines as line_rows
from fabroute.orders.repository import orders as order_rows
from fabroute.orders.repository import suspects as suspect_rows
from fabroute.orders.repository.lines import NOTHING_KEPT, ClaimedLine, ClaimTerms, KeptShares, LineOutcome
from fabroute.orders.rules import holds_suspects, parts_of_scope, suspects_at_once
from fabroute.orders.service.reading import UnknownOrder
from fabroute.orders.states import derive_order_state
from fabroute.outbox import service as outbox

NO_LINE_KEPT: Mapping[str, KeptShares] = MappingProxyType({})


class LinesLost(DomainError):
    """An outcome came for a line that is not being routed: its lease lapsed, or its order was cancelled."""

    code = "lines_lost"
    status = 409


def claim_lines(
    session: Session, *, scope: str, limit: int, lease_seconds: float, attempt_cap: int, alone: bool = False
) -> tuple[ClaimedLine, ...]:
    """Take up to ``limit`` due lines of a planning scope for routing, oldest order first.

    Due is what is pending and not put off, and what another worker left when its lease lapsed, or at all for a caller
    that is ``alone``, because it holds the scope. Any number of workers may claim at once; each line goes to one of
    them. Of suspects few are taken, first of those with the fewest broken runs: most of them did nothing.
    A line that had ``attempt_cap`` attempts is parked instead.
    """
    terms = ClaimTerms(scope=scope, limit=limit, lease_seconds=lease_seconds, attempt_cap=attempt_cap, alone=alone)
    if holds_suspects(scope):
        broken_runs = suspect_rows.fewest_broken_runs(session, scope=scope) or 0
        terms = replace(terms, limit=min(limit, suspects_at_once(broken_runs)), broken_runs=broken_runs)
    reason = (
        f"routing was tried {attempt_cap} times without an outcome: see the worker's log, "
        "then cancel this order and place it again"
    )
    claim = line_rows.claim(session, terms, reason=reason)
    if claim.claimed_at is not None:
        derive_orders(session, claim.orders_with_parked, now=claim.claimed_at)
    return tuple(sorted(claim.lines, key=lambda line: (line.placed_at, line.line_id)))


def lock_fenced_lines(session: Session, *, fences: Mapping[str, int]) -> frozenset[str]:
    """Lock, by id, the lines that are still routed under the fence given for each; return which those are.

    What is missing was claimed by someone else or cancelled meanwhile: nothing may be written for it.
    """
    return line_rows.lock_fenced(session, fences)


def lock_routed_lines(session: Session, *, line_ids: Collection[str]) -> frozenset[str]:
    """Lock, by id, those of the lines that are routed, or in part, before anything of their jobs; return which."""
    return line_rows.lock_routed(session, line_ids)


def record_outcomes(session: Session, *, outcomes: tuple[LineOutcome, ...], now: datetime) -> None:
    """Write what became of lines locked by ``lock_fenced_lines``, derive their orders' states and tell of the finished.

    Raises ``LinesLost``, and then nothing may be committed, if one of them is not being routed.
    """
    order_ids = line_rows.write_outcomes(session, outcomes)
    if len(order_ids) != len(outcomes):
        raise LinesLost(f"{len(outcomes) - len(order_ids)} of {len(outcomes)} lines are not being routed any more")
    derive_orders(session, set(order_ids), now=now)


def requeue_unroutable(session: Session, *, scope: str | None, now: datetime) -> int:
    """Send every line without a route back to routing, because the network changed; return how many those are.

    Of one planning scope with all its parts; of all scopes where ``scope`` is ``None``.
    """
    order_ids = line_rows.requeue(session, scope=scope)
    derive_orders(session, set(order_ids), now=now)
    return len(order_ids)


def requeue_lines(
    session: Session,
    *,
    line_ids: Collection[str],
    reason: str,
    now: datetime,
    kept: Mapping[str, KeptShares] = NO_LINE_KEPT,
) -> frozenset[str]:
    """Send routed lines back to routing, because their jobs were taken back; return the ids of those that were routed.

    Of a split line only what is not ``kept`` is routed again. ``reason`` stays on the line until then; its decisions
    stay too. Lock lines (``lock_routed_lines``) before anything of their jobs; orders are locked here, last.
    """
    shares = {line_id: kept.get(line_id, NOTHING_KEPT) for line_id in line_ids}
    orders_of = line_rows.requeue_routed(session, shares, reason=reason)
    derive_orders(session, set(orders_of.values()), now=now)
    return frozenset(orders_of)


def scopes_with_due_lines(session: Session) -> tuple[str, ...]:
    """Return the planning scopes in which lines wait to be claimed: what a sweeper wakes routing for."""
    return tuple(line_rows.due_scopes(session))


def waiting_lines(session: Session) -> dict[str, tuple[int, datetime]]:
    """Return by planning scope how many lines have no outcome yet, and when the order of the oldest was placed."""
    return line_rows.waiting_lines(session)


def split_scope(session: Session, *, scope: str, most: int, now: datetime) -> tuple[str, ...]:
    """Split a scope in which more than ``most`` lines wait, and tell of its parts; return them, none if left whole.

    The caller holds the scope. A part is named ``metal/europe/2of3``; lines of one order stay together. New lines come
    into the whole scope, which goes on beside its parts.
    """
    parts = parts_of_scope(scope, waiting=line_rows.count_pending(session, scope=scope), most=most)
    if parts == 1:
        return ()
    found = tuple(line_rows.split(session, scope=scope, parts=parts))
    if found:
        outbox.record(session, events.scope_split(scope=scope, parts=found, now=now))
    return found


def mark_cancelled(session: Session, *, organisation_id: str, order_id: str, now: datetime) -> tuple[str, ...]:
    """Cancel an order and return the lines that were still standing: none if it was cancelled before.

    A line that is just being routed is fenced off: the run can't write its outcome any more. Jobs, stock and capacity
    are not touched here. Raises ``UnknownOrder``.
    """
    if order_rows.find_order(session, organisation_id=organisation_id, order_id=order_id) is None:
        raise UnknownOrder(f"you have no order {order_id}: GET /v1/orders lists yours")
    cancelled = line_rows.cancel(session, order_id=order_id)
    if cancelled:
        derive_orders(session, {order_id}, now=now)
    return tuple(cancelled)


def cancel_lines(session: Session, *, line_ids: Collection[str], now: datetime) -> None:
    """Cancel standing lines, locked by the caller, whose jobs are over because their nodes agreed to stop."""
    derive_orders(session, line_rows.cancel_lines(session, line_ids), now=now)


def derive_orders(session: Session, order_ids: Collection[str], *, now: datetime) -> None:
    """Derive the states of orders from their lines, each a new version, and tell of those that came to an end."""
    if not order_ids:
        return
    before = order_rows.lock_orders(session, order_ids)
    lines = order_rows.line_states(session, order_ids)
    states = {order.id: derive_order_state(lines[order.id]) for order in before}
    order_rows.write_states(session, states, now=now)
    changed = [order for order in before if states[order.id] != order.state]
    finished = [
        events.order_finished(order_id=order.id, organisation_id=order.organisation_id, state=states[order.id], now=now)
        for order in changed
    ]
    outbox.record_all(session, [event for event in finished if event is not None])
