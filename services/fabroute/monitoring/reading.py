"""Reads the figures of an installation: a few statements, each with a time limit, in one transaction."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Engine, RowMapping, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from fabroute.database import unit_of_work, walk_indexes
from fabroute.monitoring import statements
from fabroute.monitoring.figures import (
    GROUPS,
    AuditFigures,
    DecisionFigures,
    Figures,
    HolderFigures,
    JobFigures,
    LineFigures,
    OutboxFigures,
    ProgramFigures,
    RunFigures,
    ScopeFigures,
    ServerFigures,
    WebhookFigures,
)

STATEMENT_SECONDS = 2.0
"""What takes longer is left out, and told as failed: whoever watches must not be the load."""
_TOTAL_SECONDS = 5.0
_LONGEST_REASON = 120


def read_figures(
    engine: Engine,
    *,
    now: datetime,
    statement_seconds: float = STATEMENT_SECONDS,
    clock: Callable[[], float] = time.time,
) -> Figures:
    """Return the figures at ``now``; groups whose statements took too long are missing, with the reason.

    ``clock`` is this machine's, in seconds since 1970, to which the database's is compared.

    Raises the database's ``OperationalError`` where it does not answer at all.
    """
    began, found, failed = time.monotonic(), dict[str, Any](), dict[str, str]()
    readers: dict[str, Callable[[Session], Any]] = {**_READERS, "server": partial(_server, clock=clock)}
    with unit_of_work(engine, repeatable_read=True) as session:
        _limit(session, statement_seconds)
        for group in GROUPS:
            if time.monotonic() - began > _TOTAL_SECONDS:
                failed[group] = "there was no time left for it"
                continue
            try:
                with session.begin_nested():
                    found[group] = readers[group](session)
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise
                failed[group] = str(error.orig).strip().partition("\n")[0][:_LONGEST_REASON]
    seconds = time.monotonic() - began
    return replace(Figures(read_at=now, read_seconds=seconds, failed=failed), **found)


def _limit(session: Session, seconds: float) -> None:
    """Let nothing be changed, or take long."""
    walk_indexes(session)
    session.connection().execute(text("SET TRANSACTION READ ONLY"))
    session.connection().execute(text(f"SET LOCAL statement_timeout = {max(1, round(seconds * 1000))}"))


def _rows(session: Session, statement: str) -> list[RowMapping]:
    return list(session.connection().execute(text(statement)).mappings())


def _one(session: Session, statement: str) -> dict[str, Any]:
    return dict(session.connection().execute(text(statement)).mappings().one())


def _lines(session: Session) -> LineFigures:
    scopes = tuple(ScopeFigures(**row) for row in _rows(session, statements.OPEN_LINES))
    return LineFigures(scopes=scopes, **_one(session, statements.STOPPED_LINES))


def _holders(session: Session) -> HolderFigures:
    found = _rows(session, statements.HOLDERS)
    return HolderFigures(
        holders={row["name"]: row["holder"] for row in found if not row["has_lapsed"]},
        lapsed=sum(1 for row in found if row["has_lapsed"]),
    )


def _jobs(session: Session) -> JobFigures:
    offered = {row["node_id"]: row["jobs"] for row in _rows(session, statements.OFFERED_JOBS)}
    return JobFigures(offered=offered, **_one(session, statements.OTHER_JOBS))


def _outbox(session: Session) -> OutboxFigures:
    return OutboxFigures(**_one(session, statements.OUTBOX))


def _webhooks(session: Session) -> WebhookFigures:
    disabled = {row["cause"]: row["endpoints"] for row in _rows(session, statements.DISABLED_ENDPOINTS)}
    return WebhookFigures(disabled=disabled, **_one(session, statements.WEBHOOKS))


def _runs(session: Session) -> tuple[RunFigures, ...]:
    return tuple(RunFigures(**row) for row in _rows(session, statements.RUNS))


def _decisions(session: Session) -> DecisionFigures:
    binding = _rows(session, statements.BINDING)
    return DecisionFigures(
        decisions=sum(row["decisions"] for row in binding),
        excluded={row["code"]: row["nodes"] for row in _rows(session, statements.EXCLUSIONS)},
        no_route={row["code"]: row["lines"] for row in binding if row["code"] is not None and row["lines"]},
        reroutes={row["cause"]: row["jobs"] for row in _rows(session, statements.REROUTES)},
    )


def _audit(session: Session) -> AuditFigures:
    return AuditFigures(**_one(session, statements.AUDIT))


def _programs(session: Session) -> ProgramFigures:
    found = _rows(session, statements.PROGRAMS)
    return ProgramFigures(connections={row["program"]: row["connections"] for row in found})


def _server(session: Session, *, clock: Callable[[], float]) -> ServerFigures:
    asked = clock()
    found = _one(session, statements.SERVER)
    theirs, answered = found.pop("clock"), clock()
    apart = min(theirs - asked, 0.0) + max(theirs - answered, 0.0)  # 0 where theirs lies between the two
    return ServerFigures(clock_apart_seconds=apart, **found)


_READERS: Mapping[str, Callable[[Session], Any]] = {
    "lines": _lines,
    "holders": _holders,
    "jobs": _jobs,
    "outbox": _outbox,
    "webhooks": _webhooks,
    "runs": _runs,
    "decisions": _decisions,
    "audit": _audit,
    "programs": _programs,
}


def as_document(figures: Figures) -> dict[str, Any]:
    """Return figures as plain values, for JSON."""
    return asdict(figures)
