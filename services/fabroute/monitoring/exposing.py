"""The figures of the database as Prometheus reads them. Dashboards and alerts stand on their names and labels.

No label is an order's or a job's id. Of nodes and scopes, which an installation has as many of as it likes, those with
the most are told apart, and the rest together as ``other``.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from fabroute.database.programs import Program
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
    ServerFigures,
    WebhookFigures,
)
from fabroute.monitoring.watching import Watch

MOST_NODES = 50
MOST_SCOPES = 50
MOST_CODES = 100
OTHER = "other"
_PREFIX = "fabroute_"

Samples = Iterable[tuple[tuple[str, ...], float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """One figure: its name without prefix, what it says, and its labels."""

    name: str
    help: str
    labels: tuple[str, ...] = ()

    def of(self, samples: Samples) -> GaugeMetricFamily:
        """Return it with values."""
        family = GaugeMetricFamily(_PREFIX + self.name, self.help, labels=self.labels)
        for labels, value in samples:
            family.add_metric(labels, value)
        return family

    def at(self, value: float) -> GaugeMetricFamily:
        """Return it with its only value."""
        return self.of((((), value),))


UP = Gauge(name="database_up", help="Whether PostgreSQL answered when figures were last asked for.")
AGE = Gauge(name="figures_age_seconds", help="How old the figures of the database are.")
COST = Gauge(name="figures_read_seconds", help="How long reading them took.")
FAILED = Gauge(name="figures_missing", help="Whether a group of figures could not be read in time.", labels=("group",))
OPEN_LINES = Gauge(
    name="open_lines", help="Order lines without an outcome, by planning scope and state.", labels=("scope", "state")
)
DUE_LINES = Gauge(name="due_lines", help="Lines that a worker may take now.", labels=("scope",))
OVERDUE = Gauge(name="overdue_line_seconds", help="For how long the first due line has been due.", labels=("scope",))
OLDEST = Gauge(
    name="oldest_open_order_age_seconds",
    help="Age of the oldest order with an open line: one that was never decided (new), or is decided again (again).",
    labels=("decided",),
)
SUSPECTS = Gauge(name="suspect_lines", help="Open lines that were in a run which broke.")
NO_ROUTE = Gauge(name="no_route_lines", help="Lines without a route: looked at again when the network changes.")
PARKED = Gauge(name="parked_lines", help="Lines that wait for a person.")
LAPSED = Gauge(
    name="lapsed_leases", help="Leases over for half a minute that nobody has looked after.", labels=("kind",)
)
HELD_SCOPES = Gauge(name="held_scopes", help="Planning scopes that a worker decides just now.")
OFFERED = Gauge(name="offered_jobs", help="Jobs that are offered to a node and unclaimed.", labels=("node",))
OFFER_AGE = Gauge(name="oldest_offer_age_seconds", help="Age of the oldest unanswered offer, among the soonest due.")
WAITING_JOBS = Gauge(
    name="waiting_jobs", help="Jobs that wait for a proof (held) or for a word (suspect).", labels=("state",)
)
OUTBOX = Gauge(name="outbox_events", help="Events not handed to the broker, or not in the feeds.", labels=("not_yet",))
OUTBOX_AGE = Gauge(name="outbox_oldest_age_seconds", help="Age of the oldest of these.", labels=("not_yet",))
DELIVERIES = Gauge(name="webhook_deliveries", help="Webhooks that wait: all, or those due now.", labels=("which",))
DELIVERIES_AGE = Gauge(name="webhook_oldest_age_seconds", help="Age of the oldest webhook that waits.")
FAILING = Gauge(name="webhook_endpoints_failing", help="Endpoints whose last attempt failed.")
DISABLED = Gauge(name="webhook_endpoints_disabled", help="Endpoints that get nothing, by cause.", labels=("cause",))
_OF_RUN = ("scope", "kind")
RUN_GAP = Gauge(name="last_run_gap_ratio", help="Proven distance to the optimum of the last run.", labels=_OF_RUN)
RUN_SECONDS = Gauge(name="last_run_seconds", help="How long the last run took.", labels=_OF_RUN)
RUN_AT = Gauge(name="last_run_finished_timestamp_seconds", help="When the last run ended.", labels=_OF_RUN)
RUN_LINES = Gauge(
    name="last_run_lines", help="Lines of the last run by what became of them.", labels=(*_OF_RUN, "outcome")
)
DECISIONS = Gauge(name="recent_decisions", help="How many of the latest decisions the next two figures are of.")
EXCLUDED = Gauge(
    name="recent_excluded_nodes", help="Nodes that the latest decisions ruled out, by code.", labels=("code",)
)
BINDING = Gauge(
    name="recent_no_route_lines", help="Lines that the latest decisions left without a route.", labels=("code",)
)
REROUTES = Gauge(name="recent_reroutes", help="Jobs that left their nodes within an hour, by cause.", labels=("cause",))
CONNECTIONS = Gauge(name="database_connections", help="Connections of PostgreSQL in use, of all databases.")
MOST_CONNECTIONS = Gauge(name="database_connections_most", help="Connections that PostgreSQL allows.")
CLOCK_APART = Gauge(
    name="database_clock_apart_seconds", help="By how much the database's clock is ahead of this machine's, at least."
)
UNSEALED_AGE = Gauge(name="audit_unsealed_age_seconds", help="Age of the oldest entry of the audit log without a seal.")
PROGRAM_CONNECTIONS = Gauge(
    name="program_connections", help="Connections to PostgreSQL by the program they belong to.", labels=("program",)
)
OLDEST_TRANSACTION = Gauge(
    name="database_oldest_transaction_seconds", help="Age of this installation's oldest transaction."
)

GAUGES: tuple[Gauge, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Gauge))


class DatabaseFigures(Collector):
    """What a watch sees."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def collect(self) -> Iterator[Metric]:
        """Yield it for Prometheus."""
        seen = self._watch.look()
        yield UP.at(seen.figures is not None)
        if seen.figures is not None:
            yield AGE.at(seen.age_seconds)
            yield from families(seen.figures)


def families(figures: Figures) -> Iterator[Metric]:
    """Yield figures, group by group; a group that is missing is told as such, and not as nothing."""
    yield COST.at(figures.read_seconds)
    yield FAILED.of(((group,), group in figures.failed) for group in GROUPS)
    for group, tell in _TOLD:
        found = getattr(figures, group)
        if found is not None:
            yield from tell(found)
    yield LAPSED.of(_lapsed(figures))


def _lapsed(figures: Figures) -> Iterator[tuple[tuple[str, ...], float]]:
    if figures.holders is not None:
        yield ("scope",), figures.holders.lapsed
    if figures.lines is not None:
        yield ("line",), sum(scope.lapsed for scope in figures.lines.scopes)
    if figures.jobs is not None:
        yield ("job",), figures.jobs.lapsed_leases
        yield ("offer",), figures.jobs.lapsed_offers


def _lines(lines: LineFigures) -> Iterator[Metric]:
    scopes = {scope.scope: scope for scope in lines.scopes}
    known = _most({name: scope.lines for name, scope in scopes.items()}, MOST_SCOPES)
    yield OPEN_LINES.of(
        [
            *_summed({(name, "pending"): scope.pending for name, scope in scopes.items()}, known),
            *_summed({(name, "routing"): scope.routing for name, scope in scopes.items()}, known),
        ]
    )
    yield DUE_LINES.of(_summed({(name,): scope.due for name, scope in scopes.items()}, known))
    yield OVERDUE.of(_highest({(name,): scope.overdue_seconds for name, scope in scopes.items()}, known))
    yield OLDEST.of(((("new",), lines.oldest_seconds), (("again",), lines.oldest_again_seconds)))
    yield SUSPECTS.at(lines.suspects)
    yield NO_ROUTE.at(lines.no_route)
    yield PARKED.at(lines.parked)


def _holders(found: HolderFigures) -> Iterator[Metric]:
    yield HELD_SCOPES.at(len(found.holders))


def _jobs(jobs: JobFigures) -> Iterator[Metric]:
    yield OFFERED.of(_summed({(node,): count for node, count in jobs.offered.items()}, _most(jobs.offered, MOST_NODES)))
    yield OFFER_AGE.at(jobs.offer_age_seconds)
    yield WAITING_JOBS.of(((("held",), jobs.held), (("suspect",), jobs.suspect)))


def _outbox(found: OutboxFigures) -> Iterator[Metric]:
    yield OUTBOX.of(((("published",), found.unpublished), (("sequenced",), found.unsequenced)))
    ages = ((("published",), found.unpublished_age_seconds), (("sequenced",), found.unsequenced_age_seconds))
    yield OUTBOX_AGE.of(ages)


def _webhooks(found: WebhookFigures) -> Iterator[Metric]:
    yield DELIVERIES.of(((("waiting",), found.pending), (("due",), found.due)))
    yield DELIVERIES_AGE.at(found.oldest_seconds)
    yield FAILING.at(found.failing)
    yield DISABLED.of(_by(found.disabled))


def _runs(runs: tuple[RunFigures, ...]) -> Iterator[Metric]:
    latest = sorted(runs, key=lambda run: run.finished_at, reverse=True)[:MOST_SCOPES]
    keyed = {(run.scope, run.kind): run for run in sorted(latest, key=lambda run: (run.scope, run.kind))}
    yield RUN_GAP.of((key, run.gap) for key, run in keyed.items())
    yield RUN_SECONDS.of((key, run.seconds) for key, run in keyed.items())
    yield RUN_AT.of((key, run.finished_at.timestamp()) for key, run in keyed.items())
    yield RUN_LINES.of(
        ((*key, outcome), value)
        for key, run in keyed.items()
        for outcome, value in (("routed", run.routed), ("no_route", run.no_route), ("deferred", run.deferred))
    )


def _decisions(found: DecisionFigures) -> Iterator[Metric]:
    yield DECISIONS.at(found.decisions)
    yield EXCLUDED.of(_by(found.excluded))
    yield BINDING.of(_by(found.no_route))
    yield REROUTES.of(_by(found.reroutes))


def _audit(found: AuditFigures) -> Iterator[Metric]:
    yield UNSEALED_AGE.at(found.unsealed_age_seconds)


def _programs(found: ProgramFigures) -> Iterator[Metric]:
    yield PROGRAM_CONNECTIONS.of(((program,), found.connections.get(program, 0)) for program in get_args(Program))


def _server(found: ServerFigures) -> Iterator[Metric]:
    yield CONNECTIONS.at(found.connections)
    yield MOST_CONNECTIONS.at(found.most_connections)
    yield OLDEST_TRANSACTION.at(found.oldest_transaction_seconds)
    yield CLOCK_APART.at(found.clock_apart_seconds)


_TOLD = (
    ("lines", _lines),
    ("holders", _holders),
    ("jobs", _jobs),
    ("outbox", _outbox),
    ("webhooks", _webhooks),
    ("runs", _runs),
    ("decisions", _decisions),
    ("audit", _audit),
    ("programs", _programs),
    ("server", _server),
)


def _by(counts: Mapping[str, int]) -> list[tuple[tuple[str, ...], float]]:
    return _summed({(name,): count for name, count in counts.items()}, _most(counts, MOST_CODES))


def _most(counts: Mapping[str, int], most: int) -> frozenset[str]:
    """Return the names with the highest counts; of equals, the first by name."""
    return frozenset(sorted(counts, key=lambda name: (-counts[name], name))[:most])


def _told(labels: tuple[str, ...], known: frozenset[str]) -> tuple[str, ...]:
    return labels if labels[0] in known else (OTHER, *labels[1:])


def _summed(values: Mapping[tuple[str, ...], float], known: frozenset[str]) -> list[tuple[tuple[str, ...], float]]:
    found: dict[tuple[str, ...], float] = {}
    for labels, value in values.items():
        told = _told(labels, known)
        found[told] = found.get(told, 0) + value
    return sorted(found.items())


def _highest(values: Mapping[tuple[str, ...], float], known: frozenset[str]) -> list[tuple[tuple[str, ...], float]]:
    found: dict[tuple[str, ...], float] = {}
    for labels, value in values.items():
        told = _told(labels, known)
        found[told] = max(found.get(told, 0.0), value)
    return sorted(found.items())
