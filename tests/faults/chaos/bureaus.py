"""Bureaus at work: some nodes have a client that claims, makes and gives signs of life; others answer by hand."""

import itertools
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.faults.chaos.making import Dropped, Held, Maker
from tests.faults.chaos.network import RARE_NODES, ChaosBureau, ChaosNetwork
from tests.faults.chaos.people import attending_people
from tests.faults.chaos.portals import Portal
from tests.faults.chaos.tally import ClaimTold, Tally
from tests.faults.chaos.temper import Attempts, temper
from tests.faults.chaos.wire import Answer, Installed, NoAnswer, Wire

CONNECTED = RARE_NODES
"""Nodes with a connector, which make their jobs from claim to delivery; the others accept by hand."""
MOST_JOBS = 10
"""Of one claim."""
MOST_OPEN = 12
"""So many jobs a client works on at once; those that it keeps silent about don't count."""
BEAT_SECONDS = 2.5
"""Heartbeats are asked for every 3 seconds."""
_WAIT_SECONDS = 4
_CLAIM_SECONDS = 8.0 + _WAIT_SECONDS
_BUSY_SECONDS = 0.7
"""How often to ask for more while jobs are at hand."""
_JOIN_SECONDS = 30.0


@dataclass(slots=True, kw_only=True)
class NodeClient:
    """A client of a node, in a thread of its own."""

    installation: Installed
    bureau: ChaosBureau
    node_id: str
    name: str
    place: int
    """Among all clients."""
    seed: int
    tally: Tally
    attempts: Attempts
    stop: threading.Event
    held: dict[str, Held] = field(default_factory=dict)
    claim: tuple[str, dict[str, Any]] | None = None
    """Key and body of a claim whose answer has not come."""
    claim_sent: float = 0.0
    """When it was sent first: a replay of its answer may come long after."""
    claim_at: float = 0.0
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def run(self) -> None:
        """Work until ``stop`` is set."""
        wire = Wire(self.installation.api_urls, self.bureau.token, first=self.place, heard=self.tally.heard)
        maker = Maker(wire=wire, tally=self.tally)
        while not self.stop.is_set():
            if time.monotonic() >= self.claim_at:
                self._claim(wire, maker)
            self._work(maker)
        wire.close()

    def _claim(self, wire: Wire, maker: Maker) -> None:
        """Ask for jobs once; a claim whose answer did not come is sent again as it was."""
        room = min(MOST_JOBS, MOST_OPEN - sum(job.due < time.monotonic() + 10 for job in self.held.values()))
        if self.claim is None and room < 1:
            return
        if self.claim is None:
            wait = 0 if self.held else _WAIT_SECONDS
            body = {"max": room, "wait_seconds": wait}
            self.claim = (f"claim-{self.name}-{self.seed}-{next(self.numbers)}", body)
            self.claim_sent = time.time()
        key, body = self.claim
        answer = self._asked(wire, key, body)
        if answer is None:
            self.claim_at = time.monotonic() + _BUSY_SECONDS
            return
        self.claim = None
        if answer.status == 200:
            self._keep(key, answer, maker)
            if next(self.numbers) % 10 == 0:
                self._once_more(wire, key, body)
        self.claim_at = time.monotonic() + (_BUSY_SECONDS if self.held else _rest(answer))

    def _asked(self, wire: Wire, key: str, body: dict[str, Any]) -> Answer | None:
        """Return the answer to a claim, None where it has to be sent again."""
        path = f"/v1/nodes/{self.node_id}/claims"
        try:
            answer = wire.ask("POST", path, body, headers={"Idempotency-Key": key}, seconds=_CLAIM_SECONDS)
        except NoAnswer:
            return None
        if not answer.is_final:
            wire.elsewhere()
            return None
        if not answer.ok:
            self.tally.count(f"refused claim: {answer.code}")
        return answer

    def _once_more(self, wire: Wire, key: str, body: dict[str, Any]) -> None:
        """Send a claim again that was answered: the same must come back, byte for byte."""
        again = self._asked(wire, key, body)
        if again is not None:
            self.tally.claimed(key, again, ())

    def _keep(self, key: str, answer: Answer, maker: Maker) -> None:
        packets = answer.json()["data"]
        claims = [self._claimed(packet, answer) for packet in packets]
        self.tally.claimed(key, answer, claims)
        for packet, claim in zip(packets, claims, strict=True):
            known = self.held.get(claim.job_id)
            if known is not None and known.claim.epoch >= claim.epoch:
                continue
            attempt = self.attempts.next(f"{claim.order_line_id}/{claim.share_no}")
            number = self.tally.number_of(claim.order_id)
            job = Held(
                claim=claim,
                temper=temper(seed=self.seed, number=number, attempt=attempt, job_id=claim.job_id),
                inspects=packet["inspection"]["level"] != "none",
            )
            job.steps = maker.make(job)
            self.held[claim.job_id] = job
            self._step(job)

    def _claimed(self, packet: dict[str, Any], answer: Answer) -> ClaimTold:
        job, lease = packet["job"], packet["lease"]
        return ClaimTold(
            job_id=job["id"],
            order_id=job["order_id"],
            order_line_id=job["order_line_id"],
            share_no=job["share_no"],
            quantity=job["quantity"],
            node_id=self.node_id,
            lease_id=lease["lease_id"],
            epoch=lease["epoch"],
            client=self.name,
            sent=self.claim_sent,
            answered=answer.answered,
        )

    def _work(self, maker: Maker) -> None:
        """Take every job that is due one step further, and give the signs of life that are due."""
        now = time.monotonic()
        for job in list(self.held.values()):
            if job.beats and time.monotonic() - job.beaten_at >= BEAT_SECONDS:
                maker.beat(job)
            if job.lost:
                self._drop(job, "lost")
            elif job.due <= time.monotonic():
                self._step(job)
        upcoming = min((job.due for job in self.held.values()), default=now + 0.2)
        self.stop.wait(min(max(0.0, upcoming - time.monotonic()), 0.2))

    def _step(self, job: Held) -> None:
        assert job.steps is not None
        try:
            job.due = time.monotonic() + next(job.steps)
        except StopIteration:
            del self.held[job.claim.job_id]
        except Dropped as dropped:
            self._drop(job, str(dropped))

    def _drop(self, job: Held, why: str) -> None:
        self.tally.count(f"dropped: {why}")
        self.held.pop(job.claim.job_id, None)


@contextmanager
def simulated_bureaus(
    installation: Installed,
    network: ChaosNetwork,
    seed: int,
    tally: Tally,
    *,
    attempts: Attempts | None = None,
    connected: Collection[str] = CONNECTED,
) -> Iterator[None]:
    """Have all bureaus, and people, work until the block ends.

    Nodes that are not ``connected`` answer by hand; ``attempts``: as which lines count as handed out before.
    """
    stop, attempts = threading.Event(), attempts or Attempts()
    shared: dict[str, Any] = {"installation": installation, "seed": seed, "tally": tally, "attempts": attempts}
    workers: list[NodeClient | Portal] = []
    for place, (node_id, name) in enumerate(_clients(network)):
        own = shared | {"bureau": network.bureau_of(node_id), "node_id": node_id, "place": place, "stop": stop}
        workers.append(NodeClient(name=name, **own) if node_id in connected else Portal(**own))
    threads = [threading.Thread(target=worker.run, name=worker.node_id, daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        with attending_people(installation, network, tally=tally):
            yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(_JOIN_SECONDS)


def _clients(network: ChaosNetwork) -> list[tuple[str, str]]:
    """Return node and name of every client: the first node has two, which race for its jobs."""
    first = network.node_ids[0]
    return [
        (node_id, f"{node_id}{letter}")
        for node_id in network.node_ids
        for letter in ("ab" if node_id == first else "a")
    ]


def _rest(answer: Answer) -> float:
    """Return how long the server wants to be left alone, but no longer than a second."""
    told = answer.headers.get("retry-after", "")
    return min(float(told), 1.0) if told.isdecimal() else 0.0
