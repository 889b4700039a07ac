"""Turns: how many requests are served at once, in all and of each party, and who waits for which.

A party is whoever shares a fate: an organisation, or all strangers together. Each has a line of its own, first come,
first served; a free place goes to the party with the fewest requests in service. So a flood takes the room that is
spare and no more, however long it is. Who floods beside others has less room: what is in service together takes longer.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from fabroute.settings import Settings

_WINDOW_SECONDS = 0.05
"""So long is counted how fast a line moves."""
_LATELY_SECONDS = 1.0
_LESS = 4
"""By so much less is served at once of who was refused lately, while others come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much is served at once, and how many may wait for it."""

    at_once: int
    """Requests in service in all."""
    of_one: int
    """Requests in service of one party."""
    waiting: int
    """Requests that wait in one party's line."""


def bounds_of(settings: Settings) -> Bounds:
    """Return the bounds of a process."""
    return Bounds(
        at_once=settings.requests_at_once,
        of_one=min(settings.requests_at_once, settings.requests_at_once_of_one),
        waiting=settings.requests_waiting,
    )


@dataclass(slots=True)
class Party:
    """Whose requests are served and wait. Without ``kw_only``: whoever comes seldom gets a new one each time."""

    name: str
    serving: int = 0
    line: deque[asyncio.Future[bool]] = field(default_factory=deque)
    pace: float = 0.0
    """Seconds between two turns of the line, as far as that is known."""
    turns: int = 0
    """Since the last time that the pace was taken."""
    since: float = 0.0
    refused_at: float = -math.inf

    def expected_wait(self, now: float) -> float:
        """Return how many seconds one more in the line would wait."""
        passed = now - self.since
        if passed >= _WINDOW_SECONDS:
            latest = passed / max(1, self.turns)
            self.pace = (self.pace + latest) / 2 if self.pace else latest
            self.turns, self.since = 0, now
        return (len(self.line) + 1) * self.pace


class Turns:
    """Gives out turns. One for all requests of a process; it belongs to the event loop's thread."""

    def __init__(self, bounds: Bounds, *, clock: Callable[[], float]) -> None:
        self._bounds = bounds
        self._clock = clock
        self._parties: dict[str, Party] = {}
        self._lines: dict[str, Party] = {}
        """Those who have a line; who got a turn last stands last."""
        self._serving = 0
        self._latest, self._latest_at = "", -math.inf
        self._before_at = -math.inf
        """When somebody else than the latest came."""

    @property
    def serving(self) -> int:
        """How many requests are in service."""
        return self._serving

    @property
    def waiting_in_all(self) -> int:
        """How many requests wait."""
        return sum(len(party.line) for party in list(self._lines.values()))

    def waiting(self, name: str) -> int:
        """Return how many requests of a party wait."""
        party = self._parties.get(name)
        return 0 if party is None else len(party.line)

    async def enter(self, name: str, *, patience_seconds: float) -> Party | None:
        """Return the party once it has a turn: say ``leave`` at its end.

        ``None`` at once where it would have to wait longer than ``patience_seconds``, or when it has.
        """
        party = self._come(name)
        if self._is_free(party):
            self._start(party)
            return party
        if self._may_wait(party, patience_seconds) and await self._wait(party, patience_seconds):
            return party
        party.refused_at = self._clock()
        self._forget(party)
        return None

    def enter_at_once(self, name: str) -> Party | None:
        """Return the party if it has a turn now, as ``enter`` does; ``None`` where it would have to wait."""
        party = self._come(name)
        if self._is_free(party):
            self._start(party)
            return party
        self._forget(party)
        return None

    def leave(self, party: Party) -> None:
        """End a turn; the next one begins."""
        party.serving -= 1
        self._serving -= 1
        if self._lines:
            self._go_on()
        self._forget(party)

    def resume(self, party: Party) -> Party:
        """Return the party with a turn, though all places may be taken: for a request that left its place to wait."""
        known = self._parties.setdefault(party.name, party)
        self._start(known)
        return known

    def _come(self, name: str) -> Party:
        party = self._parties.get(name)
        if party is None:
            party = self._parties[name] = Party(name)
        self._note_coming(name)
        return party

    def _is_free(self, party: Party) -> bool:
        return not party.line and self._serving < self._bounds.at_once and party.serving < self._room(party)

    def _note_coming(self, name: str) -> None:
        if name != self._latest:
            self._latest, self._before_at = name, self._latest_at
        self._latest_at = self._clock()

    def _room(self, party: Party) -> int:
        """Return how many requests of a party may be in service."""
        lately = self._clock() - _LATELY_SECONDS
        others_at = self._before_at if party.name == self._latest else self._latest_at
        is_flood = party.refused_at > lately and others_at > lately
        return max(1, self._bounds.of_one // _LESS) if is_flood else self._bounds.of_one

    def _start(self, party: Party) -> None:
        party.serving += 1
        self._serving += 1

    def _may_wait(self, party: Party, patience: float) -> bool:
        if not party.line:
            return self._bounds.waiting > 0
        is_short = len(party.line) < self._bounds.waiting
        return is_short and party.expected_wait(self._clock()) <= patience

    async def _wait(self, party: Party, patience: float) -> bool:
        loop = asyncio.get_running_loop()
        entry: asyncio.Future[bool] = loop.create_future()
        if not party.line:
            party.pace, party.turns, party.since = 0.0, 0, self._clock()
            self._lines[party.name] = party
        party.line.append(entry)
        timer = loop.call_later(patience, self._give_up, party, entry)
        try:
            return await entry
        except asyncio.CancelledError:
            self._withdraw(party, entry)
            raise
        finally:
            timer.cancel()

    def _withdraw(self, party: Party, entry: asyncio.Future[bool]) -> None:
        """Undo the wait of a request that is cancelled, and its turn if that came in the same instant."""
        if entry in party.line:
            self._drop(party, entry)
        elif not entry.cancelled() and entry.result():
            self.leave(party)

    def _give_up(self, party: Party, entry: asyncio.Future[bool]) -> None:
        if not entry.done():
            self._drop(party, entry)
            entry.set_result(False)

    def _drop(self, party: Party, entry: asyncio.Future[bool]) -> None:
        party.line.remove(entry)
        if not party.line:
            del self._lines[party.name]
            self._forget(party)

    def _go_on(self) -> None:
        """Give free places to those who wait."""
        while self._serving < self._bounds.at_once and (party := self._next()) is not None:
            entry = party.line.popleft()
            party.turns += 1
            del self._lines[party.name]
            if party.line:
                self._lines[party.name] = party
            if not entry.done():
                self._start(party)
                entry.set_result(True)

    def _next(self) -> Party | None:
        """Return who has the fewest requests in service, of those with room; then whose last turn is longest ago."""
        best: Party | None = None
        for party in self._lines.values():
            if (best is None or party.serving < best.serving) and party.serving < self._room(party):
                best = party
                if not party.serving:
                    break
        return best

    def _forget(self, party: Party) -> None:
        if not party.serving and not party.line and self._parties.get(party.name) is party:
            del self._parties[party.name]
