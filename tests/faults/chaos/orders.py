"""Owners who order: each order is sent up to three times under one key, to any API process, until it is answered."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from random import Random
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from tests.faults.chaos.network import ChaosNetwork, ChaosOwner, ChaosPart
from tests.faults.chaos.tally import KeyTold, Tally
from tests.faults.chaos.wire import GaveUp, Installed, Wire

SENDERS = 6
PATIENCE_SECONDS = 300.0
WINDOW = 40
"""So many orders may be undecided, or their jobs unclaimed: more would only measure how fast the machine is."""
CANCELLED = 0.06
"""The usual share of orders that their owners cancel."""
_LOOK_SECONDS = 0.25
_OPEN = text(
    "SELECT (SELECT count(*) FROM order_lines WHERE state IN ('pending', 'routing'))"
    " + (SELECT count(*) FROM jobs WHERE state IN ('planned', 'offered'))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """An order as it is sent, how often, and whether it is cancelled later."""

    number: int
    owner: ChaosOwner
    key: str
    reference: str
    body: dict[str, Any]
    lines: tuple[tuple[str, int], ...]
    """Part and quantity of each line."""
    feasible: bool
    sends: int
    gap: int
    """How many other orders come before it is sent again; 0: at once, beside the first."""
    cancel_after: int | None
    """How many orders later it is cancelled."""


def wishes(
    network: ChaosNetwork, *, count: int, seed: int, now: datetime, cancelled: float = CANCELLED
) -> Iterator[Wish]:
    """Yield orders: the same for a seed, but for the dates, which are counted from ``now``.

    ``cancelled`` is the share that is cancelled later.
    """
    random = Random(f"{seed} orders")
    for number in range(count):
        yield _wish(network, number, seed=seed, random=random, now=now, cancelled=cancelled)


def _wish(network: ChaosNetwork, number: int, *, seed: int, random: Random, now: datetime, cancelled: float) -> Wish:
    owner = random.choice(network.owners)
    trouble = random.choice(("part", "price", "date")) if random.random() < 0.05 else ""
    parts = _parts(owner, trouble, random)
    lines = tuple((part.part_no, random.randint(1, 5)) for part in parts)
    country = "US" if random.random() < 0.3 else random.choice(sorted(set(network.cities) - {"US"}))
    reference = f"chaos-{seed}-{number}"
    body: dict[str, Any] = {
        "reference": reference,
        "objective": random.choice(("cheapest", "cheapest", "fastest", "fastest", "balanced")),
        "criticality": "routine",
        "ship_to": {"city": random.choice(network.cities[country]), "country": country},
        "lines": [{"part": part, "quantity": quantity} for part, quantity in lines],
    }
    return Wish(
        number=number,
        owner=owner,
        key=f"key-{reference}",
        reference=reference,
        body=body | _terms(trouble, lines, random=random, now=now),
        lines=lines,
        feasible=trouble not in ("price", "date") and all(part.feasible for part in parts),
        sends=random.choices((1, 2, 3), (5, 4, 2))[0],
        gap=random.choice((0, 0, 1, 5, 40)),
        cancel_after=random.choice((0, 2, 10, 60)) if random.random() < cancelled else None,
    )


def _parts(owner: ChaosOwner, trouble: str, random: Random) -> list[ChaosPart]:
    """Return the parts of an order, one as a rule; where the trouble is the part, nobody can make it."""
    impossible = [part for part in owner.parts if not part.feasible]
    if trouble == "part" and impossible:
        return [random.choice(impossible)]
    possible = [part for part in owner.parts if part.feasible]
    return random.sample(possible, 2 if random.random() < 0.08 and not trouble else 1)


def _terms(trouble: str, lines: tuple[tuple[str, int], ...], *, random: Random, now: datetime) -> dict[str, Any]:
    """Return dates, caps and the like, of which some make the order impossible."""
    if trouble == "price":
        return {"max_price": {"amount_minor": 1, "currency": "EUR"}}
    if trouble == "date":
        return {"need_by": (now + timedelta(hours=5)).isoformat()}
    terms: dict[str, Any] = {}
    if random.random() < 0.3:
        terms["need_by"] = (now + timedelta(days=random.randint(12, 30))).isoformat()
        terms["need_by_hard"] = random.random() < 0.5
    if lines[0][1] >= 2 and random.random() < 0.05:
        terms["split"] = {"max_nodes": 2}
    elif random.random() < 0.1:
        terms["promise"] = "now"
    return terms


def place_orders(
    installation: Installed,
    network: ChaosNetwork,
    *,
    count: int,
    rate: float,
    seed: int,
    tally: Tally,
    window: int = WINDOW,
    cancelled: float = CANCELLED,
) -> None:
    """Place ``count`` orders, up to ``rate`` a second, and return when the last answer is here or given up.

    It waits while ``window`` or more lines or jobs are undecided or unclaimed, so that runs are alike on any machine.
    """
    with ThreadPoolExecutor(SENDERS, thread_name_prefix="orders") as pool:
        senders = _Senders(installation=installation, tally=tally, pool=pool)
        pace = _Pace(engine=installation.engine, rate=rate, window=window)
        for wish in wishes(network, count=count, seed=seed, now=datetime.now(UTC), cancelled=cancelled):
            pace.wait()
            senders.place(wish)
        senders.finish()


@dataclass(slots=True, kw_only=True)
class _Pace:
    """Lets orders through one by one, as fast as wanted and as the installation keeps up."""

    engine: Engine
    rate: float
    window: int
    next_at: float = 0.0
    looked_at: float = 0.0
    open: int = 0

    def wait(self) -> None:
        """Return when the next order may be sent."""
        self.next_at = max(self.next_at + 1 / self.rate, time.monotonic())
        time.sleep(max(0.0, self.next_at - time.monotonic()))
        while self._full():
            time.sleep(_LOOK_SECONDS)

    def _full(self) -> bool:
        """Look at most four times a second; a database that is down is as full as it was."""
        if time.monotonic() - self.looked_at >= _LOOK_SECONDS:
            self.looked_at = time.monotonic()
            try:
                with self.engine.connect() as connection:
                    self.open = int(connection.execute(_OPEN).scalar_one())
            except DBAPIError:
                return False
        return self.open >= self.window


@dataclass(slots=True, kw_only=True)
class _Senders:
    """Threads that send, each with connections of its own."""

    installation: Installed
    tally: Tally
    pool: ThreadPoolExecutor
    later: list[tuple[int, int, str, Wish]] = field(default_factory=list)
    sent: list[Future[None]] = field(default_factory=list)
    room: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(4 * SENDERS))
    local: threading.local = field(default_factory=threading.local)
    wires: list[Wire] = field(default_factory=list)
    serial: int = 0

    def place(self, wish: Wish) -> None:
        """Send an order, and what is due of earlier ones."""
        self.tally.begin(
            KeyTold(
                key=wish.key,
                organisation_id=wish.owner.organisation_id,
                reference=wish.reference,
                lines=wish.lines,
                feasible=wish.feasible,
                number=wish.number,
                first_sent=time.time(),
            )
        )
        self._submit("order", wish, process=wish.number)
        for again in range(1, wish.sends):
            self._plan(wish.number + again * wish.gap, "order", wish)
        if wish.cancel_after is not None:
            self._plan(wish.number + wish.cancel_after, "cancel", wish)
        self._due(wish.number)

    def finish(self) -> None:
        """Send all that is left and wait for every answer."""
        self._due(None)
        try:
            for future in self.sent:
                future.result()
        finally:
            for wire in self.wires:
                wire.close()

    def _plan(self, at: int, what: str, wish: Wish) -> None:
        self.serial += 1
        heappush(self.later, (at, self.serial, what, wish))

    def _due(self, number: int | None) -> None:
        while self.later and (number is None or self.later[0][0] <= number):
            _, serial, what, wish = heappop(self.later)
            self._submit(what, wish, process=wish.number + serial)

    def _submit(self, what: str, wish: Wish, *, process: int) -> None:
        self.room.acquire()
        send = self._send if what == "order" else self._cancel
        future = self.pool.submit(send, wish, process % len(self.installation.api_urls))
        future.add_done_callback(lambda _: self.room.release())
        self.sent.append(future)
        self._look_back()

    def _look_back(self) -> None:
        """Raise what went wrong in a thread, and forget what is done."""
        if len(self.sent) > 10 * SENDERS:
            for future in self.sent:
                if future.done():
                    future.result()
            self.sent = [future for future in self.sent if not future.done()]

    def _send(self, wish: Wish, process: int) -> None:
        headers = {"Idempotency-Key": wish.key}
        wire = self._wire(wish.owner, process)
        try:
            answer = wire.insist("POST", "/v1/orders", wish.body, headers=headers, patience=PATIENCE_SECONDS)
        except GaveUp:
            self.tally.count("orders given up")
            return
        self.tally.order_answered(wish.key, answer)

    def _cancel(self, wish: Wish, process: int) -> None:
        """Cancel an order, once it is known to be there: what is not acknowledged can't be named."""
        wire = self._wire(wish.owner, process)
        order_id = self.tally.order_of(wish.key, seconds=PATIENCE_SECONDS)
        if order_id is None:
            return
        try:
            answer = wire.insist("POST", f"/v1/orders/{order_id}/cancel", patience=PATIENCE_SECONDS)
        except GaveUp:
            self.tally.count("cancellations given up")
            return
        self.tally.cancelled(order_id, answer.status)

    def _wire(self, owner: ChaosOwner, process: int) -> Wire:
        wires: dict[tuple[str, int], Wire] = self.local.__dict__.setdefault("wires", {})
        place = (owner.organisation_id, process)
        if place not in wires:
            wires[place] = Wire(self.installation.api_urls, owner.token, first=process, heard=self.tally.heard)
            self.wires.append(wires[place])
        return wires[place]
