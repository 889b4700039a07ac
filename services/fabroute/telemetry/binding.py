"""Ids in the log: what is being worked on stands in every line that is written meanwhile."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import structlog

_ID = re.compile(r"[a-z]{2,5}_[0-9a-hjkmnp-tv-z]{26}(_[0-9]{2})?")
"""What ``kernel.ids.new_id`` makes, and an order line's with its position: no key, and no token, looks like this."""
_BOUND = frozenset({"order_id", "line_id", "job_id", "node_id", "run_id", "decision_id"})


def bind_ids(**ids: str) -> None:
    """Have the log name these ids from now on, in this request or task and the threads that work for it."""
    structlog.contextvars.bind_contextvars(**ids)


def bind_known(values: Mapping[str, object]) -> None:
    """Bind those of the values whose names are ids of things and that look like our ids: nothing else may be in a log.

    Whatever a caller puts into a path stands in ``values``, perhaps a key at the wrong place.
    """
    found = {
        name: value
        for name, value in values.items()
        if name in _BOUND and isinstance(value, str) and _ID.fullmatch(value)
    }
    if found:
        structlog.contextvars.bind_contextvars(**found)


@contextmanager
def bound(**ids: str) -> Iterator[None]:
    """Have the log name these ids while the block lasts."""
    with structlog.contextvars.bound_contextvars(**ids):
        yield
