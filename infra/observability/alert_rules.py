"""The alerts: those that ``fabroute status`` raises too, and those that only a history of figures can raise.

``build.py`` writes them to ``alerts.yml``. A page wakes somebody; a ticket can wait for the morning.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fabroute.monitoring import alarms
from fabroute.monitoring.alarms import ALARMS

RUNBOOK = "infra/observability/alerts.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One alert of Prometheus."""

    name: str
    severity: str
    expr: str
    wait: str
    """How long it must be so, before it is said."""
    summary: str
    meaning: str
    action: str

    @property
    def is_told_by_status(self) -> bool:
        """Whether ``fabroute status`` tells of it, too."""
        return self.name in _OF_ALARMS

    def as_yaml(self) -> dict[str, object]:
        """Return it as Prometheus reads it."""
        return {
            "alert": self.name,
            "expr": self.expr,
            "for": self.wait,
            "labels": {"severity": self.severity, "service": "fabroute"},
            "annotations": {
                "summary": self.summary,
                "meaning": self.meaning,
                "action": self.action,
                "runbook": f"{RUNBOOK}#{self.name.lower()}",
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Of:
    """What Prometheus needs beside what an alarm of ``fabroute status`` says of itself."""

    expr: str
    wait: str
    summary: str
    meaning: str


def _lately(metric: str, above: float) -> str:
    seconds = round(alarms.RUN_LATELY.total_seconds())
    return (
        f'max by (scope) (({metric}{{kind="joint"}} > {above:g}) and '
        f'(time() - fabroute_last_run_finished_timestamp_seconds{{kind="joint"}} < {seconds}))'
    )


_OF_ALARMS: Mapping[str, _Of] = {
    "FabrouteLinesOverdue": _Of(
        expr=f"max by (scope) (fabroute_overdue_line_seconds) > {alarms.OVERDUE_SECONDS}",
        wait="30s",
        summary="lines of {{ $labels.scope }} are due for {{ $value | humanizeDuration }} and nobody takes them",
        meaning="A line that may be routed is taken within a second. Workers are gone, or all are busy elsewhere.",
    ),
    "FabrouteOldestOrder": _Of(
        expr=f'max(fabroute_oldest_open_order_age_seconds{{decided="new"}}) > {alarms.OLDEST_ORDER_SECONDS}',
        wait="0s",
        summary="an order placed {{ $value | humanizeDuration }} ago has no decision yet",
        meaning="This is the one figure that finds every fault of the way from order to decision: sweepers fail too.",
    ),
    "FabrouteLinesParked": _Of(
        expr="max(fabroute_parked_lines) > 0",
        wait="0s",
        summary="{{ $value }} lines are parked",
        meaning="Routing gave these lines up with a reason: their runs broke, or all their attempts came to nothing.",
    ),
    "FabrouteLeasesNotSweptUp": _Of(
        expr="max by (kind) (fabroute_lapsed_leases) > 0",
        wait="30s",
        summary="{{ $value }} leases of kind {{ $labels.kind }} are over and nobody looks after them",
        meaning="Who held them has gone. Others take over within seconds, unless relay or workers are gone as well.",
    ),
    "FabrouteJobsSuspect": _Of(
        expr='max(fabroute_waiting_jobs{state="suspect"}) > 0',
        wait="0s",
        summary="the nodes of {{ $value }} accepted jobs fell silent",
        meaning="A bureau accepted jobs and sends no heartbeats. What is printed can't be un-printed: a person "
        "decides.",
    ),
    "FabrouteOutboxNotEmptied": _Of(
        expr=f'max(fabroute_outbox_oldest_age_seconds{{not_yet="published"}}) > {alarms.OUTBOX_SECONDS}',
        wait="30s",
        summary="events wait for the broker for {{ $value | humanizeDuration }}",
        meaning="The relay is gone, or the broker does not answer. New orders are taken but not routed.",
    ),
    "FabrouteFeedsNotFed": _Of(
        expr=f'max(fabroute_outbox_oldest_age_seconds{{not_yet="sequenced"}}) > {alarms.FEED_SECONDS}',
        wait="30s",
        summary="events are in nobody's feed for {{ $value | humanizeDuration }}",
        meaning="Clients that follow the feed, and webhooks, learn nothing new.",
    ),
    "FabrouteWebhooksLate": _Of(
        expr=f"max(fabroute_webhook_oldest_age_seconds) > {alarms.WEBHOOK_SECONDS}",
        wait="5m",
        summary="a webhook waits for {{ $value | humanizeDuration }}",
        meaning="A receiver fails, and is tried again for three days; or nobody sends.",
    ),
    "FabrouteGapWide": _Of(
        expr=_lately("fabroute_last_run_gap_ratio", alarms.GAP_RATIO),
        wait="10m",
        summary="runs over {{ $labels.scope }} are proven only to {{ $value | humanizePercentage }} of the optimum",
        meaning="The plans may cost more than need be: too many lines compete for the time that a run has.",
    ),
    "FabrouteRunsSlow": _Of(
        expr=_lately("fabroute_last_run_seconds", alarms.RUN_SECONDS),
        wait="5m",
        summary="the last run over {{ $labels.scope }} took {{ $value | humanizeDuration }}",
        meaning="Runs come close to the time at which they are ended.",
    ),
    "FabrouteConnectionsShort": _Of(
        expr=(
            "max(fabroute_database_connections) / max(fabroute_database_connections_most) > "
            f"{alarms.CONNECTION_SHARE:g}"
        ),
        wait="5m",
        summary="{{ $value | humanizePercentage }} of PostgreSQL's connections are taken",
        meaning="When none is left, requests and tasks fail that would have been served.",
    ),
    "FabrouteTransactionOpen": _Of(
        expr=f"max(fabroute_database_oldest_transaction_seconds) > {alarms.TRANSACTION_SECONDS}",
        wait="0s",
        summary="a transaction is open for {{ $value | humanizeDuration }}",
        meaning="It keeps PostgreSQL from cleaning up, and may hold locks that others wait for.",
    ),
    "FabrouteNoRelay": _Of(
        expr='max(fabroute_program_connections{program="relay"}) == 0',
        wait="1m",
        summary="no relay is connected to PostgreSQL",
        meaning="Nobody rings the workers: orders wait, events stay in the outbox, lapsed leases are not found.",
    ),
    "FabrouteNobodyRoutes": _Of(
        expr='max(fabroute_program_connections{program="routing"}) == 0',
        wait="1m",
        summary="no worker for the queue routing is connected to PostgreSQL",
        meaning="Orders are taken, and wait. Told before one does.",
    ),
    "FabrouteAuditNotSealed": _Of(
        expr=f"max(fabroute_audit_unsealed_age_seconds) > {alarms.UNSEALED_SECONDS}",
        wait="1m",
        summary="an entry of the audit log has no seal after {{ $value | humanizeDuration }}",
        meaning="Nobody seals. Entries are written all the same, and nothing tells if one of these is changed.",
    ),
    "FabrouteClockOff": _Of(
        expr=f"max by (instance) (abs(fabroute_database_clock_apart_seconds)) > {alarms.CLOCK_SECONDS:g}",
        wait="2m",
        summary="the clock of {{ $labels.instance }} and the database's are {{ $value | humanizeDuration }} apart",
        meaning="One of the two machines does not keep time, or their clocks are set by different servers.",
    ),
    "FabrouteFiguresMissing": _Of(
        expr="max by (group) (fabroute_figures_missing) > 0",
        wait="5m",
        summary="figures of {{ $labels.group }} can't be read in time",
        meaning="The alerts that need these figures are blind.",
    ),
}

OWN: tuple[Rule, ...] = (
    Rule(
        name="FabrouteDatabaseSilent",
        severity="page",
        expr="max(fabroute_database_up) == 0",
        wait="30s",
        summary="PostgreSQL does not answer",
        meaning="Nothing is taken (503 with Retry-After), nothing is routed, and nothing is lost.",
        action="is it up, has it disk left, do host and password in FABROUTE_DATABASE_URL hold? All processes connect "
        "again by themselves.",
    ),
    Rule(
        name="FabrouteNobodyTells",
        severity="page",
        expr="absent(fabroute_database_up)",
        wait="2m",
        summary="nobody tells the figures of the database",
        meaning="No API with FABROUTE_METRICS_PORT and no `fabroute metrics` is scraped: all other alerts are blind.",
        action="look at the targets page of Prometheus: is the address right, and reachable from there?",
    ),
    Rule(
        name="FabrouteRelayStands",
        severity="page",
        expr="sum(rate(fabroute_relay_turn_seconds_count[2m])) == 0 or absent(fabroute_relay_turn_seconds_count)",
        wait="1m",
        summary="no relay takes turns, or nobody tells of one",
        meaning="Nobody rings the workers: orders wait, events stay in the outbox, lapsed leases are not found.",
        action="start one (fabroute work --only relay); if one runs, its log tells which server it waits for. Where it "
        "takes turns, Prometheus does not reach it: FABROUTE_WORKER_METRICS_PORT, and who may ask at that port.",
    ),
    Rule(
        name="FabrouteTargetDown",
        severity="ticket",
        expr='up{job=~".*fabroute.*"} == 0',
        wait="2m",
        summary="{{ $labels.instance }} of {{ $labels.job }} does not tell its figures",
        meaning="That process is gone or frozen, or Prometheus may not reach it. What it would tell is missing.",
        action="does the process run, and listen at FABROUTE_METRICS_PORT (API) or FABROUTE_WORKER_METRICS_PORT "
        "(workers, relay)? If it runs, see FABROUTE_METRICS_HOST and the network's policies.",
    ),
    Rule(
        name="FabrouteServerErrors",
        severity="page",
        expr=(
            'sum(rate(fabroute_http_requests_total{status=~"5.."}[5m])) '
            "/ sum(rate(fabroute_http_requests_total[5m])) > 0.01"
        ),
        wait="2m",
        summary="{{ $value | humanizePercentage }} of requests are answered with a server error",
        meaning="503: the database does not answer. 500: a fault of ours, with its trace in the log.",
        action='the log has each with its request id: level error, event "unexpected error". Report it with that line.',
    ),
    Rule(
        name="FabrouteOrdersSlow",
        severity="ticket",
        expr=(
            "histogram_quantile(0.99, sum by (le) (rate(fabroute_http_request_seconds_bucket"
            '{method="POST",route="/v1/orders"}[5m]))) > 0.25'
        ),
        wait="5m",
        summary="one order in a hundred waits longer than {{ $value | humanizeDuration }}",
        meaning="The intake is at its limit, or the database takes long to commit.",
        action="compare fabroute_intake_batch_seconds (the database) with fabroute_event_loop_lag_seconds (this "
        "process): a quicker disk for the first, more API processes for the second.",
    ),
    Rule(
        name="FabrouteRefusing",
        severity="ticket",
        expr="sum by (code) (rate(fabroute_http_refused_total[5m])) > 1",
        wait="5m",
        summary="{{ $value | humanize }} requests a second are refused with {{ $labels.code }}",
        meaning="More comes than can be served, or than one organisation may send.",
        action="too_busy: add API processes. rate_limited, too_many_wrong_keys: the log tells of whom; talk to them.",
    ),
    Rule(
        name="FabrouteLoopLags",
        severity="ticket",
        expr=(
            "histogram_quantile(0.99, sum by (le, instance) (rate(fabroute_event_loop_lag_seconds_bucket[5m]))) > 0.25"
        ),
        wait="5m",
        summary="the event loop of {{ $labels.instance }} comes round {{ $value | humanizeDuration }} late",
        meaning="Every request of that process waits as long: it has too little processor.",
        action="more API processes, or more CPU for them; keep workers off their cores.",
    ),
    Rule(
        name="FabroutePoolShort",
        severity="ticket",
        expr=(
            "max by (instance, pool) (fabroute_database_pool_connections) / "
            "max by (instance, pool) (fabroute_database_pool_connections_most) >= 0.95"
        ),
        wait="2m",
        summary="{{ $value | humanizePercentage }} of the pool {{ $labels.pool }} are in use at {{ $labels.instance }}",
        meaning="The next request waits for a connection, and is refused with 503 after five seconds.",
        action="slow statements hold them: see fabroute_database_oldest_transaction_seconds. Add API processes if not.",
    ),
    Rule(
        name="FabrouteTasksFail",
        severity="ticket",
        expr='sum by (task, outcome) (increase(fabroute_tasks_total{outcome!="success"}[15m])) > 3',
        wait="0s",
        summary="{{ $labels.task }} came to {{ $labels.outcome }} {{ $value | humanize }} times in a quarter of an "
        "hour",
        meaning="lost: the process of the task died. out_of_time: it was ended. Tasks are sent again, lines decided "
        "apart.",
        action="the worker's log has the trace by task id. lost with no trace: memory (FABROUTE_WORKER_MEMORY_MIB, the "
        "kernel's log).",
    ),
    Rule(
        name="FabrouteProgramsDie",
        severity="ticket",
        expr="sum by (program, instance) (increase(fabroute_worker_deaths_total[15m])) > 2",
        wait="0s",
        summary="{{ $labels.program }} of {{ $labels.instance }} died {{ $value | humanize }} times",
        meaning="Its supervisor starts it again each time, after ever longer pauses.",
        action="the log line supervisor.child_died has the exit code; what the program logged before it says why.",
    ),
    Rule(
        name="FabrouteBrokerAway",
        severity="ticket",
        expr='sum(increase(fabroute_relay_outages_total{server="broker"}[5m])) > 0',
        wait="1m",
        summary="the relay can't reach the broker",
        meaning="Orders are taken and wait. Nothing is lost, whatever becomes of the broker's data.",
        action="is Redis or RabbitMQ up, has it memory and disk? After it is back all waiting lines are routed.",
    ),
    Rule(
        name="FabrouteNoRouteRises",
        severity="ticket",
        expr=(
            "max(sum by (instance) (fabroute_recent_no_route_lines)) / max(fabroute_recent_decisions) > 0.3 "
            "and max(fabroute_recent_decisions) >= 100"
        ),
        wait="10m",
        summary="{{ $value | humanizePercentage }} of the latest decisions found no route",
        meaning="Something that many lines need is missing: a certificate, a lot, a lane, machine time.",
        action="fabroute_recent_no_route_lines by code says what binds; the console's page Decisions lists these "
        "orders, each with the nearest fix.",
    ),
    Rule(
        name="FabrouteOffersUnanswered",
        severity="ticket",
        expr="max(fabroute_oldest_offer_age_seconds) > 7200",
        wait="5m",
        summary="an offer lies unanswered for {{ $value | humanizeDuration }}",
        meaning="A node does not look into its queue. Its offer lapses in the end and the line goes elsewhere.",
        action="fabroute_offered_jobs by node tells whose; see fabroute scores NODE, and call them.",
    ),
)


def rules() -> Iterator[Rule]:
    """Yield all alerts."""
    for alarm in ALARMS:
        more = _OF_ALARMS[alarm.name]
        yield Rule(
            name=alarm.name,
            severity=alarm.severity,
            expr=more.expr,
            wait=more.wait,
            summary=more.summary,
            meaning=more.meaning,
            action=alarm.action,
        )
    yield from OWN
