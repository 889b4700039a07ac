"""What real processes tell of themselves: traces from an order to its claim, counts of tasks, and nothing unasked."""

import json
import os
import signal
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine, text

from fabroute.kernel.time import utc_now
from tests.factories.api import an_order, client_on, given_owner_and_places
from tests.factories.bureau_queues import given_bureau_key
from tests.factories.databases import in_transaction, rows
from tests.factories.orders import Owner, given_orders, make_order
from tests.factories.organisations import BUREAU
from tests.factories.processes import a_process, run_module, wait_until
from tests.factories.routable import given_routable_network
from tests.fakes.otlp import Collector, ReceivedSpan, otlp_collector

pytestmark = [pytest.mark.timeout(600), pytest.mark.slow]

TRACES = ("0af7651916cd43dd8448eb211c80319c", "1bf7651916cd43dd8448eb211c80319d")
CLIENT_SPAN = "b7ad6b7169203331"


@pytest.fixture
def owner(engine: Engine) -> Owner:
    owner = given_owner_and_places(engine)
    given_routable_network(engine, today=utc_now().date())
    return owner


@pytest.fixture
def collector() -> Iterator[Collector]:
    with otlp_collector() as collector:
        yield collector


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of their own for what the processes keep."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def value(port: int, name: str, **labels: str) -> float:
    """A figure that the workers tell; 0 while they don't, or tell nothing of it."""
    try:
        page = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    except httpx.TransportError:
        return 0.0
    samples = (sample for family in text_string_to_metric_families(page) for sample in family.samples)
    return sum(it.value for it in samples if it.name == name and labels.items() <= it.labels.items())


def names(spans: list[ReceivedSpan]) -> set[str]:
    return {span.name for span in spans}


def one(spans: list[ReceivedSpan], name: str) -> ReceivedSpan:
    (found,) = [span for span in spans if span.name == name]
    return found


def offered(engine: Engine) -> list[str]:
    found = in_transaction(engine, lambda session: rows(session, "SELECT order_id FROM jobs WHERE state = 'offered'"))
    return [str(order_id) for (order_id,) in found]


def placed(client: httpx.Client, trace_id: str) -> str:
    traced = {"traceparent": f"00-{trace_id}-{CLIENT_SPAN}-01", "Idempotency-Key": trace_id}
    answer = client.post("/v1/orders", json=an_order(), headers=traced)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def claimed(client: httpx.Client) -> Mapping[str, str]:
    """The trace and the orders of a claim of all that there is."""
    traced = {"traceparent": f"00-{'c' * 32}-{CLIENT_SPAN}-01", "Idempotency-Key": "claim"}
    answer = client.post("/v1/nodes/N101/claims", json={"max": 5}, headers=traced)
    assert answer.status_code == 200, answer.text
    return {job["job"]["order_id"]: job["job"]["id"] for job in answer.json()["data"]}


def test_one_trace_leads_from_the_order_by_its_event_and_its_route_to_the_claim(
    settings: dict[str, str], engine: Engine, owner: Owner, collector: Collector, home: Path
) -> None:
    path, log, port, api_port = home / "api.sock", home / "log", free_port(), free_port()
    environment = settings | {
        "FABROUTE_TRACING_URL": collector.url,
        "FABROUTE_WORKER_METRICS_PORT": str(port),
        "FABROUTE_METRICS_PORT": str(api_port),
    }
    with ExitStack() as stack:
        stack.enter_context(a_process("fabroute.api", "--uds", str(path), environment=environment, log=log))
        assert wait_until(path.exists), log.read_text(encoding="utf-8")
        client = stack.enter_context(client_on(str(path), owner.token, {}))
        bureau = stack.enter_context(client_on(str(path), given_bureau_key(engine, BUREAU), {}))
        order_ids = [placed(client, trace_id) for trace_id in TRACES]  # both wait: one run decides them
        workers = a_process("fabroute_workers", "--concurrency", "1", environment=environment, log=log)
        stack.enter_context(workers)
        assert wait_until(lambda: sorted(offered(engine)) == sorted(order_ids)), log.read_text(encoding="utf-8")
        jobs = claimed(bureau)
        assert wait_until(lambda: all("claim" in names(collector.of_trace(it)) for it in TRACES)), log.read_text(
            encoding="utf-8"
        )
        assert wait_until(lambda: all("offer" in names(collector.of_trace(it)) for it in TRACES)), log.read_text(
            encoding="utf-8"
        )
        assert wait_until(lambda: all("outbox order.placed" in names(collector.of_trace(it)) for it in TRACES))
        routed = {"scope": "polymer_powder/europe", "outcome": "routed"}
        assert wait_until(lambda: value(port, "fabroute_routing_lines_total", **routed) == 2)
        assert wait_until(lambda: value(port, "fabroute_tasks_total", task="routing.route_pending") > 0)
        orders = value(api_port, "fabroute_http_requests_total", method="POST", route="/v1/orders", status="201")

    assert orders == 2
    for trace_id, order_id in zip(TRACES, order_ids, strict=True):
        spans = collector.of_trace(trace_id)
        post, event, route = one(spans, "POST /v1/orders"), one(spans, "outbox order.placed"), one(spans, "route")
        offer, claim = one(spans, "offer"), one(spans, "claim")
        assert [it.service for it in (post, event, route, offer, claim)] == [
            "fabroute-api",
            "fabroute-relay",
            "fabroute-worker",
            "fabroute-worker",
            "fabroute-api",
        ]
        assert post.parent_id == CLIENT_SPAN
        assert [it.parent_id for it in (event, route, offer, claim)] == [
            post.span_id,
            post.span_id,
            route.span_id,
            post.span_id,
        ]
        assert (post.facts["http.response.status_code"], post.facts["http.route"]) == (201, "/v1/orders")
        assert {it.facts["fabroute.order_id"] for it in (event, route, offer, claim)} == {order_id}
        assert {it.facts["fabroute.job_id"] for it in (offer, claim)} == {jobs[order_id]}
    (run,) = {span.links for trace_id in TRACES for span in collector.of_trace(trace_id) if span.name == "route"}
    running = one([span for span in collector.spans if span.span_id in run], "routing.run")
    posts = {one(collector.of_trace(trace_id), "POST /v1/orders").span_id for trace_id in TRACES}
    assert set(running.links) == posts
    assert (running.facts["fabroute.lines"], running.facts["fabroute.routed"]) == (2, 2)
    claims = {span.links for trace_id in TRACES for span in collector.of_trace(trace_id) if span.name == "claim"}
    asked = one(collector.of_trace("c" * 32), "POST /v1/nodes/{node_id}/claims")
    assert claims == {(asked.span_id,)}
    logged = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
    assert {line["trace_id"] for line in logged if line["event"] == "routing.run"} <= set(TRACES)


def test_a_task_whose_process_is_killed_is_counted_as_lost_and_its_line_is_routed_all_the_same(
    settings: dict[str, str], engine: Engine, owner: Owner, home: Path
) -> None:
    port, log = free_port(), home / "log"
    environment = settings | {"FABROUTE_WORKER_METRICS_PORT": str(port)}
    with a_process("fabroute_workers", "--concurrency", "1", environment=environment, log=log) as workers:
        assert wait_until(lambda: value(port, "fabroute_tasks_total", outcome="success") > 0), log.read_text(
            encoding="utf-8"
        )
        (router,) = [pid for pid in own_children(workers.pid) if b"routing" in command_of(pid)]
        with engine.begin() as connection:
            connection.execute(text("LOCK TABLE planning_scopes IN ACCESS EXCLUSIVE MODE"))
            given_orders(engine, make_order(owner, placed_at=utc_now()))
            assert wait_until(lambda: waits_for_lock(engine, "INSERT INTO planning_scopes")), log.read_text(
                encoding="utf-8"
            )
            for child in own_children(router):
                os.kill(child, signal.SIGKILL)
            assert wait_until(lambda: value(port, "fabroute_tasks_total", outcome="lost") > 0), log.read_text(
                encoding="utf-8"
            )
        assert wait_until(lambda: len(offered(engine)) == 1), log.read_text(encoding="utf-8")
        assert wait_until(lambda: value(port, "fabroute_routing_lines_total", outcome="routed") == 1)

    assert value(port, "fabroute_tasks_total") == 0  # nobody is there any more


def own_children(pid: int) -> list[int]:
    """The processes that a process itself has forked."""
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").glob("*/children")
        for child in task.read_text(encoding="utf-8").split()
    ]


def waits_for_lock(engine: Engine, statement: str) -> bool:
    found = in_transaction(
        engine,
        lambda session: rows(session, "SELECT query FROM pg_stat_activity WHERE wait_event_type = 'Lock'"),
    )
    return any(statement in str(query) for (query,) in found)


def test_a_program_that_dies_is_counted_and_started_again(
    settings: dict[str, str], engine: Engine, owner: Owner, home: Path
) -> None:
    port, log = free_port(), home / "log"
    environment = settings | {"FABROUTE_WORKER_METRICS_PORT": str(port)}
    with a_process("fabroute_workers", "--concurrency", "1", environment=environment, log=log) as workers:
        assert wait_until(lambda: value(port, "fabroute_tasks_total", outcome="success") > 0), log.read_text(
            encoding="utf-8"
        )
        assert wait_until(lambda: value(port, "fabroute_relay_turn_seconds_count") > 1)
        (relay,) = [pid for pid in own_children(workers.pid) if b"fabroute_workers.relay" in command_of(pid)]
        os.kill(relay, signal.SIGKILL)
        assert wait_until(lambda: value(port, "fabroute_worker_deaths_total", program="relay") == 1), log.read_text(
            encoding="utf-8"
        )
        turns = value(port, "fabroute_relay_turn_seconds_count")
        assert wait_until(lambda: value(port, "fabroute_relay_turn_seconds_count") > turns), log.read_text(
            encoding="utf-8"
        )


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_where_nobody_collects_spans_nothing_of_it_is_imported(settings: dict[str, str], home: Path) -> None:
    (home / "look.py").write_text(
        "import sys\n"
        "import fabroute.console.app, fabroute_workers.__main__, fabroute_workers.relay, fabroute_workers.runtime\n"
        "from fabroute.settings import get_settings\n"
        "from fabroute.telemetry.tracing import start_tracing, traceparent\n"
        "start_tracing(get_settings(), service='x')\n"
        "assert traceparent() is None\n"
        "ours = ('opentelemetry.exporter', 'fabroute.telemetry.opentelemetry')\n"
        "print(sorted(name for name in sys.modules if name.startswith(ours)))\n",
        encoding="utf-8",
    )
    found = run_module("look", environment=settings)

    assert (found.stdout, found.returncode) == ("[]\n", 0), found.stderr


def test_a_process_that_is_to_send_spans_without_the_libraries_says_what_to_install(
    settings: dict[str, str], home: Path
) -> None:
    (home / "opentelemetry").mkdir()
    (home / "opentelemetry" / "__init__.py").write_text(
        "raise ImportError('no', name='opentelemetry')\n", encoding="utf-8"
    )
    environment = settings | {"FABROUTE_TRACING_URL": "http://127.0.0.1:4318"}
    found = run_module("fabroute_workers", environment=environment)

    assert found.returncode == 78
    assert found.stderr.splitlines()[-1] == (
        "fabroute_workers: FABROUTE_TRACING_URL is set, but opentelemetry is not installed: pip install "
        "'fabroute[tracing]', or leave the setting out"
    )
