"""The dashboards: rows of panels, each an expression or a few. ``build.py`` writes them as Grafana reads them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Unit = Literal["short", "s", "percentunit", "reqps", "bytes", "dateTimeFromNow"]
_COLUMNS = 24
_HEIGHT = 8
_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
_RATE = "[$__rate_interval]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel: its title, its expressions with their legends, its unit."""

    title: str
    queries: Sequence[tuple[str, str]]
    unit: Unit = "short"
    kind: Literal["timeseries", "stat", "bargauge"] = "timeseries"
    width: int = 8
    red_above: float | None = None
    """From where on it is red."""
    stacked: bool = False
    help: str = ""

    def as_json(self, number: int, *, x: int, y: int) -> dict[str, object]:
        """Return it at a place of the grid."""
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.help,
            "datasource": _DATASOURCE,
            "gridPos": {"h": _HEIGHT if self.kind != "stat" else 4, "w": self.width, "x": x, "y": y},
            "targets": [
                {
                    "refId": chr(ord("A") + place),
                    "datasource": _DATASOURCE,
                    "expr": expr,
                    "legendFormat": legend,
                    "instant": self.kind != "timeseries",
                    "range": self.kind == "timeseries",
                }
                for place, (expr, legend) in enumerate(self.queries)
            ],
            "fieldConfig": {"defaults": self._field(), "overrides": []},
            "options": self._options(),
        }

    def _field(self) -> dict[str, object]:
        steps: list[dict[str, object]] = [{"color": "green", "value": None}]
        if self.red_above is not None:
            steps.append({"color": "red", "value": self.red_above})
        field: dict[str, object] = {"unit": self.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}}
        if self.kind == "timeseries":
            stacking = {"mode": "normal" if self.stacked else "none", "group": "A"}
            fill = 30 if self.stacked else 5
            field["custom"] = {"drawStyle": "line", "fillOpacity": fill, "showPoints": "never", "stacking": stacking}
        return field

    def _options(self) -> dict[str, object]:
        if self.kind == "timeseries":
            return {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}
        reduce = {"calcs": ["lastNotNull"], "fields": "", "values": False}
        if self.kind == "bargauge":
            return {"orientation": "horizontal", "displayMode": "basic", "reduceOptions": reduce}
        return {"colorMode": "value", "graphMode": "area", "reduceOptions": reduce}


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One dashboard."""

    name: str
    title: str
    rows: Sequence[Sequence[Panel]]

    def as_json(self) -> dict[str, object]:
        """Return it as Grafana imports it."""
        return {
            "uid": f"fabroute-{self.name}",
            "title": self.title,
            "tags": ["fabroute"],
            "timezone": "browser",
            "editable": True,
            "schemaVersion": 39,
            "version": 1,
            "refresh": "30s",
            "time": {"from": "now-3h", "to": "now"},
            "templating": {
                "list": [{"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}]
            },
            "annotations": {"list": []},
            "links": [{"type": "dashboards", "tags": ["fabroute"], "title": "fabroute", "asDropdown": True}],
            "panels": self._panels(),
        }

    def _panels(self) -> list[dict[str, object]]:
        found: list[dict[str, object]] = []
        y = 0
        for row in self.rows:
            x = 0
            for panel in row:
                found.append(panel.as_json(len(found) + 1, x=x, y=y))
                x += panel.width
            assert x <= _COLUMNS, f"{self.title}: {row[0].title} and its row are too wide"
            y += _HEIGHT if any(panel.kind != "stat" for panel in row) else 4
        return found


def _stat(title: str, expr: str, *, unit: Unit = "short", red_above: float | None = None, help: str = "") -> Panel:
    return Panel(title=title, queries=((expr, ""),), unit=unit, kind="stat", width=4, red_above=red_above, help=help)


def _quantiles(metric: str, by: str, legend: str, *, where: str = "") -> list[tuple[str, str]]:
    labels = ", ".join(filter(None, ("le", by)))
    return [
        (f"histogram_quantile({q}, sum by ({labels}) (rate({metric}_bucket{where}{_RATE})))", f"p{q[2:]:0<2} {legend}")
        for q in ("0.5", "0.99")
    ]


ORDERS = Board(
    name="orders",
    title="fabroute: orders and routing",
    rows=(
        (
            _stat(
                "oldest order without a decision",
                'max(fabroute_oldest_open_order_age_seconds{decided="new"})',
                unit="s",
                red_above=900,
                help="The one figure that finds every fault of the way from order to decision.",
            ),
            _stat("first due line waits", "max(fabroute_overdue_line_seconds)", unit="s", red_above=60),
            _stat("open lines", "sum(max by (scope, state) (fabroute_open_lines))"),
            _stat("parked", "max(fabroute_parked_lines)", red_above=1),
            _stat("suspect lines", "max(fabroute_suspect_lines)"),
            _stat("without a route", "max(fabroute_no_route_lines)"),
        ),
        (
            Panel(
                title="open lines by planning scope",
                queries=(("sum by (scope) (max by (scope, state) (fabroute_open_lines))", "{{scope}}"),),
                stacked=True,
            ),
            Panel(
                title="lines decided a second",
                queries=((f"sum by (outcome) (rate(fabroute_routing_lines_total{_RATE}))", "{{outcome}}"),),
                stacked=True,
            ),
            Panel(
                title="time of a run",
                queries=_quantiles("fabroute_routing_run_seconds", "scope", "{{scope}}"),
                unit="s",
            ),
        ),
        (
            Panel(
                title="proven distance to the optimum, last run",
                queries=(('max by (scope) (fabroute_last_run_gap_ratio{kind="joint"})', "{{scope}}"),),
                unit="percentunit",
                red_above=0.1,
            ),
            Panel(
                title="last run by what became of its lines",
                queries=(("max by (scope, outcome) (fabroute_last_run_lines)", "{{scope}} {{outcome}}"),),
            ),
            Panel(
                title="since the last run",
                queries=(
                    (
                        'time() - max by (scope) (fabroute_last_run_finished_timestamp_seconds{kind="joint"})',
                        "{{scope}}",
                    ),
                ),
                unit="s",
            ),
        ),
        (
            Panel(
                title="nodes ruled out, by code, of the latest decisions",
                queries=(("sort_desc(max by (code) (fabroute_recent_excluded_nodes))", "{{code}}"),),
                kind="bargauge",
            ),
            Panel(
                title="lines without a route, by what binds, of the latest decisions",
                queries=(("sort_desc(max by (code) (fabroute_recent_no_route_lines))", "{{code}}"),),
                kind="bargauge",
            ),
            Panel(
                title="jobs that left their nodes within an hour, by cause",
                queries=(("max by (cause) (fabroute_recent_reroutes)", "{{cause}}"),),
                stacked=True,
            ),
        ),
        (
            Panel(
                title="offered and unclaimed, by node",
                queries=(("topk(20, max by (node) (fabroute_offered_jobs))", "{{node}}"),),
            ),
            Panel(
                title="jobs that wait for a word",
                queries=(
                    ("max by (state) (fabroute_waiting_jobs)", "{{state}}"),
                    ("max by (kind) (fabroute_lapsed_leases)", "lapsed: {{kind}}"),
                ),
            ),
            Panel(
                title="oldest unanswered offer", queries=(("max(fabroute_oldest_offer_age_seconds)", "age"),), unit="s"
            ),
        ),
    ),
)

API = Board(
    name="api",
    title="fabroute: API",
    rows=(
        (
            _stat("requests a second", f"sum(rate(fabroute_http_requests_total{_RATE}))", unit="reqps"),
            _stat(
                "server errors",
                f'sum(rate(fabroute_http_requests_total{{status=~"5.."}}{_RATE})) '
                f"/ sum(rate(fabroute_http_requests_total{_RATE}))",
                unit="percentunit",
                red_above=0.01,
            ),
            _stat("refused a second", f"sum(rate(fabroute_http_refused_total{_RATE}))", unit="reqps", red_above=1),
            _stat("in service", "sum(fabroute_http_in_service)"),
            _stat("wait for their turn", "sum(fabroute_http_waiting)"),
            _stat("orders wait for a writer", "sum(fabroute_intake_waiting_orders)", red_above=1000),
        ),
        (
            Panel(
                title="requests a second, by route",
                queries=(
                    (
                        f"topk(12, sum by (method, route) (rate(fabroute_http_requests_total{_RATE})))",
                        "{{method}} {{route}}",
                    ),
                ),
                unit="reqps",
            ),
            Panel(
                title="requests a second, by status",
                queries=((f"sum by (status) (rate(fabroute_http_requests_total{_RATE}))", "{{status}}"),),
                unit="reqps",
                stacked=True,
            ),
            Panel(
                title="refused, by code",
                queries=((f"sum by (code) (rate(fabroute_http_refused_total{_RATE}))", "{{code}}"),),
                unit="reqps",
                stacked=True,
            ),
        ),
        (
            Panel(
                title="time of POST /v1/orders",
                queries=_quantiles("fabroute_http_request_seconds", "", "", where='{method="POST",route="/v1/orders"}'),
                unit="s",
                red_above=0.25,
            ),
            Panel(
                title="p99 by route",
                queries=(
                    (
                        "topk(10, histogram_quantile(0.99, sum by (le, method, route) "
                        f"(rate(fabroute_http_request_seconds_bucket{_RATE}))))",
                        "{{method}} {{route}}",
                    ),
                ),
                unit="s",
            ),
            Panel(
                title="time to write a batch of orders",
                queries=_quantiles("fabroute_intake_batch_seconds", "", ""),
                unit="s",
            ),
        ),
        (
            Panel(
                title="orders in a batch, mean",
                queries=(
                    (
                        f"sum by (instance) (rate(fabroute_intake_batch_orders_sum{_RATE})) "
                        f"/ sum by (instance) (rate(fabroute_intake_batch_orders_count{_RATE}))",
                        "{{instance}}",
                    ),
                ),
            ),
            Panel(
                title="event loop comes round late",
                queries=_quantiles("fabroute_event_loop_lag_seconds", "instance", "{{instance}}"),
                unit="s",
                red_above=0.25,
            ),
            Panel(
                title="connections in use, by pool",
                queries=(("fabroute_database_pool_connections", "{{instance}} {{pool}}"),),
                red_above=38,
            ),
        ),
        (
            Panel(
                title="processor",
                queries=((f"rate(process_cpu_seconds_total{_RATE})", "{{job}} {{instance}}"),),
                unit="percentunit",
            ),
            Panel(title="memory", queries=(("process_resident_memory_bytes", "{{job}} {{instance}}"),), unit="bytes"),
            Panel(
                title="versions",
                queries=(("sum by (program, version) (fabroute_build_info)", "{{program}} {{version}}"),),
            ),
        ),
    ),
)

WORKERS = Board(
    name="workers",
    title="fabroute: workers, relay, webhooks, database",
    rows=(
        (
            _stat(
                "oldest event for the broker",
                'max(fabroute_outbox_oldest_age_seconds{not_yet="published"})',
                unit="s",
                red_above=60,
            ),
            _stat(
                "oldest event for the feeds",
                'max(fabroute_outbox_oldest_age_seconds{not_yet="sequenced"})',
                unit="s",
                red_above=60,
            ),
            _stat("oldest webhook", "max(fabroute_webhook_oldest_age_seconds)", unit="s", red_above=3600),
            _stat("scopes being decided", "max(fabroute_held_scopes)"),
            _stat("leases nobody looks after", "sum(max by (kind) (fabroute_lapsed_leases))", red_above=1),
            _stat("database answers", "max(fabroute_database_up)"),
        ),
        (
            Panel(
                title="tasks a second",
                queries=((f"sum by (task) (rate(fabroute_tasks_total{_RATE}))", "{{task}}"),),
            ),
            Panel(
                title="tasks that came to nothing",
                queries=(
                    (
                        f'sum by (task, outcome) (rate(fabroute_tasks_total{{outcome!="success"}}{_RATE}))',
                        "{{task}} {{outcome}}",
                    ),
                ),
            ),
            Panel(title="time of tasks", queries=_quantiles("fabroute_task_seconds", "task", "{{task}}"), unit="s"),
        ),
        (
            Panel(
                title="workers busy",
                queries=((f"sum by (task) (rate(fabroute_task_seconds_sum{_RATE}))", "{{task}}"),),
                stacked=True,
                help="Seconds of work a second: as many child processes are busy at a time.",
            ),
            Panel(
                title="tasks sent by the relay",
                queries=((f"sum by (task) (rate(fabroute_relay_errands_total{_RATE}))", "{{task}}"),),
            ),
            Panel(title="time of a relay's turn", queries=_quantiles("fabroute_relay_turn_seconds", "", ""), unit="s"),
        ),
        (
            Panel(
                title="events that wait",
                queries=(("max by (not_yet) (fabroute_outbox_events)", "not {{not_yet}}"),),
            ),
            Panel(
                title="webhooks that wait",
                queries=(
                    ("max by (which) (fabroute_webhook_deliveries)", "{{which}}"),
                    ("max(fabroute_webhook_endpoints_failing)", "endpoints failing"),
                    ("max by (cause) (fabroute_webhook_endpoints_disabled)", "endpoints disabled: {{cause}}"),
                ),
            ),
            Panel(
                title="programs that died, turns that failed",
                queries=(
                    (f"sum by (program) (increase(fabroute_worker_deaths_total{_RATE}))", "{{program}}"),
                    (f"sum by (server) (increase(fabroute_relay_outages_total{_RATE}))", "relay: {{server}}"),
                ),
            ),
        ),
        (
            Panel(
                title="connections of PostgreSQL",
                queries=(
                    ("max(fabroute_database_connections)", "in use"),
                    ("max(fabroute_database_connections_most)", "allowed"),
                ),
            ),
            Panel(
                title="oldest transaction",
                queries=(("max(fabroute_database_oldest_transaction_seconds)", "age"),),
                unit="s",
                red_above=300,
            ),
            Panel(
                title="what watching costs",
                queries=(
                    ("max by (instance) (fabroute_figures_read_seconds)", "{{instance}} reading"),
                    ("max by (instance) (fabroute_figures_age_seconds)", "{{instance}} age"),
                    ("max by (group) (fabroute_figures_missing)", "missing: {{group}}"),
                ),
                unit="s",
            ),
        ),
    ),
)

BOARDS: tuple[Board, ...] = (ORDERS, API, WORKERS)
