"""What was promised and may still move: read it, and look at the network as if it held nothing."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta

from sqlmodel import Session

from fabroute.inventory.service import LicenceView, leases_of
from fabroute.network.service import Held, NetworkView, read_held
from fabroute.orders.service import StandingLine, read_standing_lines
from fabroute.routing import repository
from fabroute.routing.ports import StandingJob, StandingJobs
from fabroute.routing.service.decisions import DecisionSummary
from fabroute.routing.snapshot import RoutingSnapshot, Standing

NOTHING_HELD = Held(grams={}, minutes={})


def read_standing(
    session: Session, jobs: StandingJobs, *, scope: str, limit: int, now: datetime
) -> tuple[Standing, ...]:
    """Return up to ``limit`` lines of a planning scope that may move, by id; every minute draws others.

    Left out are lines whose machine time has begun to pass, and those without a promise.
    """
    by_line = {job.order_line_id: job for job in jobs.read(session, scope=scope, limit=limit, salt=f"{now:%Y%m%d%H%M}")}
    if not by_line:
        return ()
    lines = read_standing_lines(session, line_ids=by_line)
    rows = repository.read_summaries(session, {line.decision_id for line in lines})
    decisions = {row["decision_id"]: DecisionSummary(**row) for row in rows}
    found = (_standing(line, by_line[line.line.line_id], decisions.get(line.decision_id)) for line in lines)
    held = _with_all_held(session, [each for each in found if each is not None])
    return tuple(each for each in held if each.held.minutes and all(day >= now.date() for _, day in each.held.minutes))


def given_back(snapshot: RoutingSnapshot, standing: Collection[Standing]) -> RoutingSnapshot:
    """Return the snapshot with all that standing lines hold free again: minutes, grams, licensed prints."""
    prints: Counter[str | None] = Counter()
    for each in standing:
        prints[each.licence_id] += each.prints
    return replace(
        snapshot,
        network=freed(snapshot.network, standing),
        licences={
            revision_id: tuple(_returned(licence, prints[licence.licence_id]) for licence in licences)
            for revision_id, licences in snapshot.licences.items()
        },
        standing={each.line.line_id: each for each in standing},
    )


def freed(network: NetworkView, standing: Iterable[Standing]) -> NetworkView:
    """Return the network with the minutes and grams of standing lines free again."""
    grams, minutes = held_by(standing)
    first = network.first_day
    return replace(
        network,
        lots=tuple(replace(lot, remaining_grams=lot.remaining_grams + grams[lot.lot_id]) for lot in network.lots),
        capacity={
            machine_id: tuple(
                left + minutes[machine_id, first + timedelta(days=offset)] for offset, left in enumerate(days)
            )
            for machine_id, days in network.capacity.items()
        },
    )


def held_by(standing: Iterable[Standing]) -> tuple[Counter[str], Counter[tuple[str, date]]]:
    """Return what standing lines hold together: grams by lot, minutes by machine and day."""
    grams: Counter[str] = Counter()
    minutes: Counter[tuple[str, date]] = Counter()
    for each in standing:
        grams.update(each.held.grams)
        minutes.update(each.held.minutes)
    return grams, minutes


def _returned(licence: LicenceView, prints: int) -> LicenceView:
    return replace(licence, leased_prints=licence.leased_prints - prints)


def _with_all_held(session: Session, standing: Collection[Standing]) -> list[Standing]:
    job_ids = [each.job.job_id for each in standing]
    held, leases = read_held(session, job_ids=job_ids), leases_of(session, job_ids=job_ids)
    filled = []
    for each in standing:
        lease = leases.get(each.job.job_id)
        filled.append(
            replace(
                each,
                held=held.get(each.job.job_id, each.held),
                licence_id=None if lease is None else lease.licence_id,
                prints=0 if lease is None else lease.left,
            )
        )
    return filled


def _standing(line: StandingLine, job: StandingJob, decision: DecisionSummary | None) -> Standing | None:
    """Return a line with its decision, what it holds still to be read; ``None`` where nothing was promised."""
    if decision is None or decision.landed_minor is None or decision.promised_at is None:
        return None
    promised_at, promised_minor = line.promised_at, line.promised_minor
    return Standing(
        line=line.line,
        fence=line.fence,
        job=job,
        held=NOTHING_HELD,
        licence_id=None,
        prints=0,
        decision_id=line.decision_id,
        city=decision.city or "",
        landed_minor=decision.landed_minor,
        promised_at=decision.promised_at,
        co2e_g=decision.co2e_g or 0,
        latest_at=decision.promised_at if promised_at is None else max(promised_at, decision.promised_at),
        most_minor=decision.landed_minor if promised_minor is None else max(promised_minor, decision.landed_minor),
    )
