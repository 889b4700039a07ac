"""Spans of what a process does, where somebody collects them. Where nobody does, nothing of it is even imported.

A trace goes from hand to hand as a W3C ``traceparent``: in an order's row, in a task's message, in a header. Whoever
works on an order for which one is kept, in whichever process, adds spans to the order's own trace; what works on many
orders at once has a span of its own, and each order's span links to it.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from importlib import import_module
from types import ModuleType
from typing import Literal, Protocol

from structlog.typing import EventDict, WrappedLogger

from fabroute.kernel.errors import DomainError
from fabroute.settings import Settings

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Attribute = str | int | float | bool
MOST_LINKS = 128
"""Of one span: what SDKs and collectors take."""

_SDK = "fabroute.telemetry.opentelemetry"


class TracingMissing(DomainError):
    """Spans are to be sent, but the libraries for that are not installed."""

    code = "tracing_not_installed"
    status = 500


class Span(Protocol):
    """Something that is being done."""

    @property
    def traceparent(self) -> str | None:
        """What others name as their parent; ``None`` where the trace isn't kept."""

    def note(self, **attributes: Attribute) -> None:
        """Add facts."""

    def rename(self, name: str) -> None:
        """Call it otherwise, once it is known better."""

    def fail(self, why: str) -> None:
        """Say that it went wrong."""


class Tracing(Protocol):
    """What collects spans."""

    def span(
        self, name: str, *, kind: Kind, parent: str | None, links: Sequence[str], facts: Mapping[str, Attribute]
    ) -> AbstractContextManager[Span]:
        """Begin a span, which is the parent of those that begin inside of the block."""

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
        """Keep a span that is over; return what names it."""

    def current(self) -> tuple[str, str] | None:
        """Return the ids of trace and span of what is being done."""

    def flush(self, seconds: float) -> None:
        """Send what waits."""


class _NoSpan:
    """A span that nobody keeps."""

    traceparent: str | None = None

    def note(self, **attributes: Attribute) -> None:
        """Forget them."""

    def rename(self, name: str) -> None:
        """Forget it."""

    def fail(self, why: str) -> None:
        """Forget it."""


_NO_SPAN = _NoSpan()


class _Process:
    """Whether and where this process sends its spans."""

    tracing: Tracing | None = None


def start_tracing(settings: Settings, *, service: str) -> None:
    """Send the spans of this process from now on, if ``settings`` say where to; once a process, after its fork.

    Raises ``TracingMissing`` where the libraries aren't there.
    """
    sdk = load_tracing(settings)
    if sdk is not None and _Process.tracing is None:
        _Process.tracing = sdk.open_tracing(settings, service=service)


def load_tracing(settings: Settings) -> ModuleType | None:
    """Import what sends spans, where ``settings`` say where to, without beginning: forks of this process share it.

    Raises ``TracingMissing``.
    """
    if settings.tracing_url is None:
        return None
    try:
        return import_module(_SDK)
    except ImportError as error:
        raise TracingMissing(
            f"FABROUTE_TRACING_URL is set, but {error.name} is not installed: pip install 'fabroute[tracing]', or "
            "leave the setting out"
        ) from error


def use_tracing(tracing: Tracing | None) -> None:
    """Have spans collected by ``tracing``, or by nobody."""
    _Process.tracing = tracing


def is_tracing() -> bool:
    """Return whether spans are collected: what takes statements or computing only for them is left out otherwise."""
    return _Process.tracing is not None


def is_traced() -> bool:
    """Return whether what is being done just now belongs to a trace that is kept."""
    return _Process.tracing is not None and _Process.tracing.current() is not None


@contextmanager
def span(
    name: str,
    *,
    kind: Kind = "internal",
    parent: str | None = None,
    links: Sequence[str] = (),
    facts: Mapping[str, Attribute] | None = None,
) -> Iterator[Span]:
    """Tell of what the block does, as a child of ``parent``, else of what is being done."""
    tracing = _Process.tracing
    if tracing is None:
        yield _NO_SPAN
        return
    with tracing.span(name, kind=kind, parent=parent, links=links[:MOST_LINKS], facts=facts or {}) as begun:
        yield begun


def record(
    name: str,
    *,
    parent: str,
    times: tuple[datetime, datetime],
    kind: Kind = "internal",
    links: Sequence[str | None] = (),
    facts: Mapping[str, Attribute] | None = None,
) -> str | None:
    """Tell of what was done from one instant to another for the order of ``parent``; return what names it."""
    tracing = _Process.tracing
    if tracing is None:
        return None
    known = [link for link in links if link is not None][:MOST_LINKS]
    return tracing.record(name, kind=kind, parent=parent, links=known, times=times, facts=facts or {})


def traceparent() -> str | None:
    """Return what names the span of what is being done, for those who go on with it; ``None`` where it isn't kept."""
    tracing = _Process.tracing
    ids = None if tracing is None else tracing.current()
    return None if ids is None else f"00-{ids[0]}-{ids[1]}-01"


def flush_spans(seconds: float = 2.0) -> None:
    """Send the spans that wait, for so long at most, before a process ends that gives nobody time for it."""
    if _Process.tracing is not None:
        _Process.tracing.flush(seconds)


def add_trace_ids(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Name trace and span in a line of the log, where there are any."""
    tracing = _Process.tracing
    ids = None if tracing is None else tracing.current()
    if ids is not None:
        event["trace_id"], event["span_id"] = ids
    return event
