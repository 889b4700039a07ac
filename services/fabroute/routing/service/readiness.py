"""Readiness reports: asked for by their owner or every night, read with filters, compared with the one before."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.inventory.service import owners_of_released_revisions
from fabroute.kernel.errors import DomainError
from fabroute.kernel.ids import new_id
from fabroute.outbox.service import record
from fabroute.routing import events
from fabroute.routing.models import ReadinessEntry, ReadinessReport
from fabroute.routing.repository import readiness as rows
from fabroute.routing.repository.readiness import EntryFilter
from fabroute.routing.rules.readiness import is_worse

NIGHTLY = "system:readiness"
_BETWEEN = "|"
_UNREADY = ("no_route", "ends_soon")
_MOST_REGIONS = 20


class NoReadinessReport(DomainError):
    """No readiness report has been made yet."""

    code = "no_readiness_report"
    status = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedReport:
    """A report that is asked for and not made yet."""

    report_id: str
    asked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportView:
    """A report without its entries; ``document`` holds counts, changes and ranked second sources, as plain JSON."""

    report_id: str
    as_of: datetime
    entries: int
    document: Mapping[str, Any]
    asked: AskedReport | None
    """A newer one that is asked for."""
    failed_at: datetime | None
    """When a newer one was asked for that could not be made; ``None`` otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryView:
    """How ready the network is to make one part for one region; ``document`` says why, as plain JSON."""

    part_id: str
    part_no: str
    region: str
    revision_id: str
    quantity: int
    state: str
    nodes_now: int
    nodes_later: int
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryQuery:
    """Which entries of the latest report are asked for; ``None`` means any."""

    organisation_id: str
    state: str | None = None
    part: str | None = None
    """A part number."""
    region: str | None = None
    cursor: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadyParts:
    """Parts and regions that nobody can make now, then those that nobody can in 30 days; and how many there are."""

    entries: tuple[EntryView, ...]
    total: int
    as_of: datetime | None
    """``None`` before the first report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartReadiness:
    """What the latest report says of one part, region by region; ``as_of`` is ``None`` before the first report."""

    as_of: datetime | None
    entries: tuple[EntryView, ...]
    asked: AskedReport | None
    """A newer report that is asked for."""
    failed_at: datetime | None
    """When a newer one was asked for that could not be made."""


def ask_readiness(session: Session, *, organisation_id: str, actor: str, now: datetime) -> AskedReport:
    """Ask for a report of an organisation's parts, to be made by a worker; one that is asked for already stands."""
    report_id = new_id("rdy")
    if rows.ask(session, report_id=report_id, organisation_id=organisation_id, asked_by=actor, now=now):
        record(session, events.readiness_asked(report_id=report_id, organisation_id=organisation_id, now=now))
        return AskedReport(report_id=report_id, asked_at=now)
    (asked,) = rows.find_reports(session, organisation_id=organisation_id, state="asked")
    return AskedReport(report_id=asked.id, asked_at=asked.asked_at)


def ask_nightly(session: Session, *, now: datetime) -> int:
    """Ask for a report of every owner of released parts that has none of this day (UTC); return how many."""
    midnight = datetime.combine(now.astimezone(UTC).date(), time(), tzinfo=UTC)
    have = rows.asked_since(session, midnight)
    owners = [owner for owner in owners_of_released_revisions(session) if owner not in have]
    for owner in owners:
        ask_readiness(session, organisation_id=owner, actor=NIGHTLY, now=now)
    return len(owners)


def readiness_due(session: Session) -> bool:
    """Tell whether a report waits for a worker."""
    return rows.any_due(session)


def get_report(session: Session, *, organisation_id: str) -> ReportView:
    """Return the latest report of an organisation; ``NoReadinessReport`` if there is none."""
    report = _latest(session, organisation_id)
    return ReportView(
        report_id=report.id,
        as_of=report.as_of or report.asked_at,
        entries=report.entries,
        document=report.document,
        asked=asked_report(session, organisation_id=organisation_id),
        failed_at=_failed_since(session, organisation_id, (report,)),
    )


def list_entries(session: Session, *, query: EntryQuery) -> Page[EntryView]:
    """Return a page of the latest report, by part number and region; ``NoReadinessReport`` if there is none."""
    report = _latest(session, query.organisation_id)
    part, _, region = (query.cursor or "").rpartition(_BETWEEN)
    wanted = EntryFilter(
        state=query.state,
        part=query.part,
        region=query.region,
        after=None if query.cursor is None else (part, region),
    )
    found = rows.read_entries(session, report.id, wanted, limit=query.limit + 1)
    return page_of([_entry(row) for row in found], limit=query.limit, cursor_of=_cursor)


def read_part_readiness(session: Session, *, organisation_id: str, part_no: str) -> PartReadiness:
    """Return how ready the network is to make one part, and whether that is being reckoned again."""
    made = rows.find_reports(session, organisation_id=organisation_id, state="made")
    wanted = EntryFilter(part=part_no)
    entries = [_entry(row) for it in made for row in rows.read_entries(session, it.id, wanted, limit=_MOST_REGIONS)]
    return PartReadiness(
        as_of=made[0].as_of if made else None,
        entries=tuple(entries),
        asked=asked_report(session, organisation_id=organisation_id),
        failed_at=_failed_since(session, organisation_id, made),
    )


def read_states(session: Session, *, organisation_id: str, part_ids: Collection[str]) -> Mapping[str, str]:
    """Return the worst state of each part over its regions, by part, as the latest report has it."""
    states: dict[str, str] = {}
    for report in rows.find_reports(session, organisation_id=organisation_id, state="made") if part_ids else ():
        for part_id, state in rows.read_states(session, report.id, part_ids):
            if part_id not in states or is_worse(state, states[part_id]):
                states[part_id] = state
    return states


def asked_report(session: Session, *, organisation_id: str) -> AskedReport | None:
    """Return the report that an organisation waits for, ``None`` where it waits for none."""
    found = rows.find_reports(session, organisation_id=organisation_id, state="asked")
    return AskedReport(report_id=found[0].id, asked_at=found[0].asked_at) if found else None


def list_unready(session: Session, *, organisation_id: str, limit: int = 20) -> UnreadyParts:
    """Return what of an owner's latest report nobody can make, or nobody will soon; nothing before the first report."""
    found = rows.find_reports(session, organisation_id=organisation_id, state="made")
    if not found:
        return UnreadyParts(entries=(), total=0, as_of=None)
    counts = found[0].document.get("counts", {})
    entries: list[EntryView] = []
    for state in _UNREADY:
        left = limit - len(entries)
        entries += [
            _entry(row) for row in rows.read_entries(session, found[0].id, EntryFilter(state=state), limit=left)
        ]
    total = sum(int(counts.get(state, 0)) for state in _UNREADY)
    return UnreadyParts(entries=tuple(entries), total=max(total, len(entries)), as_of=found[0].as_of)


def _latest(session: Session, organisation_id: str) -> ReadinessReport:
    found = rows.find_reports(session, organisation_id=organisation_id, state="made")
    if found:
        return found[0]
    if rows.find_reports(session, organisation_id=organisation_id, state="asked"):
        raise NoReadinessReport("your first readiness report is being made: ask again in a moment")
    raise NoReadinessReport("no readiness report was made yet: POST /v1/readiness asks for one")


def _failed_since(session: Session, organisation_id: str, made: Sequence[ReadinessReport]) -> datetime | None:
    """Return when a report was asked for that could not be made, if none was made since."""
    failed = rows.find_reports(session, organisation_id=organisation_id, state="failed")
    return failed[0].asked_at if failed and all(failed[0].id > it.id for it in made) else None


def _entry(row: ReadinessEntry) -> EntryView:
    facts = row.model_dump()
    del facts["report_id"]
    return EntryView(**facts)


def _cursor(entry: EntryView) -> str:
    return f"{entry.part_no}{_BETWEEN}{entry.region}"
