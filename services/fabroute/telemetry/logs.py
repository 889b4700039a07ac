"""Logs on standard error: one JSON object an event, or words in colours where a person looks at a terminal.

Tracebacks come without local variables: those may hold keys.
"""

import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import Processor

from fabroute.telemetry.tracing import add_trace_ids

_SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    add_trace_ids,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def configure_logging(level: int = logging.INFO, *, stream: TextIO | None = None) -> None:
    """Send the logs of this process, its libraries' too, to ``stream`` (standard error), an event a line.

    On a terminal a line is for people; everywhere else it is one JSON object, with the ids that are bound.
    """
    target = stream or sys.stderr
    handler = logging.StreamHandler(target)
    handler.setFormatter(_formatter(for_people=target.isatty()))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    logging.captureWarnings(capture=True)  # of libraries: they would be printed otherwise
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def _formatter(*, for_people: bool) -> logging.Formatter:
    """Return what writes an event. Its traceback is plain text either way: one string of the object, or lines."""
    rendered: list[Processor] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if for_people
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(sort_keys=True, default=str)]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendered],
    )
