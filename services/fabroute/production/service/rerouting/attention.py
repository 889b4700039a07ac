"""Lines that nobody could make so far: after three nodes a person has a look, and sends them on their way again."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.database import act_for_everyone
from fabroute.identity.rules import Principal
from fabroute.identity.service import AuditRecord, record_audit
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.kernel.events import JsonScalar
from fabroute.network import service as network
from fabroute.orders.service import attention
from fabroute.orders.service.attention import WaitingLine
from fabroute.routing.service.exclusions import LineExclusionView, lift_exclusions, read_ruled_out

MOST_ATTEMPTS = 3
"""So many nodes may decline a line, let it lapse or fail at it; then a person looks (CONVENTIONS.md 2)."""


class UnknownExclusion(DomainError):
    """The node is not ruled out for this line."""

    code = "unknown_exclusion"
    status = 404


class InvalidRetry(DomainError):
    """A node that is to stay ruled out is not known."""

    code = "invalid_retry"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class LineAttention:
    """A line, and the nodes that are ruled out for it."""

    line_id: str
    order_id: str
    position: int
    state: str
    state_reason: str
    exclusions: tuple[LineExclusionView, ...]


def park_worn_out(session: Session, *, line_ids: Collection[str], now: datetime) -> frozenset[str]:
    """Park the pending ones of these lines for which three nodes are ruled out, each with the reasons; return them."""
    found = read_ruled_out(session, line_ids=line_ids)
    reasons = {line_id: _worn_out(them) for line_id, them in found.items() if len(them) >= MOST_ATTEMPTS}
    return attention.park_lines(session, reasons=reasons, now=now) if reasons else frozenset()


def get_attention(session: Session, *, principal: Principal, order_id: str, position: int) -> LineAttention:
    """Return a line of an order with the nodes that are ruled out for it, to its owner or the operator.

    Raises ``UnknownOrder`` and ``UnknownLine``.
    """
    line = attention.find_line(session, organisation_id=_whose(principal), order_id=order_id, position=position)
    return _attention(session, line)


def retry_line(
    session: Session,
    *,
    principal: Principal,
    order_id: str,
    position: int,
    still_excluded: Collection[str] = (),
    now: datetime,
) -> LineAttention:
    """Lift what is ruled out for a line, but for ``still_excluded`` nodes, and route it again if it waits. Audited.

    For the owner or the operator. A line that is parked or has no route is pending again; of one that is routed or
    pending only the exclusions are lifted. Raises ``UnknownOrder``, ``UnknownLine`` and ``InvalidRetry``.
    """
    _require_known(session, still_excluded)
    line = attention.lock_line(session, organisation_id=_whose(principal), order_id=order_id, position=position)
    act_for_everyone(session)
    excluded = [each.node_id for each in read_ruled_out(session, line_ids=[line.line_id]).get(line.line_id, ())]
    lifted = lift_exclusions(session, line_id=line.line_id, node_ids=set(excluded) - set(still_excluded))
    again = attention.retry_lines(session, line_ids=[line.line_id], now=now)
    _audit(session, line, principal, "order.line_retried", now, lifted=",".join(lifted), routed_again=bool(again))
    return get_attention(session, principal=principal, order_id=order_id, position=position)


def lift_exclusion(
    session: Session, *, principal: Principal, order_id: str, position: int, node_id: str, now: datetime
) -> LineAttention:
    """Let a node have a line again that it declined, let lapse or failed at; route it again if it waits. Audited.

    For the owner or the operator. Raises ``UnknownOrder``, ``UnknownLine`` and ``UnknownExclusion``.
    """
    line = attention.lock_line(session, organisation_id=_whose(principal), order_id=order_id, position=position)
    act_for_everyone(session)
    if not lift_exclusions(session, line_id=line.line_id, node_ids=[node_id]):
        where = f"GET /v1/orders/{order_id}/lines/{position}/exclusions"
        raise UnknownExclusion(f"node {node_id} is not ruled out for this line: {where} lists those that are")
    again = attention.retry_lines(session, line_ids=[line.line_id], now=now)
    _audit(session, line, principal, "order.exclusion_lifted", now, lifted=node_id, routed_again=bool(again))
    return get_attention(session, principal=principal, order_id=order_id, position=position)


def _require_known(session: Session, node_ids: Collection[str]) -> None:
    known = network.existing_nodes(session, node_ids=node_ids) if node_ids else frozenset()
    problems = tuple(
        FieldProblem(pointer=f"/still_excluded/{place}", message=f"there is no node {node_id!r}: GET /v1/nodes")
        for place, node_id in enumerate(node_ids)
        if node_id not in known
    )
    if problems:
        raise InvalidRetry("; ".join(it.message for it in problems), problems=problems)


def _whose(principal: Principal) -> str | None:
    return None if principal.kind == "operator" else principal.organisation_id


def _worn_out(exclusions: Sequence[LineExclusionView]) -> str:
    words = "; ".join(f"{each.node_id} {each.cause}: {each.reason}" for each in exclusions)
    return f"needs attention: {len(exclusions)} nodes could not make it ({words[:800]})"


def _attention(session: Session, line: WaitingLine) -> LineAttention:
    return LineAttention(
        line_id=line.line_id,
        order_id=line.order_id,
        position=line.position,
        state=line.state,
        state_reason=line.state_reason,
        exclusions=read_ruled_out(session, line_ids=[line.line_id]).get(line.line_id, ()),
    )


def _audit(
    session: Session,
    line: WaitingLine,
    principal: Principal,
    action: str,
    now: datetime,
    *,
    lifted: str,
    routed_again: bool,
) -> None:
    data: dict[str, JsonScalar] = {
        "line_id": line.line_id,
        "position": line.position,
        "lifted": lifted,
        "routed_again": routed_again,
    }
    entry = AuditRecord(
        organisation_id=line.organisation_id,
        occurred_at=now,
        actor=principal.key_id,
        action=action,
        subject_type="order",
        subject_id=line.order_id,
        data=data,
    )
    record_audit(session, entry=entry)
