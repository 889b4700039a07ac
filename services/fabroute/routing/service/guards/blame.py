"""Noting that a run broke: its lines become suspects, or are parked, which is audited, told and logged."""

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.identity.service import AuditRecord, record_audits
from fabroute.orders.service import ClaimedLine
from fabroute.orders.service.suspects import BrokenLine, note_broken_run

_ACTOR = "system:routing"

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("fabroute.routing")


def blame(engine: Engine, *, scope: str, lines: Sequence[ClaimedLine], why: str, now: datetime) -> None:
    """Count a broken run of the lines that are still the caller's, in a transaction of its own.

    All go to the suspects of ``scope``; a line with which too many runs broke is parked. ``why`` is a few words.
    """
    fences = {line.line_id: line.fence for line in lines}
    with unit_of_work(engine) as session:
        broken = note_broken_run(session, scope=scope, fences=fences, why=why, now=now)
        parked = [line for line in broken if line.state == "parked"]
        record_audits(session, entries=[_audit(line, why=why, now=now) for line in parked])
    _log.error("routing.run_broke", scope=scope, lines=len(lines), reason=why)
    for line in parked:
        _log.critical("routing.line_parked", line_id=line.line_id, order_id=line.order_id, reason=why)


def _audit(line: BrokenLine, *, why: str, now: datetime) -> AuditRecord:
    return AuditRecord(
        organisation_id=line.organisation_id,
        occurred_at=now,
        actor=_ACTOR,
        action="order_line.parked",
        subject_type="order_line",
        subject_id=line.line_id,
        data={"order_id": line.order_id, "broken_runs": line.broken_runs, "why": why},
    )
