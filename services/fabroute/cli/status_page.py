"""The page of ``fabroute status``: figures as tables and sentences, alerts in words."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from fabroute.database.programs import Program
from fabroute.monitoring.alarms import Raised, duration
from fabroute.monitoring.figures import (
    DecisionFigures,
    Figures,
    JobFigures,
    LineFigures,
    OutboxFigures,
    ProgramFigures,
    RunFigures,
    ScopeFigures,
    ServerFigures,
    WebhookFigures,
)

MOST_SCOPES = 12
MOST_NODES = 8
MOST_CODES = 6
_PROGRAMS: Mapping[Program, str] = {
    "api": "API",
    "relay": "relay",
    "routing": "workers that route",
    "worker": "other workers",
}
_UNREAD = "could not be read in time"


def status_page(figures: Figures, alarms: Sequence[Raised]) -> RenderableType:
    """Return all that is known, the urgent first."""
    return Group(_head(figures, alarms), *_alarms(alarms), _facts(figures), Text(), _scopes(figures))


def silent_page(now: datetime) -> RenderableType:
    """Return what there is to say while PostgreSQL does not answer."""
    head = Text(f"fabroute at {_instant(now)}", style="bold")
    return Group(head, Text("PostgreSQL does not answer: nothing is taken, nothing is lost", style="bold red"))


def _head(figures: Figures, alarms: Sequence[Raised]) -> Text:
    head = Text(f"fabroute at {_instant(figures.read_at)}: ", style="bold")
    if not alarms:
        return head.append("all is well", style="green")
    return head.append("1 alert" if len(alarms) == 1 else f"{len(alarms)} alerts", style="red")


def _alarms(alarms: Sequence[Raised]) -> list[Text]:
    found = []
    for alarm in alarms:
        style = "bold red" if alarm.severity == "page" else "yellow"
        found.append(Text.assemble(("! ", style), (alarm.words, style), (f"  ({alarm.name})", "dim")))
        found.append(Text(f"  what to do: {alarm.action}"))
    return found


def _facts(figures: Figures) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column()
    table.add_row("lines", _UNREAD if figures.lines is None else line_words(figures.lines))
    table.add_row("jobs", _UNREAD if figures.jobs is None else job_words(figures.jobs))
    table.add_row("events", _UNREAD if figures.outbox is None else outbox_words(figures.outbox))
    table.add_row("webhooks", _UNREAD if figures.webhooks is None else webhook_words(figures.webhooks))
    table.add_row("decisions", _UNREAD if figures.decisions is None else decision_words(figures.decisions))
    table.add_row("programs", _UNREAD if figures.programs is None else program_words(figures.programs))
    table.add_row("PostgreSQL", _UNREAD if figures.server is None else server_words(figures.server))
    return table


def line_words(lines: LineFigures) -> str:
    """Return how many lines are where, and how long they wait."""
    if lines.open:
        pending = sum(scope.pending for scope in lines.scopes)
        waiting = (
            f"{lines.open:,} open ({pending:,} waiting, {lines.open - pending:,} being routed); first due for "
            f"{duration(lines.overdue_seconds)}; oldest new order {duration(lines.oldest_seconds)}"
        )
    else:
        waiting = "none is open"
    return f"{waiting}; {lines.no_route:,} without a route, {lines.parked:,} parked, {lines.suspects:,} suspects"


def job_words(jobs: JobFigures) -> str:
    """Return what is offered to whom, and what waits for a word."""
    total, nodes = sum(jobs.offered.values()), len(jobs.offered)
    most = _counts(dict(list(jobs.offered.items())[:MOST_NODES]))
    offered = f"{total:,} offered at {nodes} nodes ({most}), the oldest {duration(jobs.offer_age_seconds)} ago"
    return f"{offered if total else 'none is offered'}; {jobs.held:,} held, {jobs.suspect:,} suspect"


def outbox_words(outbox: OutboxFigures) -> str:
    """Return what was not told yet."""
    told = [
        f"{outbox.unpublished:,} to hand to the broker, the oldest {duration(outbox.unpublished_age_seconds)} old"
        if outbox.unpublished
        else "",
        f"{outbox.unsequenced:,} to put into feeds, the oldest {duration(outbox.unsequenced_age_seconds)} old"
        if outbox.unsequenced
        else "",
    ]
    return "; ".join(filter(None, told)) or "all are told"


def webhook_words(webhooks: WebhookFigures) -> str:
    """Return what was not delivered yet, and to whom nothing is."""
    waiting = (
        f"{webhooks.pending:,} wait ({webhooks.due:,} due), the oldest {duration(webhooks.oldest_seconds)} old"
        if webhooks.pending
        else "none waits"
    )
    disabled = f"; disabled: {_counts(webhooks.disabled)}" if webhooks.disabled else ""
    return f"{waiting}; {webhooks.failing} endpoints failing{disabled}"


def decision_words(found: DecisionFigures) -> str:
    """Return what kept lines from a route, and jobs from their nodes."""
    if not found.decisions:
        return "none yet"
    lost = sum(found.no_route.values())
    why = f" ({_counts(_first(found.no_route))})" if lost else ""
    left = f"; {sum(found.reroutes.values())} jobs left their nodes within an hour" if found.reroutes else ""
    left += f" ({_counts(_first(found.reroutes))})" if found.reroutes else ""
    return f"of the latest {found.decisions:,}, {lost:,} without a route{why}{left}"


def program_words(found: ProgramFigures) -> str:
    """Return who is there, by the connections that PostgreSQL has of them."""
    told = [f"{words} ({count:,})" for name, words in _PROGRAMS.items() if (count := found.connections.get(name, 0))]
    return f"connected: {', '.join(told)}" if told else "none is connected"


def server_words(server: ServerFigures) -> str:
    """Return how PostgreSQL is doing."""
    return (
        f"{server.connections} of {server.most_connections} connections, oldest transaction "
        f"{duration(server.oldest_transaction_seconds)}"
    )


def _scopes(figures: Figures) -> RenderableType:
    """Return a table of the planning scopes with the most lines, or that were decided last."""
    runs = {run.scope: run for run in figures.runs or () if run.kind == "joint"}
    waiting = {scope.scope: scope for scope in figures.lines.scopes} if figures.lines is not None else {}
    holders = {} if figures.holders is None else figures.holders.holders
    names = sorted({*runs, *waiting, *holders}, key=lambda name: (-_size(waiting.get(name)), name))
    if not names:
        return Text("no order was placed yet, so there is no planning scope")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("scope", "waiting", "routing", "first due", "decided by", "last run", "took", "gap", "routed", "no"):
        table.add_column(title, justify="left" if title in ("scope", "decided by", "last run") else "right")
    for name in names[:MOST_SCOPES]:
        table.add_row(*_row(name, waiting.get(name), holders.get(name), runs.get(name), figures.read_at))
    if len(names) > MOST_SCOPES:
        table.add_row(f"… and {len(names) - MOST_SCOPES} more: --json tells all", *[""] * 9)
    return table


def _row(
    name: str, waiting: ScopeFigures | None, holder: str | None, run: RunFigures | None, now: datetime
) -> Sequence[str]:
    lines = waiting or ScopeFigures(scope=name)
    due = duration(lines.overdue_seconds) if lines.due else ""
    told = [name, f"{lines.pending:,}", f"{lines.routing:,}", due, holder or ""]
    if run is None:
        return [*told, *[""] * 5]
    ago = f"{duration((now - run.finished_at).total_seconds())} ago"
    return [*told, ago, f"{run.seconds:.1f} s", f"{run.gap:.2%}", f"{run.routed:,}", f"{run.no_route:,}"]


def _size(waiting: ScopeFigures | None) -> int:
    return 0 if waiting is None else waiting.lines


def _first(counts: Mapping[str, int]) -> dict[str, int]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return dict(ordered[:MOST_CODES])


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name or 'unknown'} {count:,}" for name, count in counts.items())


def _instant(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"
