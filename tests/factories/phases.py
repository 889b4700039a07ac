"""Jobs on their way: claimed by clients, worked on under a lease, left by silent nodes."""

from datetime import datetime, timedelta
from itertools import count

from fabroute.identity.rules import Principal
from fabroute.production.service import JobView, get_job
from fabroute.production.service.claims import AskedClaim, Claimed, ClaimTerms, claim_jobs
from fabroute.production.service.leases import Lease
from fabroute.production.service.phases.policies import BandChange, state_policy
from fabroute.production.service.phases.watching import Watched, watch_leases
from fabroute.production.service.reports.inbox import Reported, take_reports
from fabroute.production.service.reports.rules import NewReport
from tests.factories.organisations import NOW
from tests.factories.production import BUREAU_KEY, Floor

_numbers = count(1)
_CLOCK = {
    "claim": "UPDATE jobs SET lease_until = clock_timestamp() - interval '1 second' WHERE id = :it RETURNING id",
    "offer": "UPDATE jobs SET offered_at = clock_timestamp() - interval '901 seconds',"
    " offer_until = clock_timestamp() - interval '1 second' WHERE id = :it RETURNING id",
    "half": "UPDATE jobs SET offered_at = clock_timestamp() - interval '451 seconds',"
    " offer_until = clock_timestamp() + interval '449 seconds' WHERE id = :it RETURNING id",
    "fresh": "UPDATE jobs SET offered_at = clock_timestamp(),"
    " offer_until = clock_timestamp() + interval '900 seconds' WHERE id = :it RETURNING id",
}


def claimed(floor: Floor, job_id: str, *, key: Principal = BUREAU_KEY) -> Lease:
    """Have a client of the bureau claim a job; return its lease."""
    number = next(_numbers)
    ask = AskedClaim(
        principal=key, node_id="N101", idempotency_key=f"claim-{number}", request_sha256=f"{number}", job_id=job_id
    )
    terms = ClaimTerms(answer=lambda packets: b"", offer_seconds=900)
    (result,) = floor.do(lambda session: claim_jobs(session, asked=(ask,), terms=terms, now=NOW))
    assert isinstance(result, Claimed), result
    return lease_of(floor, job_id)


def lease_of(floor: Floor, job_id: str) -> Lease:
    """Return the lease that holds a job now."""
    job = job_of(floor, job_id)
    assert job.lease_id is not None
    return Lease(lease_id=job.lease_id, epoch=job.lease_epoch)


def job_of(floor: Floor, job_id: str) -> JobView:
    """Return a job as it is."""
    return floor.do(lambda session: get_job(session, principal=BUREAU_KEY, job_id=job_id))


def time_passes(floor: Floor, job_id: str, *, over: str) -> None:
    """Let the time of a job's ``claim`` or ``offer`` be over, ``half`` of the offer's, or nothing of it (``fresh``)."""
    floor.table(_CLOCK[over], it=job_id)


def watched(floor: Floor) -> Watched:
    """Have a worker look after silent nodes."""
    return floor.do(lambda session: watch_leases(session, now=NOW))


def given_band(floor: Floor, *, fraction: float = 0.0, days: int = 0, hold: bool = False) -> None:
    """State the owner's policy."""
    change = BandChange(counter_price_fraction=fraction, counter_days=days, hold_not_manufacturable=hold)
    floor.do(
        lambda session: state_policy(
            session,
            organisation_id=floor.owner.organisation_id,
            change=change,
            expected_version=None,
            actor=floor.owner.key_id,
            now=NOW,
        )
    )


def a_report(sequence: int, name: str, *, at: datetime | None = None, **data: object) -> NewReport:
    """Return a report; by its node's clock, a minute after the one before it."""
    return NewReport(sequence=sequence, name=name, occurred_at=at or NOW + timedelta(minutes=sequence), data=data)


def reported(floor: Floor, job_id: str, *reports: NewReport, lease: Lease | None) -> Reported:
    """Have the bureau's client send reports in one request."""
    return floor.do(
        lambda session: take_reports(
            session, principal=BUREAU_KEY, job_id=job_id, reports=reports, lease=lease, now=NOW
        )
    )
