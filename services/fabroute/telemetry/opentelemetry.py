"""Spans by OpenTelemetry's SDK, sent as OTLP over HTTP. Imported only where ``FABROUTE_TRACING_URL`` is set."""

import logging
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, Sampler, TraceIdRatioBased
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from fabroute.settings import Settings
from fabroute.telemetry.tracing import Attribute, Kind

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_SEND_EVERY_MS = 1_000
_SEND_WITHIN_SECONDS = 5
_KINDS: Mapping[Kind, SpanKind] = {
    "internal": SpanKind.INTERNAL,
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
}


def open_tracing(settings: Settings, *, service: str) -> "OpenTelemetry":
    """Return what sends spans to the collector that ``settings`` name, in batches, from a thread of its own."""
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)  # else each try that fails is a line
    url = f"{(settings.tracing_url or '').rstrip('/')}/v1/traces"
    exporter = OTLPSpanExporter(endpoint=url, timeout=_SEND_WITHIN_SECONDS)
    return OpenTelemetry(exporter, service=service, ratio=settings.tracing_ratio)


class OpenTelemetry:
    """Collects spans. Which traces are kept follows from their ids alone, so all processes keep the same ones."""

    def __init__(self, exporter: SpanExporter, *, service: str, ratio: float) -> None:
        resource = Resource.create({"service.name": service, "service.namespace": "fabroute"})
        # Whoever ends a process flushes, as long as it has time; by itself the SDK would wait for a silent collector.
        self._provider = TracerProvider(sampler=_sampler(ratio), resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=_SEND_EVERY_MS))
        self._tracer = self._provider.get_tracer("fabroute")

    @contextmanager
    def span(
        self, name: str, *, kind: Kind, parent: str | None, links: Sequence[str], facts: Mapping[str, Attribute]
    ) -> Iterator["KeptSpan"]:
        """Begin a span, which is the parent of those that begin inside of the block."""
        with self._tracer.start_as_current_span(
            name,
            context=None if (known := context_of(parent)) is None else _under(known),
            kind=_KINDS[kind],
            links=_links(links),
            attributes=_named(facts),
        ) as begun:
            yield KeptSpan(begun)

    def record(
        self,
        name: str,
        *,
        kind: Kind,
        parent: str,
        links: Sequence[str],
        times: tuple[datetime, datetime],
        facts: Mapping[str, Attribute],
    ) -> str | None:
        """Keep a span that is over; return what names it, ``None`` where its trace isn't kept."""
        known = context_of(parent)
        if known is None:
            return None
        began, ended = (int(instant.timestamp() * 1e9) for instant in times)
        over = self._tracer.start_span(
            name,
            context=_under(known),
            kind=_KINDS[kind],
            links=_links(links),
            attributes=_named(facts),
            start_time=began,
        )
        over.end(max(began, ended))
        return traceparent_of(over.get_span_context())

    def current(self) -> tuple[str, str] | None:
        """Return the ids of trace and span of what is being done, where the trace is kept."""
        found = trace.get_current_span().get_span_context()
        return (f"{found.trace_id:032x}", f"{found.span_id:016x}") if found.trace_flags.sampled else None

    def flush(self, seconds: float) -> None:
        """Send what waits, for so long at most: the SDK itself tries each batch to its end, whatever its limit says."""
        sending = threading.Thread(target=self._provider.force_flush, name="flush-spans", daemon=True)
        sending.start()
        sending.join(seconds)

    def close(self) -> None:
        """Send what waits, and end the thread."""
        self._provider.shutdown()


class KeptSpan:
    """A span of the SDK."""

    def __init__(self, begun: trace.Span) -> None:
        self._begun = begun

    @property
    def traceparent(self) -> str | None:
        """What others name as their parent."""
        return traceparent_of(self._begun.get_span_context())

    def note(self, **attributes: Attribute) -> None:
        """Add facts."""
        self._begun.set_attributes(_named(attributes))

    def rename(self, name: str) -> None:
        """Call it otherwise, once it is known better."""
        self._begun.update_name(name)

    def fail(self, why: str) -> None:
        """Say that it went wrong."""
        self._begun.set_status(Status(StatusCode.ERROR, why))


def context_of(traceparent: str | None) -> SpanContext | None:
    """Return what a ``traceparent`` names, ``None`` where it is none."""
    found = None if traceparent is None else _TRACEPARENT.fullmatch(traceparent)
    if found is None:
        return None
    trace_id, span_id, flags = (int(part, 16) for part in found.groups())
    known = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags & 1))
    return known if known.is_valid else None


def traceparent_of(context: SpanContext) -> str | None:
    """Return the ``traceparent`` of a span, ``None`` where its trace isn't kept."""
    if not context.trace_flags.sampled:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-01"


def _sampler(ratio: float) -> Sampler:
    """Return what keeps so many of all traces: a client's wish to have its own kept counts for nothing."""
    kept = TraceIdRatioBased(ratio)
    return ParentBased(root=kept, remote_parent_sampled=kept, remote_parent_not_sampled=kept)


def _under(context: SpanContext) -> Context:
    return trace.set_span_in_context(trace.NonRecordingSpan(context))


def _links(traceparents: Sequence[str]) -> list[Link]:
    return [Link(context) for context in map(context_of, traceparents) if context is not None]


def _named(facts: Mapping[str, Attribute]) -> dict[str, Attribute]:
    """Return facts under the names that they have in traces: standard ones as they are, ours with our prefix."""
    return {name if "." in name else f"fabroute.{name}": value for name, value in facts.items()}
