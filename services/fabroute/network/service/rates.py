"""Prices that a node states itself: they replace what its machines and materials would be taken to cost."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, get_args

from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.kernel.events import JsonScalar
from fabroute.network.events import network_changed
from fabroute.network.models import NodeRate
from fabroute.network.repository import nodes, rates
from fabroute.network.service.auditing import audit
from fabroute.network.service.nodes import find_node
from fabroute.outbox.service import record

RateCode = Literal["machine_hour", "material_kg", "labour_hour"]

RATE_CODES: tuple[RateCode, ...] = get_args(RateCode)
MOST_MINOR = 10_000_000
"""100,000.00 an hour or a kilogram: more than anything costs."""
LONGEST_SOURCE = 400
_FURTHEST = timedelta(days=3653)
_SEPARATOR = "|"


class InvalidRate(DomainError):
    """A price that no node can state; each wrong field is named."""

    code = "invalid_rate"
    status = 422


class UnknownRateSubject(DomainError):
    """A price for a machine that the node doesn't have, or a material that it doesn't print."""

    code = "unknown_rate_subject"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRate:
    """A price from a day on, in minor units of EUR; ``subject`` is what it is for, empty for the whole node."""

    node_id: str
    code: str
    """``machine_hour``, ``material_kg`` or ``labour_hour``."""
    amount_minor: int
    valid_from: date
    source: str
    subject: str = ""
    """A machine's id, a material's code, or empty."""

    def __post_init__(self) -> None:
        problems = []
        if self.code not in RATE_CODES:
            problems.append(FieldProblem(pointer="/code", message=f"use {', '.join(RATE_CODES)}"))
        if not 0 <= self.amount_minor <= MOST_MINOR:
            problems.append(FieldProblem(pointer="/amount", message=f"give 0 to {MOST_MINOR:,} cents"))
        if self.code == "labour_hour" and self.subject:
            problems.append(FieldProblem(pointer="/subject", message="labour costs the same at the whole node"))
        if not 0 < len(self.source) <= LONGEST_SOURCE:
            problems.append(
                FieldProblem(pointer="/source", message=f"say in 1 to {LONGEST_SOURCE} characters where it comes from")
            )
        if problems:
            raise InvalidRate("; ".join(problem.message for problem in problems), problems=tuple(problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class RateView:
    """A price that a node states, from a day on until a later one of the same code and subject begins."""

    node_id: str
    code: str
    subject: str
    valid_from: date
    amount_minor: int
    source: str
    stated_by: str
    stated_at: datetime


def state_rate(session: Session, *, rate: NewRate, actor: str, now: datetime) -> RateView:
    """Keep a price that a node states and return it. Audited; ``network.changed``. The same again changes nothing.

    Another amount for the same day takes the place of the first: the last one of a day counts and is listed, the audit
    log keeps all. A day before today (UTC) is taken only for the first price of its code and subject: what was priced
    with a stated price is never priced anew. Raises ``UnknownNode``, ``UnknownRateSubject``, and ``InvalidRate`` for
    such a day, or one more than ten years away.
    """
    find_node(session, node_id=rate.node_id)
    _require_near(rate, now)
    _require_known_subject(session, rate)
    nodes.lock_node(session, rate.node_id)
    key = (rate.node_id, rate.code, rate.subject, rate.valid_from)
    known = rates.find_rate(session, key)
    if known is None or (known.amount_minor, known.source) != (rate.amount_minor, rate.source):
        _require_not_past(session, rate, now)
        _save(session, rate, before=known, actor=actor, now=now)
    return _view(rates.find_rate(session, key))


def list_rates(session: Session, *, node_id: str, code: str | None, cursor: str | None, limit: int) -> Page[RateView]:
    """Return a page of what a node states, for each day the last it said: by code, then subject, oldest first.

    Raises ``UnknownNode``.
    """
    find_node(session, node_id=node_id)
    found = rates.read_rates(session, node_id=node_id, code=code, after=_after(cursor), limit=limit + 1)
    return page_of([_view(row) for row in found], limit=limit, cursor_of=_cursor)


def _save(session: Session, rate: NewRate, *, before: NodeRate | None, actor: str, now: datetime) -> None:
    rates.save_rate(
        session,
        {
            "node_id": rate.node_id,
            "code": rate.code,
            "subject": rate.subject,
            "valid_from": rate.valid_from,
            "amount_minor": rate.amount_minor,
            "source": rate.source,
            "stated_by": actor,
            "stated_at": now,
        },
    )
    data: dict[str, JsonScalar] = {
        "code": rate.code,
        "subject": rate.subject,
        "valid_from": rate.valid_from.isoformat(),
        "from_minor": None if before is None else before.amount_minor,
        "to_minor": rate.amount_minor,
        "source": rate.source,
    }
    audit(session, action="node.rate_stated", subject=("node", rate.node_id), actor=actor, now=now, data=data)
    record(session, network_changed(subject=("node", rate.node_id), reason="rate_stated", now=now))


def _require_near(rate: NewRate, now: datetime) -> None:
    if abs(rate.valid_from - now.date()) > _FURTHEST:
        advice = f"{rate.valid_from} is more than ten years away: give the first day on which the price counts"
        raise InvalidRate(advice, problems=(FieldProblem(pointer="/valid_from", message=advice),))


def _require_not_past(session: Session, rate: NewRate, now: datetime) -> None:
    today = now.date()
    if rate.valid_from < today and rates.has_rate(session, node_id=rate.node_id, code=rate.code, subject=rate.subject):
        advice = (
            f"{rate.valid_from} is past, and this node has stated a price of this kind before: estimates and quotes "
            f"stand on it. Give a day from {today} (UTC) on"
        )
        raise InvalidRate(advice, problems=(FieldProblem(pointer="/valid_from", message=advice),))


def _require_known_subject(session: Session, rate: NewRate) -> None:
    node_id, subject = rate.node_id, rate.subject
    if not subject:
        return
    if rate.code == "machine_hour" and not rates.has_machine(session, node_id=node_id, machine_id=subject):
        raise _unknown_subject(f"{node_id} has no machine {subject!r}")
    if rate.code == "material_kg" and not nodes.offers_material(session, node_id=node_id, material=subject):
        raise _unknown_subject(f"{node_id} prints no {subject!r}")


def _unknown_subject(what: str) -> UnknownRateSubject:
    advice = f"{what}: take a subject from the node's offers, or leave it out for the whole node"
    return UnknownRateSubject(advice, problems=(FieldProblem(pointer="/subject", message=advice),))


def _view(row: NodeRate | None) -> RateView:
    assert row is not None, "a rate that was just saved is there"
    return RateView(**row.model_dump())


def _cursor(rate: RateView) -> str:
    return _SEPARATOR.join((rate.code, rate.valid_from.isoformat(), rate.subject))


def _after(cursor: str | None) -> tuple[str, str, date] | None:
    """Return code, subject and day of the last rate that was seen; none for a cursor that no list has given out."""
    code, _, rest = (cursor or "").partition(_SEPARATOR)
    day, _, subject = rest.partition(_SEPARATOR)
    try:
        return code, subject, date.fromisoformat(day)
    except ValueError:
        return None
