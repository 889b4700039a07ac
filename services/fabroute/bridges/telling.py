"""Tells the foreign system what is to be told, in the order of each of its orders, until it has heard."""

from fabroute.bridges.bench import Bench, pause_seconds
from fabroute.bridges.journal import Report
from fabroute.bridges.wire import Refused, Unavailable

_ACCESS_SECONDS = 60.0


def tell_all(bench: Bench) -> int:
    """Send every report whose time has come, and return how many got through.

    Of one order, a report waits for the one before it.
    """
    now, sent, blocked = bench.now().timestamp(), 0, set[int]()
    for report in bench.journal.to_tell(now=now):
        if report.entry_id in blocked:
            continue
        if _tell(bench, report):
            sent += 1
        else:
            blocked.add(report.entry_id)
    return sent


def _tell(bench: Bench, report: Report) -> bool:
    """Send one report; ``False`` if it has to wait."""
    try:
        bench.foreign.tell(bench.journal.get(report.entry_id), report)
    except Unavailable as silence:
        _put_off(bench, report, silence.message, silence.retry_after)
        return False
    except Refused as refusal:
        if refusal.is_about_access:
            _put_off(bench, report, refusal.message, _ACCESS_SECONDS)
            return False
        bench.journal.end_report(report.id, stage="given_up", detail=refusal.message)
        bench.say(f"{report.key} is not wanted there: {refusal.message}")
        return True
    bench.journal.end_report(report.id, stage="sent")
    return True


def _put_off(bench: Bench, report: Report, reason: str, retry_after: float | None) -> None:
    pause = pause_seconds(report.attempts, retry_after=retry_after)
    bench.journal.put_off_report(report, detail=reason, until=bench.now().timestamp() + pause)
