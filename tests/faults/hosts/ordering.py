"""Owners who order through a load balancer: what one API host leaves unanswered goes to the other."""

import itertools
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from heapq import heappop, heappush
from queue import Empty, Queue
from urllib.parse import urlsplit

from fabroute.kernel.time import utc_now
from tests.faults.chaos.network import ChaosNetwork, ChaosOwner
from tests.faults.chaos.orders import Wish, wishes
from tests.faults.chaos.tally import KeyTold, Tally
from tests.faults.chaos.wire import Answer, NoAnswer, Wire

SENDERS = 12
ANSWER_SECONDS = 8.0
"""So long the balancer waits for an answer before it asks the other host; longer than an API waits for its database."""
CHECK_SECONDS = 1.0
"""So often it looks whether a host takes connections, and so long it waits for that."""
PATIENCE_SECONDS = 240.0
_MOST_WAITING = 200
"""Orders that are made but not sent: beyond that, owners order no more until there is room."""
_ENDLESS = 10**9
_LONGEST_REST_SECONDS = 1.0


class Balancer:
    """Gives out API hosts in turn, without those that took no connection when it looked last. For many threads."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._places = [(parts.hostname, parts.port) for parts in map(urlsplit, urls)]
        self._takes = [True] * len(urls)
        self._turns = itertools.count()

    def next(self) -> int:
        """Return the place of the host to ask; of any, where none takes connections."""
        turn = next(self._turns)
        good = [place for place, takes in enumerate(self._takes) if takes]
        return good[turn % len(good)] if good else turn % len(self._places)

    def check(self, place: int, stop: threading.Event) -> None:
        """Look after one host until it is enough."""
        while not stop.wait(CHECK_SECONDS):
            try:
                socket.create_connection(self._places[place], timeout=CHECK_SECONDS).close()
            except OSError:
                self._takes[place] = False
            else:
                self._takes[place] = True


@dataclass(slots=True, kw_only=True)
class _Owners:
    """Threads that send what owners wish, and cancel what they have changed their minds about."""

    urls: tuple[str, ...]
    network: ChaosNetwork
    tally: Tally
    rate: float
    seed: int
    cancelled: float
    stop: threading.Event = field(default_factory=threading.Event)
    waiting: "Queue[Wish]" = field(default_factory=Queue)
    later: list[tuple[int, int, Wish]] = field(default_factory=list)
    balancer: Balancer = field(init=False)

    def __post_init__(self) -> None:
        self.balancer = Balancer(self.urls)

    def wish(self) -> None:
        """Make orders at the rate that is wanted, until it is enough."""
        found = wishes(self.network, count=_ENDLESS, seed=self.seed, now=utc_now(), cancelled=self.cancelled)
        due = time.monotonic()
        for wish in found:
            due = max(due + 1 / self.rate, time.monotonic() - 1.0)
            if self.stop.wait(max(0.0, due - time.monotonic())):
                return
            while self.waiting.qsize() >= _MOST_WAITING and not self.stop.wait(0.1):
                pass
            self.waiting.put(wish)

    def send_on(self) -> None:
        """Send what waits, each order until it is answered; then return."""
        while not self.stop.is_set() or not self.waiting.empty():
            try:
                wish = self.waiting.get(timeout=0.2)
            except Empty:
                continue
            self._place(wish)
            if wish.cancel_after is not None:
                heappush(self.later, (wish.number + wish.cancel_after, wish.number, wish))
            while self.later and self.later[0][0] <= wish.number:
                self._cancel(heappop(self.later)[2])

    def _place(self, wish: Wish) -> None:
        told = KeyTold(
            key=wish.key,
            organisation_id=wish.owner.organisation_id,
            reference=wish.reference,
            lines=wish.lines,
            feasible=wish.feasible,
            number=wish.number,
            first_sent=time.time(),
        )
        self.tally.begin(told)
        answer = self._insisted(wish.owner, "/v1/orders", wish.body, {"Idempotency-Key": wish.key})
        if answer is None:
            self.tally.count("orders given up")
        else:
            self.tally.order_answered(wish.key, answer)

    def _cancel(self, wish: Wish) -> None:
        order_id = self.tally.order_of(wish.key, seconds=PATIENCE_SECONDS)
        answer = self._insisted(wish.owner, f"/v1/orders/{order_id}/cancel", None, {}) if order_id else None
        if order_id is not None and answer is not None:
            self.tally.cancelled(order_id, answer.status)

    def _insisted(self, owner: ChaosOwner, path: str, body: object, headers: dict[str, str]) -> Answer | None:
        """Ask until an answer is final, of whichever host gives one; ``None`` where none came in time."""
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            wire = Wire((self.urls[self.balancer.next()],), owner.token, heard=self.tally.heard)
            try:
                answer = wire.ask("POST", path, body, headers=headers, seconds=ANSWER_SECONDS)
            except NoAnswer:
                self.tally.count("requests that went to the other host")
                time.sleep(0.05)
                continue
            finally:
                wire.close()
            if answer.is_final:
                return answer
            self._rest(answer)
        return None

    def _rest(self, answer: Answer) -> None:
        """Wait as the API asks for; one that says 503 and not for how long is at fault."""
        told = answer.headers.get("retry-after", "")
        if answer.status == 503 and not told.isdecimal():
            self.tally.count("answered 503 without Retry-After")
        time.sleep(min(float(told) if told.isdecimal() else 0.1, _LONGEST_REST_SECONDS))


@contextmanager
def owners_ordering(
    urls: tuple[str, ...], network: ChaosNetwork, *, tally: Tally, rate: float, seed: int, cancelled: float
) -> Iterator[None]:
    """Have owners order, ``rate`` orders a second, as long as the block lasts; then until every order is answered."""
    owners = _Owners(urls=urls, network=network, tally=tally, rate=rate, seed=seed, cancelled=cancelled)
    with ThreadPoolExecutor(SENDERS + len(urls) + 1, thread_name_prefix="owners") as pool:
        working = [pool.submit(owners.wish), *(pool.submit(owners.send_on) for _ in range(SENDERS))]
        working += [pool.submit(owners.balancer.check, place, owners.stop) for place in range(len(urls))]
        try:
            yield
        finally:
            owners.stop.set()
            for each in working:
                each.result()
