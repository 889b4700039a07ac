"""Make the readiness reports that are asked for, piece by piece: a killed worker loses seconds, no report.

Nothing is open in the database while parts are looked at. Every piece is of the instant at which the report was begun.
"""

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.outbox.service import record
from fabroute.routing import events
from fabroute.routing.models import ReadinessEntry
from fabroute.routing.repository import readiness as rows
from fabroute.routing.repository.readiness import ClaimedReport
from fabroute.routing.rules.readiness import LOOKAHEAD_DAYS, READINESS_STATES, is_worse
from fabroute.routing.service.readiness_asks import OwnParts, asks_of, read_own_parts
from fabroute.routing.service.readiness_books import Books, read_books
from fabroute.routing.service.readiness_making import Readiness, readiness_of
from fabroute.routing.service.readiness_sources import ShortEntry, ranked_sources

MOST_CHANGES_NAMED = 200

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("fabroute.readiness")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadinessLimits:
    """How long a claim holds, how many entries are kept at a time, and when a call gives its report back."""

    horizon_days: int
    lease_seconds: float = 60.0
    piece: int = 25
    seconds: float = 10.0
    attempt_cap: int = 3
    """After so many claims in a row without a single entry a report is given up."""


def make_readiness(engine: Engine, *, limits: ReadinessLimits, now: datetime) -> int | None:
    """Go on with a report that waits, for ``limits.seconds``; return how many entries it got, ``None`` if none waits.

    What is left when the time is over waits for the next call.
    """
    with unit_of_work(engine) as session:
        claimed = rows.claim(session, lease_seconds=limits.lease_seconds, now=now)
    if claimed is None:
        return None
    if claimed.attempts > limits.attempt_cap:
        return _give_up(engine, claimed, limits)
    maker = _Maker(engine, claimed, limits)
    made = maker.make_until(time.monotonic() + limits.seconds)
    _log.info("readiness.made", report_id=claimed.report_id, entries=made, attempt=claimed.attempts)
    return made


class _Maker:
    """The making of one report."""

    def __init__(self, engine: Engine, claimed: ClaimedReport, limits: ReadinessLimits) -> None:
        self._engine = engine
        self._claimed = claimed
        self._limits = limits
        with unit_of_work(engine, repeatable_read=True) as session:
            self._books: Books = read_books(session, now=claimed.as_of, horizon_days=limits.horizon_days)
            parts: OwnParts = read_own_parts(session, organisation_id=claimed.organisation_id)
            done = {(row.part_id, row.region) for row in rows.read_all_entries(session, claimed.report_id)}
        asks = asks_of(parts, self._books.now.snapshot.network.nodes.values())
        self._asks = [ask for ask in asks if (ask.revision.part_id, ask.wanted.region) not in done]

    def make_until(self, deadline: float) -> int:
        """Look at part after part until all are seen, time is over, or the claim is lost; return the entries kept."""
        made = 0
        for first in range(0, len(self._asks), self._limits.piece):
            if made and time.monotonic() >= deadline:
                self._give_back()
                return made
            piece = self._asks[first : first + self._limits.piece]
            if not self._keep([readiness_of(self._books, ask) for ask in piece]):
                return made
            made += len(piece)
        with unit_of_work(self._engine) as session:
            _finish(session, self._claimed)
        return made

    def _keep(self, found: Sequence[Readiness]) -> bool:
        entries = [_row(self._claimed.report_id, each) for each in found]
        with unit_of_work(self._engine) as session:
            return rows.keep_entries(session, self._claimed, entries, lease_seconds=self._limits.lease_seconds)

    def _give_back(self) -> None:
        with unit_of_work(self._engine) as session:
            rows.release(session, self._claimed)


def _give_up(engine: Engine, claimed: ClaimedReport, limits: ReadinessLimits) -> int:
    reason = f"making it broke off {limits.attempt_cap} times: see the worker's log"
    with unit_of_work(engine) as session:
        rows.finish(session, claimed, state="failed", document=json.dumps({"reason": reason}))
    _log.error("readiness.given_up", report_id=claimed.report_id, attempts=claimed.attempts)
    return 0


def _finish(session: Session, claimed: ClaimedReport) -> None:
    """Write what the entries come to, tell what changed, and keep the entries of this report and the one before."""
    before = rows.find_reports(session, organisation_id=claimed.organisation_id, state="made")
    old = {(it.part_id, it.region): it.state for report in before for it in rows.read_all_entries(session, report.id)}
    entries = rows.read_all_entries(session, claimed.report_id)
    changed = [(each, old[each.part_id, each.region]) for each in entries if _changed(each, old)]
    document = report_document(claimed, entries, changed)
    if not rows.finish(session, claimed, state="made", document=json.dumps(document)):
        return
    kept = [claimed.report_id, *(report.id for report in before)]
    rows.drop_entries_before(session, organisation_id=claimed.organisation_id, report_ids=kept)
    for what in ("worsened", "improved"):
        parts = list(dict.fromkeys(change["part"] for change in document[what]))
        if parts:
            event = events.readiness_changed(
                what,
                report_id=claimed.report_id,
                organisation_id=claimed.organisation_id,
                parts=parts,
                now=claimed.as_of,
            )
            record(session, event)


def report_document(
    claimed: ClaimedReport, entries: Sequence[ReadinessEntry], changed: Sequence[tuple[ReadinessEntry, str]]
) -> dict[str, Any]:
    """Return what a report says above its entries, as plain JSON; ``changed`` with the state of the report before."""
    states = Counter(entry.state for entry in entries)
    worse = [_change(each, old) for each, old in changed if is_worse(each.state, old)]
    better = [_change(each, old) for each, old in changed if not is_worse(each.state, old)]
    return {
        "later_at": (claimed.as_of + timedelta(days=LOOKAHEAD_DAYS)).isoformat(),
        "parts": len({entry.part_id for entry in entries}),
        "counts": {state: states[state] for state in READINESS_STATES},
        "worsened": worse[:MOST_CHANGES_NAMED],
        "improved": better[:MOST_CHANGES_NAMED],
        "sources": ranked_sources(_short(entry) for entry in entries if entry.state != "ready"),
    }


def _changed(entry: ReadinessEntry, old: Mapping[tuple[str, str], str]) -> bool:
    return old.get((entry.part_id, entry.region), entry.state) != entry.state


def _change(entry: ReadinessEntry, old: str) -> dict[str, str]:
    return {"part": entry.part_no, "region": entry.region, "from": old, "to": entry.state}


def _short(entry: ReadinessEntry) -> ShortEntry:
    return ShortEntry(
        part_no=entry.part_no, region=entry.region, second_sources=entry.document.get("second_sources", ())
    )


def _row(report_id: str, each: Readiness) -> dict[str, Any]:
    revision, wanted = each.ask.revision, each.ask.wanted
    return {
        "report_id": report_id,
        "part_id": revision.part_id,
        "region": wanted.region,
        "part_no": revision.part_no,
        "revision_id": revision.revision_id,
        "quantity": wanted.quantity,
        "state": each.state,
        "nodes_now": each.nodes_now,
        "nodes_later": each.nodes_later,
        "document": dict(each.document),
    }
