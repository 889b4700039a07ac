"""How a client works on a job: leases, heartbeats, files, cancels and reports."""

from collections.abc import Iterator, Sequence

from fabroute.bureau.conformance.exchanges import Exchange, claimed_jobs, reports_of, tells_of_prints
from fabroute.bureau.conformance.verdicts import Finding, failed, not_seen, passed

Log = Sequence[Exchange]
_LATE = 1.1
"""A heartbeat may come so much later than it was asked for: networks differ."""
_ENDS = ("shipments", "failure", "decline")
_AFTER_LOSS = ("reports", "prints")
"""What a client may still tell of a job that it lost: prints that exist."""
_AFTER_ACCEPTANCE = ("file-tickets", "reports", "prints", "start", "heartbeat", "shipments")
_ENOUGH_BEATS = 2
"""So many heartbeats after a wish to cancel, a client has had the time to answer."""


def writes_name_the_lease(log: Log) -> Finding:
    """Every write to a claimed job carries the lease and epoch of its claim."""
    good: Exchange | None = None
    for write in _writes(log):
        leases = [job.lease for job in claimed_jobs(log) if job.job_id == write.job_id and job.by.number < write.number]
        if leases and write.lease != leases[-1]:
            return failed(write, f"Fabroute-Lease is {write.lease or 'missing'}, not {leases[-1]}")
        good = write if leases else good
    return passed(good) if good else not_seen("nothing was written to a claimed job")


def jobs_are_accepted_before_work(log: Log) -> Finding:
    """Nothing is fetched, reported or held before the job was accepted."""
    accepted: set[str] = set()
    good: Exchange | None = None
    for write in _writes(log):
        if write.step == "acceptance" and write.is_good:
            accepted.add(write.job_id)
        elif write.step in _AFTER_ACCEPTANCE and write.job_id not in accepted:
            return failed(write, "the job was not accepted before")
        elif write.step in _AFTER_ACCEPTANCE:
            good = good or write
    return passed(good) if good else not_seen("no accepted job was worked on")


def heartbeats_come_in_time(log: Log) -> Finding:
    """From acceptance on a sign of life comes within the time that the claim told."""
    good: Exchange | None = None
    for job_id, allowed in {job.job_id: job.heartbeat_seconds * _LATE for job in claimed_jobs(log)}.items():
        last: Exchange | None = None
        for sign in _signs(log, job_id):
            if last is not None and sign.started - last.ended > allowed:
                return failed(
                    sign, f"{sign.started - last.ended:.0f} s after the last one; {allowed / _LATE:.0f} allowed"
                )
            good = sign if sign.step == "heartbeat" else good
            last = sign
        if last is not None and _is_open(log, job_id) and log[-1].ended - last.ended > allowed:
            return failed(last, f"no heartbeat in the {log[-1].ended - last.ended:.0f} s after this")
    return passed(good) if good else not_seen("no heartbeat came, and none was due yet")


def work_stops_when_the_lease_is_lost(log: Log) -> Finding:
    """After 409 lease_lost nothing is done under that lease any more, but to tell of prints that exist."""
    good: Exchange | None = None
    given = {job.lease for job in claimed_jobs(log)}
    for loss in (it for it in log if it.lease in given and _is_loss(it)):
        for later in log:
            under_it = later.job_id == loss.job_id and later.lease == loss.lease and later.number > loss.number
            if under_it and later.step not in _AFTER_LOSS and later.started > loss.ended:
                return failed(later, f"the lease was lost {later.started - loss.ended:.1f} s before")
        good = good or loss
    return passed(good) if good else not_seen("no lease was lost: have three jobs in the queue, or report about one")


def damaged_files_are_fetched_again(log: Log) -> Finding:
    """A file that does not have its SHA-256 is fetched with another ticket, and nothing is printed of it before."""
    damage = next((it for it in log if it.fault == "damaged_file"), None)
    if damage is None:
        return not_seen("no print file was fetched")
    job_id = _job_of_ticket(log, damage)
    for later in (it for it in log if it.number > damage.number):
        if later.job_id == job_id and tells_of_prints(later):
            return failed(later, "printed of a file whose SHA-256 is wrong")
        if later.is_download and later.is_good and _job_of_ticket(log, later) == job_id:
            return passed(later)
        if later.job_id == job_id and later.step == "failure":
            return passed(later)
    return not_seen(f"the file of {job_id} came damaged and was not fetched again yet")


def tickets_are_used_once(log: Log) -> Finding:
    """Each ticket serves for one download."""
    used: set[str] = set()
    for download in (it for it in log if it.is_download):
        if download.path in used:
            return failed(download, "this ticket was used before: ask for another one")
        used.add(download.path)
    last = next((it for it in reversed(log) if it.is_download), None)
    return passed(last) if last else not_seen("no print file was fetched")


def cancel_requests_are_answered(log: Log) -> Finding:
    """A wish to cancel is answered, and nothing new is started before."""
    wish = next((it for it in log if it.fault == "cancel_requested"), None)
    if wish is None:
        return not_seen("no heartbeat could tell of a cancel: have two jobs in the queue, or report about one")
    beats = 0
    for later in (it for it in log if it.job_id == wish.job_id and it.number > wish.number):
        if later.step == "cancellation":
            told = later.sent()
            if isinstance(told, dict) and isinstance(told.get("agreed"), bool):
                return passed(later)
            return failed(later, 'say {"agreed": true} or {"agreed": false, "reason": …}')
        if later.step == "start" or any(report.get("name") == "started" for report in reports_of(later)):
            return failed(later, "started although the customer asked to cancel")
        beats += later.step == "heartbeat"
        if beats >= _ENOUGH_BEATS:
            return failed(later, "the wish to cancel is not answered")
    return not_seen("the wish to cancel was told, and time is left to answer it")


def reports_are_numbered_in_order(log: Log) -> Finding:
    """Reports of a lease count 1, 2, 3 …; a repeated number has the same content."""
    known: dict[tuple[str, str, int], object] = {}
    last: dict[tuple[str, str], int] = {}
    good: Exchange | None = None
    for exchange in log:
        for report in reports_of(exchange):
            of, number = (exchange.job_id, exchange.lease), report.get("sequence")
            if not isinstance(number, int) or number > last.get(of, 0) + 1:
                return failed(exchange, f"sequence is {number}, {last.get(of, 0) + 1} comes next")
            if known.setdefault((*of, number), report) != report:
                return failed(exchange, f"report {number} was sent before with other content")
            last[of] = max(number, last.get(of, 0))
            good = exchange
    return passed(good) if good else not_seen("nothing was reported with POST /v1/jobs/{id}/reports")


def _writes(log: Log) -> Iterator[Exchange]:
    return (it for it in log if it.job_id and it.step and it.method != "GET")


def _signs(log: Log, job_id: str) -> Iterator[Exchange]:
    """Yield the acceptance of a job and the heartbeats after it, as far as they were taken."""
    accepted = False
    for it in log:
        if it.job_id == job_id and it.step == "acceptance" and it.is_good:
            accepted = True
            yield it
        elif it.job_id == job_id and accepted and it.step == "heartbeat":
            yield it


def _is_open(log: Log, job_id: str) -> bool:
    """Return whether a job is still worked on at the end of the log."""
    of_job = [it for it in log if it.job_id == job_id]
    over = any(it.step in _ENDS and it.is_good for it in of_job)
    agreed = any(it.step == "cancellation" and (it.sent() or {}).get("agreed") is not False for it in of_job)
    return not (over or agreed or any(map(_is_loss, of_job)))


def _is_loss(exchange: Exchange) -> bool:
    return exchange.status == 409 and (exchange.got() or {}).get("code") == "lease_lost"


def _job_of_ticket(log: Log, download: Exchange) -> str:
    """Return which job a download's ticket was given for; empty if it was not given here."""
    for it in reversed([it for it in log if it.number < download.number and it.step == "file-tickets"]):
        told = it.got()
        if isinstance(told, dict) and str(told.get("url", "")).endswith(download.path):
            return it.job_id
    return ""
