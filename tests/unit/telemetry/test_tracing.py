"""Spans: whose children they are, which traces are kept, and that without a collector nothing happens."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from fabroute.settings import Settings
from fabroute.telemetry.opentelemetry import OpenTelemetry, context_of
from fabroute.telemetry.tracing import (
    add_trace_ids,
    flush_spans,
    is_traced,
    is_tracing,
    load_tracing,
    record,
    span,
    start_tracing,
    traceparent,
    use_tracing,
)

CLIENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(exporter: InMemorySpanExporter) -> Iterator[OpenTelemetry]:
    found = OpenTelemetry(exporter, service="test", ratio=1.0)
    use_tracing(found)
    yield found
    use_tracing(None)
    found.close()


def test_without_a_collector_spans_are_nothing() -> None:
    with span("route", facts={"lines": 2}) as nothing:
        nothing.note(routed=1)
        nothing.rename("other")
        nothing.fail("why")
        assert nothing.traceparent is None
        assert traceparent() is None
    flush_spans()

    assert record("offer", parent=CLIENT, times=(NOW, NOW)) is None
    assert (is_tracing(), is_traced()) == (False, False)
    assert add_trace_ids(None, "info", {"event": "x"}) == {"event": "x"}
    assert load_tracing(Settings(tracing_url=None)) is None


def test_a_span_is_the_child_of_what_is_named_else_of_what_is_being_done(
    tracing: OpenTelemetry, exporter: InMemorySpanExporter
) -> None:
    with span("POST", kind="server", parent=CLIENT, facts={"http.route": "/v1/orders", "order_id": "ord_1"}) as outer:
        with span("inner") as inner:
            line = add_trace_ids(None, "info", {})
        outer.rename("POST /v1/orders")
        outer.fail("answered 503")
    flush_spans()

    first, second = exporter.get_finished_spans()
    assert (first.name, second.name) == ("inner", "POST /v1/orders")
    assert outer.traceparent is not None
    assert outer.traceparent.startswith("00-0af7651916cd43dd8448eb211c80319c-")
    assert second.parent is not None
    assert f"{second.parent.span_id:016x}" == "b7ad6b7169203331"
    assert first.parent is not None
    assert outer.traceparent.split("-")[2] == f"{first.parent.span_id:016x}"
    assert dict(second.attributes or {}) == {"http.route": "/v1/orders", "fabroute.order_id": "ord_1"}
    assert (second.status.status_code.name, second.status.description) == ("ERROR", "answered 503")
    assert inner.traceparent is not None
    assert line == {"trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": inner.traceparent.split("-")[2]}


def test_what_is_over_is_told_with_its_times_and_links(tracing: OpenTelemetry, exporter: InMemorySpanExporter) -> None:
    named = record(
        "route", parent=CLIENT, times=(NOW, NOW + timedelta(seconds=2)), links=(None, CLIENT), facts={"jobs": 1}
    )
    flush_spans()

    (found,) = exporter.get_finished_spans()
    assert named is not None
    assert (found.start_time, found.end_time) == (int(NOW.timestamp() * 1e9), int(NOW.timestamp() * 1e9) + 2 * 10**9)
    assert [f"{link.context.span_id:016x}" for link in found.links] == ["b7ad6b7169203331"]
    assert named.split("-")[2] == f"{(found.context.span_id if found.context else 0):016x}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00-short-b7ad6b7169203331-01",
        CLIENT.upper(),
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        CLIENT + "\n",
        "fr_test_key",
    ],
)
def test_what_is_no_traceparent_begins_a_trace_of_its_own(
    tracing: OpenTelemetry, exporter: InMemorySpanExporter, text: str
) -> None:
    assert context_of(text) is None
    with span("POST", parent=text):
        pass
    flush_spans()

    (found,) = exporter.get_finished_spans()
    assert found.parent is None
    assert record("offer", parent=text, times=(NOW, NOW)) is None


def test_how_many_traces_are_kept_is_ours_to_say_whatever_clients_wish(exporter: InMemorySpanExporter) -> None:
    found = OpenTelemetry(exporter, service="test", ratio=0.0)
    use_tracing(found)
    try:
        with span("POST", parent=CLIENT) as unkept:
            assert unkept.traceparent is None  # so nothing is written with the order
            assert (traceparent(), is_traced()) == (None, False)
            assert add_trace_ids(None, "info", {}) == {}
        flush_spans()
    finally:
        use_tracing(None)
        found.close()
    assert exporter.get_finished_spans() == ()


def test_all_processes_keep_the_same_traces() -> None:
    kept = []
    for _ in range(2):
        exporter = InMemorySpanExporter()
        found = OpenTelemetry(exporter, service="test", ratio=0.5)
        use_tracing(found)
        for number in range(200):
            parent = f"00-{number + 1:08x}{'5' * 8}{number * 0x12345678DEADBEEF % 2**64:016x}-{'1' * 16}-01"
            with span("x", parent=parent):
                pass
        flush_spans()
        use_tracing(None)
        found.close()
        kept.append({it.context.trace_id for it in exporter.get_finished_spans() if it.context})
    assert kept[0] == kept[1]
    assert 60 < len(kept[0]) < 140


def test_tracing_begins_once_and_where_it_is_asked_for() -> None:
    start_tracing(Settings(tracing_url=None), service="test")
    assert is_tracing() is False
    start_tracing(Settings(tracing_url="http://127.0.0.1:9"), service="test")
    try:
        assert is_tracing() is True
    finally:
        use_tracing(None)
