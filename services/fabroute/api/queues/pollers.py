"""Keys of clients that poll: remembered while the database says, several times a second, that they are live."""

import hashlib
import time
from collections.abc import Callable, Collection

from fabroute.identity.rules import Principal


class PollerKeys:
    """Whom the keys speak for that have read a queue. It belongs to the event loop's thread, ``remember`` to any.

    The key cache forgets after a second, and a bureau polls every five: without this each poll would be a query.
    """

    def __init__(
        self, *, seconds: float, maximum_keys: int = 10_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._maximum_keys = maximum_keys
        self._clock = clock
        self._principals: dict[bytes, Principal] = {}
        self._live: frozenset[str] = frozenset()
        self._looked_at = float("-inf")

    def remember(self, token: str, principal: Principal) -> None:
        """Note whom a good key speaks for; it counts from the next look on."""
        if len(self._principals) >= self._maximum_keys:
            self._principals.clear()
        self._principals[_digest(token)] = principal

    def recall(self, token: str) -> Principal | None:
        """Return whom a token speaks for, if its key was live within the last second, else ``None``."""
        if self._clock() - self._looked_at > self._seconds:
            return None
        principal = self._principals.get(_digest(token))
        return principal if principal is not None and principal.key_id in self._live else None

    @property
    def due(self) -> frozenset[str]:
        """The ids of the keys to be looked at now; none while the last look is fresh enough."""
        if not self._seconds or self._clock() - self._looked_at < self._seconds * 0.2:
            return frozenset()
        return frozenset(principal.key_id for principal in list(self._principals.values()))

    @property
    def now(self) -> float:
        """The instant that a look begins at."""
        return self._clock()

    def take(self, live: Collection[str], *, asked: Collection[str], looked_at: float) -> None:
        """Take which of the keys that were asked about are live, by a look that began at ``looked_at``."""
        self._live, self._looked_at = frozenset(live), looked_at
        closed = frozenset(asked) - self._live
        for digest in [digest for digest, it in list(self._principals.items()) if it.key_id in closed]:
            self._principals.pop(digest, None)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
