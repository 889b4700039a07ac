"""What is wrong at an installation, in words, and what to do: the alerts that the database's figures alone decide.

The same names and thresholds stand in ``infra/observability/alerts.yml``; a test holds the two together.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from fabroute.database.starting import CLOCK_TOLD_SECONDS
from fabroute.monitoring.figures import Figures, RunFigures

Severity = Literal["page", "ticket"]

OVERDUE_SECONDS = 60
OLDEST_ORDER_SECONDS = 900
OUTBOX_SECONDS = 60
FEED_SECONDS = 60
WEBHOOK_SECONDS = 3600
GAP_RATIO = 0.10
RUN_SECONDS = 30.0
RUN_LATELY = timedelta(minutes=30)
CONNECTION_SHARE = 0.85
TRANSACTION_SECONDS = 300
UNSEALED_SECONDS = 300
CLOCK_SECONDS = CLOCK_TOLD_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One alert: when it is raised, and what it says."""

    name: str
    severity: Severity
    words: Callable[[Figures], str | None]
    """What is the case; ``None``: all is well, or the figures are missing."""
    action: str
    """What to do about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """An alert that is raised now."""

    name: str
    severity: Severity
    words: str
    action: str


def raised_alarms(figures: Figures) -> tuple[Raised, ...]:
    """Return the alerts that these figures raise, the urgent ones first."""
    told = ((alarm, alarm.words(figures)) for alarm in ALARMS)
    found = [
        Raised(name=alarm.name, severity=alarm.severity, words=words, action=alarm.action)
        for alarm, words in told
        if words is not None
    ]
    return tuple(sorted(found, key=lambda it: it.severity != "page"))


def duration(seconds: float) -> str:
    """Return a time as people say it, such as ``2 h 5 min``."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 1:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 1:
        return f"{minutes} min {rest} s"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if days else f"{hours} h {minutes} min"


def _lines_wait(figures: Figures) -> str | None:
    lines = figures.lines
    if lines is None or lines.overdue_seconds <= OVERDUE_SECONDS:
        return None
    worst = max(lines.scopes, key=lambda scope: scope.overdue_seconds)
    return (
        f"lines are due and nobody takes them: {worst.due} in {worst.scope}, the first for "
        f"{duration(worst.overdue_seconds)}"
    )


def _order_is_old(figures: Figures) -> str | None:
    lines = figures.lines
    if lines is None or lines.oldest_seconds <= OLDEST_ORDER_SECONDS:
        return None
    return f"the oldest order without a decision was placed {duration(lines.oldest_seconds)} ago"


def _lines_are_parked(figures: Figures) -> str | None:
    if figures.lines is None or not figures.lines.parked:
        return None
    return f"{_lines(figures.lines.parked)} parked: nobody routes what is parked until a person has looked"


def _leases_lapse(figures: Figures) -> str | None:
    found = {
        "planning scopes": 0 if figures.holders is None else figures.holders.lapsed,
        "lines": 0 if figures.lines is None else sum(scope.lapsed for scope in figures.lines.scopes),
        "jobs": 0 if figures.jobs is None else figures.jobs.lapsed_leases,
        "offers": 0 if figures.jobs is None else figures.jobs.lapsed_offers,
    }
    counted = [f"{count} of {what}" for what, count in found.items() if count]
    return f"leases are over and nobody has looked after them: {', '.join(counted)}" if counted else None


def _jobs_are_suspect(figures: Figures) -> str | None:
    if figures.jobs is None or not figures.jobs.suspect:
        return None
    return f"the nodes of {figures.jobs.suspect} accepted jobs fell silent"


def _outbox_waits(figures: Figures) -> str | None:
    outbox = figures.outbox
    if outbox is None or outbox.unpublished_age_seconds <= OUTBOX_SECONDS:
        return None
    return f"{outbox.unpublished} events wait for the broker, the oldest for {duration(outbox.unpublished_age_seconds)}"


def _feeds_wait(figures: Figures) -> str | None:
    outbox = figures.outbox
    if outbox is None or outbox.unsequenced_age_seconds <= FEED_SECONDS:
        return None
    return (
        f"{outbox.unsequenced} events are in nobody's feed yet, the oldest for "
        f"{duration(outbox.unsequenced_age_seconds)}"
    )


def _webhooks_wait(figures: Figures) -> str | None:
    webhooks = figures.webhooks
    if webhooks is None or webhooks.oldest_seconds <= WEBHOOK_SECONDS:
        return None
    return f"{webhooks.pending} webhooks wait, the oldest for {duration(webhooks.oldest_seconds)}"


def _gap_is_wide(figures: Figures) -> str | None:
    wide = [run for run in _latest(figures) if run.gap > GAP_RATIO]
    if not wide:
        return None
    worst = max(wide, key=lambda run: run.gap)
    return f"the last run over {worst.scope} is proven only to {worst.gap:.1%} of the optimum, with {worst.lines} lines"


def _runs_are_slow(figures: Figures) -> str | None:
    slow = [run for run in _latest(figures) if run.seconds > RUN_SECONDS]
    if not slow:
        return None
    worst = max(slow, key=lambda run: run.seconds)
    return f"the last run over {worst.scope} took {duration(worst.seconds)}, with {worst.lines} lines"


def _latest(figures: Figures) -> Sequence[RunFigures]:
    """Return the last joint runs, but for those of long ago: a scope that is idle says nothing."""
    since = figures.read_at - RUN_LATELY
    return [run for run in figures.runs or () if run.kind == "joint" and run.finished_at >= since]


def _connections_end(figures: Figures) -> str | None:
    server = figures.server
    if server is None or server.connections <= CONNECTION_SHARE * server.most_connections:
        return None
    return f"{server.connections} of {server.most_connections} connections of PostgreSQL are taken"


def _transaction_is_old(figures: Figures) -> str | None:
    server = figures.server
    if server is None or server.oldest_transaction_seconds <= TRANSACTION_SECONDS:
        return None
    return f"a transaction has been open for {duration(server.oldest_transaction_seconds)}"


def _no_relay(figures: Figures) -> str | None:
    if figures.programs is None or figures.programs.connections.get("relay"):
        return None
    return "no relay is connected to PostgreSQL: nobody rings the workers, what is placed now waits"


def _nobody_routes(figures: Figures) -> str | None:
    if figures.programs is None or figures.programs.connections.get("routing"):
        return None
    return "no worker for the queue routing is connected to PostgreSQL: what is placed now waits"


def _audit_is_unsealed(figures: Figures) -> str | None:
    audit = figures.audit
    if audit is None or audit.unsealed_age_seconds <= UNSEALED_SECONDS:
        return None
    return f"entries of the audit log have no seal yet, the oldest for {duration(audit.unsealed_age_seconds)}"


def _clock_is_off(figures: Figures) -> str | None:
    server = figures.server
    if server is None or abs(server.clock_apart_seconds) <= CLOCK_SECONDS:
        return None
    side = "behind" if server.clock_apart_seconds > 0 else "ahead of"
    return f"this machine's clock is {duration(abs(server.clock_apart_seconds))} {side} the database's"


def _figures_are_missing(figures: Figures) -> str | None:
    if not figures.failed:
        return None
    return f"figures could not be read in time: {', '.join(sorted(figures.failed))}"


def _lines(count: int) -> str:
    return "1 line is" if count == 1 else f"{count} lines are"


ALARMS: tuple[Alarm, ...] = (
    Alarm(
        name="FabrouteLinesOverdue",
        severity="page",
        words=_lines_wait,
        action="is a worker running for the queues routing and suspects (fabroute work), does its log tell of runs, "
        "and do all workers decide other scopes (fabroute status)? More workers take more scopes at once.",
    ),
    Alarm(
        name="FabrouteOldestOrder",
        severity="page",
        words=_order_is_old,
        action="find the order with fabroute scopes and its lines' reasons with fabroute order show; a line that fails "
        "again and again is parked after its attempts. If all lines are old, see FabrouteLinesOverdue.",
    ),
    Alarm(
        name="FabrouteLinesParked",
        severity="ticket",
        words=_lines_are_parked,
        action="fabroute doctor lists them with their reasons; mend the cause, then POST "
        "/v1/orders/{order_id}/lines/{position}/retry, or cancel the order.",
    ),
    Alarm(
        name="FabrouteLeasesNotSweptUp",
        severity="page",
        words=_leases_lapse,
        action="the relay finds such leases every second: is one running (fabroute work --only relay), and does a "
        "worker take the queues routing and production? Clocks don't matter: leases go by the database's.",
    ),
    Alarm(
        name="FabrouteJobsSuspect",
        severity="ticket",
        words=_jobs_are_suspect,
        action="call the bureau: its client sends no heartbeats. It reports again by itself, or a person takes the job "
        "back or marks it as being made (the job's page in the console).",
    ),
    Alarm(
        name="FabrouteOutboxNotEmptied",
        severity="page",
        words=_outbox_waits,
        action="is a relay running (fabroute work), and does the broker answer? Orders are taken all the same, and "
        "nothing is lost: what waits is sent when both are there again.",
    ),
    Alarm(
        name="FabrouteFeedsNotFed",
        severity="page",
        words=_feeds_wait,
        action="one relay at a time puts events into feeds: is one running, and does its log tell of errors? A "
        "transaction that stays open may hold it up (FabrouteTransactionOpen).",
    ),
    Alarm(
        name="FabrouteWebhooksLate",
        severity="ticket",
        words=_webhooks_wait,
        action="fabroute webhooks list tells which endpoint fails and how: that is its owner's to mend. If all are "
        "late, is a worker running for the queue webhooks?",
    ),
    Alarm(
        name="FabrouteGapWide",
        severity="ticket",
        words=_gap_is_wide,
        action="more lines compete than can be decided in the time: more FABROUTE_ROUTING_DETERMINISTIC_SECONDS, a "
        "quicker processor, or fewer lines together (FABROUTE_ROUTING_BATCH_LINES). Plans are valid all the same.",
    ),
    Alarm(
        name="FabrouteRunsSlow",
        severity="ticket",
        words=_runs_are_slow,
        action="is the machine busy with something else (CPU, memory), or the database slow? A run is ended at "
        "FABROUTE_ROUTING_WALL_SECONDS and its grace; its lines would be suspects then.",
    ),
    Alarm(
        name="FabrouteConnectionsShort",
        severity="page",
        words=_connections_end,
        action="fewer processes or smaller pools, a higher max_connections, or a pooler in transaction mode before "
        "PostgreSQL; each API process takes up to 80, each worker child one or two.",
    ),
    Alarm(
        name="FabrouteTransactionOpen",
        severity="ticket",
        words=_transaction_is_old,
        action="SELECT pid, query, xact_start FROM pg_stat_activity ORDER BY xact_start LIMIT 5; a backup or a "
        "migration may last, anything else is ended with pg_terminate_backend(pid).",
    ),
    Alarm(
        name="FabrouteNoRelay",
        severity="page",
        words=_no_relay,
        action="start one (fabroute work, or fabroute work --only relay); if one runs, its log tells which server it "
        "waits for. An application_name in FABROUTE_DATABASE_URL hides all programs: leave it out.",
    ),
    Alarm(
        name="FabrouteNobodyRoutes",
        severity="page",
        words=_nobody_routes,
        action="start one (fabroute work, or fabroute work --only worker --queues routing,suspects,replanning); if one "
        "runs, its log tells which server it waits for.",
    ),
    Alarm(
        name="FabrouteAuditNotSealed",
        severity="ticket",
        words=_audit_is_unsealed,
        action="does a worker take the queue identity, and does its log tell of errors? A transaction that stays open "
        "holds seals up (FabrouteTransactionOpen). What has no seal could be changed unseen.",
    ),
    Alarm(
        name="FabrouteClockOff",
        severity="ticket",
        words=_clock_is_off,
        action="let both machines keep time by NTP (timedatectl set-ntp true): promises, days of production and second "
        "factors go by this machine's clock, and a process that starts anew is refused at 5 minutes.",
    ),
    Alarm(
        name="FabrouteFiguresMissing",
        severity="ticket",
        words=_figures_are_missing,
        action="each may take two seconds: is the database slow, or has a table no statistics (ANALYZE)? The alerts "
        "that need these figures are blind meanwhile.",
    ),
)
