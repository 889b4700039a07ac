"""What an API process tells Prometheus: exact counts by route templates, to nobody who may not know."""

import asyncio
import socket
import time
from collections.abc import Mapping
from types import SimpleNamespace

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from fabroute.api.measuring.measured import Measured
from fabroute.api.measuring.measures import ApiMeasures
from fabroute.api.measuring.room import served_metrics
from fabroute.settings import Settings
from fabroute.telemetry.exposition import MetricsAddressTaken
from tests.conftest import Database
from tests.factories.api import Api, an_order, served_api

TOKEN = "a-token-of-some-length"
MOST_MICROSECONDS = 5.0
Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def samples(text: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float | None:
    return found.get((name, frozenset(labels.items())))


def told(api: Api, path: str = "/metrics/process") -> Samples:
    return samples(api.resources.measuring.pages[path]().decode())


def test_requests_are_counted_by_the_template_of_their_route(api: Api) -> None:
    placed = [api.place(key=f"key-{number}") for number in range(3)]
    again = api.place(key="key-0")
    refused = api.place(an_order(lines=[{"part": "ZZ-9999", "quantity": 1}]), key="key-9")
    assert [it.status_code for it in (*placed, again, refused)] == [201, 201, 201, 201, 422]
    for it in placed:
        assert api.client.get(f"/v1/orders/{it.json()['id']}").status_code == 200
    assert api.client.get("/v1/orders/ord_nobody").status_code == 404
    assert api.client.get("/v1/nothing/here").status_code == 404
    assert api.client.get("/healthz").status_code == 200

    found = told(api)
    counted = "fabroute_http_requests_total"
    assert value(found, counted, method="POST", route="/v1/orders", status="201") == 4
    assert value(found, counted, method="POST", route="/v1/orders", status="422") == 1
    assert value(found, counted, method="GET", route="/v1/orders/{order_id}", status="200") == 3
    assert value(found, counted, method="GET", route="/v1/orders/{order_id}", status="404") == 1
    assert value(found, counted, method="GET", route="unmatched", status="404") == 1
    assert value(found, counted, method="GET", route="/healthz", status="200") == 1
    assert value(found, "fabroute_http_request_seconds_count", method="POST", route="/v1/orders") == 5
    assert value(found, "fabroute_http_request_seconds_bucket", method="POST", route="/v1/orders", le="+Inf") == 5
    assert value(found, "fabroute_intake_batch_orders_count") == 4
    assert value(found, "fabroute_intake_batch_orders_sum") == 4
    assert value(found, "fabroute_intake_batch_orders_bucket", le="1.0") == 4
    assert value(found, "fabroute_http_in_service") == 0
    assert value(found, "fabroute_http_waiting") == 0
    assert value(found, "fabroute_intake_waiting_orders") == 0
    assert value(found, "fabroute_database_pool_connections", pool="own") is not None
    assert value(found, "fabroute_database_pool_connections", pool="tenants") is not None
    assert value(found, "fabroute_database_pool_connections_most", pool="own") == 40
    assert value(found, "fabroute_database_pool_connections_most", pool="tenants") == 40


def test_no_id_and_no_path_stands_in_any_label(api: Api) -> None:
    order_id = api.place().json()["id"]
    api.client.get(f"/v1/orders/{order_id}")
    api.client.get(f"/v1/{api.owner.token}")
    text = api.resources.measuring.pages["/metrics"]().decode()

    assert order_id not in text
    assert api.owner.token not in text
    assert api.owner.organisation_id not in text


def test_a_method_that_there_is_not_makes_no_label_of_its_own(api: Api) -> None:
    statuses = {api.client.request(method, "/v1/orders").status_code for method in ("PROPFIND", "LOCK", "SEARCH")}

    counted = [(dict(labels), count) for (name, labels), count in told(api).items() if "requests_total" in name]
    assert statuses == {405}
    assert [(labels["method"], count) for labels, count in counted] == [("other", 3)]


def test_who_is_refused_at_the_gate_is_counted_by_code(database: Database, owner_in_template: object) -> None:
    with served_api(database.url, rate_limit_default=2) as api:
        statuses = [api.client.get("/v1/orders").status_code for _ in range(5)]

        found = told(api)
    assert statuses == [200, 200, 429, 429, 429]
    counted = "fabroute_http_requests_total"
    at_the_gate = value(found, "fabroute_http_refused_total", code="rate_limited") or 0
    behind_it = (
        value(found, counted, method="GET", route="/v1/orders", status="429") or 0
    )  # its key had to be looked up
    assert at_the_gate + behind_it == 3
    assert (value(found, counted, method="GET", route="refused", status="429") or 0) == at_the_gate


def test_a_request_that_waited_is_counted_but_not_timed(api: Api) -> None:
    seen = api.client.get(
        "/v1/events", params={"wait": 1, "cursor": api.client.get("/v1/events").json()["next_cursor"]}
    )
    assert seen.status_code == 200

    found = told(api)
    assert value(found, "fabroute_http_requests_total", method="GET", route="/v1/events", status="200") == 2
    assert value(found, "fabroute_http_request_seconds_count", method="GET", route="/v1/events") == 1


def test_without_a_token_there_is_nothing_at_metrics(api: Api) -> None:
    with api.as_(None) as stranger:
        assert stranger.get("/metrics").status_code == 404
    assert api.client.get("/metrics").json()["code"] == "not_found"
    assert "/metrics" not in api.client.get("/openapi.json").json()["paths"]


def test_with_a_token_metrics_are_told_to_who_has_it(database: Database) -> None:
    served = served_api(database.url, metrics_token=TOKEN)
    with served as api, api.as_(None) as stranger, api.as_(TOKEN) as prometheus:
        assert stranger.get("/metrics").status_code == 401
        assert api.client.get("/metrics").status_code == 401
        told = prometheus.get("/metrics")

    assert told.status_code == 200
    assert told.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = samples(told.text)
    assert value(found, "fabroute_database_up") == 1
    assert value(found, "fabroute_parked_lines") == 0
    assert value(found, "fabroute_http_requests_total", method="GET", route="/metrics", status="401") == 2


def test_a_short_token_is_refused_with_what_is_wanted() -> None:
    with pytest.raises(ValueError, match="at least 20"):
        Settings.model_validate({"metrics_token": "short"})


def test_on_a_port_of_its_own_all_figures_are_served(api: Api) -> None:
    settings = api.resources.settings.model_copy(update={"metrics_port": 0})
    with served_metrics(api.resources.measuring, settings) as server:
        assert server is not None
        base = f"http://127.0.0.1:{server.port}"
        pages = {path: httpx.get(base + path) for path in ("/metrics", "/metrics/process", "/metrics/database", "/x")}

    assert [page.status_code for page in pages.values()] == [200, 200, 200, 404]
    names = {path: {name for name, _ in samples(page.text)} for path, page in pages.items() if page.status_code == 200}
    only_later = {name for name in names["/metrics/process"] if "event_loop_lag" in name}
    assert (names["/metrics/process"] | names["/metrics/database"]) - only_later == names["/metrics"] - only_later
    assert "fabroute_database_up" not in names["/metrics/process"]
    assert "process_cpu_seconds_total" not in names["/metrics/database"]


def test_a_port_that_is_taken_is_told_with_what_to_do(api: Api) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = api.resources.settings.model_copy(update={"metrics_port": taken.getsockname()[1]})
        with (
            pytest.raises(MetricsAddressTaken, match="give another port"),
            served_metrics(api.resources.measuring, settings),
        ):
            pass


def test_to_count_a_request_costs_less_than_five_microseconds_of_computing() -> None:
    measures = ApiMeasures()
    app = SimpleNamespace(
        state=SimpleNamespace(resources=SimpleNamespace(measuring=SimpleNamespace(measures=measures)))
    )
    route = SimpleNamespace(path="/v1/orders")

    async def answer(scope: dict[str, object], receive: object, send: object) -> None:
        await send({"type": "http.response.start", "status": 201, "headers": []})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]

    async def sent(message: object) -> None:
        pass

    async def computing(asgi: object, times: int) -> float:
        began = time.thread_time()
        for _ in range(times):
            scope = {"type": "http", "method": "POST", "app": app, "route": route}
            await asgi(scope, None, sent)  # type: ignore[operator]
        return (time.thread_time() - began) / times * 1e6

    async def added() -> float:
        return await computing(Measured(answer), 5_000) - await computing(answer, 5_000)  # type: ignore[arg-type]

    cheapest = min(asyncio.run(added()) for _ in range(7))
    assert cheapest < MOST_MICROSECONDS
    counted = measures.requests.values[("POST", "/v1/orders", "201")]
    assert counted == 35_000
