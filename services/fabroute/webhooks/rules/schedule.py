"""When a delivery is tried again, when its endpoint rests, and when that is disabled."""

from dataclasses import dataclass
from datetime import datetime, timedelta

_MINUTE, _HOUR = 60.0, 3_600.0
RETRY_SECONDS: tuple[float, ...] = (
    0.0,
    5.0,
    5 * _MINUTE,
    30 * _MINUTE,
    2 * _HOUR,
    5 * _HOUR,
    10 * _HOUR,
    14 * _HOUR,
    20 * _HOUR,
    24 * _HOUR,
)
"""How long after the failure before it each attempt is made, the first at once: three days altogether.

Standard Webhooks 1.0 proposes this schedule.
"""
MOST_ATTEMPTS = len(RETRY_SECONDS)
JITTER = 0.1
"""By what share a wait may be longer or shorter, so that those who failed together don't return together."""

_PATIENT_FAILURES = 4
_LONGEST_REST_SECONDS = 300.0
MOST_FAILURES_IN_A_ROW = 1_000
LONGEST_FAILING = timedelta(days=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How an endpoint does."""

    failures_in_a_row: int
    failing_since: datetime | None


def seconds_until_attempt(number: int, *, chance: float) -> float | None:
    """Return how long after a failure the attempt ``number`` (from 1) is made, ``None`` if there is none any more.

    ``chance`` is a random number from 0 to 1: the wait is that of the schedule, 10 % less to 10 % more.
    """
    if number > MOST_ATTEMPTS:
        return None
    return RETRY_SECONDS[number - 1] * (1 - JITTER + 2 * JITTER * chance)


def rest_seconds(failures_in_a_row: int) -> float:
    """Return how long nothing is sent to an endpoint after so many failures: 1 s after five, doubled to five minutes.

    So an endpoint that is down costs one attempt now and then, however many events wait for it.
    """
    if failures_in_a_row <= _PATIENT_FAILURES:
        return 0.0
    return min(_LONGEST_REST_SECONDS, 2.0 ** min(failures_in_a_row - _PATIENT_FAILURES - 1, 30))


def is_hopeless(health: Health, *, now: datetime) -> bool:
    """Say whether an endpoint is disabled: three days, or a thousand attempts in a row, without a success."""
    if health.failing_since is None:
        return False
    return health.failures_in_a_row >= MOST_FAILURES_IN_A_ROW or now - health.failing_since >= LONGEST_FAILING
