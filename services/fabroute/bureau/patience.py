"""How long to wait before asking again."""

import random
from collections.abc import Callable

_FIRST_SECONDS = 1.0
_MOST_SECONDS = 60.0
_DOUBLINGS = 10


class Patience:
    """Waits longer after each failure in a row, never in step with others; what the server asks for goes first."""

    def __init__(self, *, chance: Callable[[], float] = random.random) -> None:
        self._failures = 0
        self._chance = chance

    def reset(self) -> None:
        """Begin anew, after a success."""
        self._failures = 0

    def next_seconds(self, *, retry_after: float | None) -> float:
        """Return how long to wait now: at least ``retry_after``, else between half and all of 1, 2, 4 … 60 s.

        https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ ("equal jitter").
        """
        longest: float = min(_MOST_SECONDS, _FIRST_SECONDS * 2.0 ** min(self._failures, _DOUBLINGS))
        self._failures += 1
        if retry_after is not None:
            return retry_after + self._chance() * min(1.0, retry_after / 10)
        return longest * (0.5 + 0.5 * self._chance())
