"""Nodes without a connector: a person looks at a list and accepts by hand. What is accepted so needs no signs of life.

It is the light half of a run: most orders end here, in a node's hands, so that ten thousand of them can be placed.
"""

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from tests.faults.chaos.network import ChaosBureau
from tests.faults.chaos.tally import Tally, WriteTold
from tests.faults.chaos.temper import Attempts, temper
from tests.faults.chaos.wire import Answer, GaveUp, Installed, NoAnswer, Wire

_WAIT_SECONDS = 4
_LIST_SECONDS = 8.0 + _WAIT_SECONDS
_PAUSE_SECONDS = 0.4
_PATIENCE_SECONDS = 10.0


@dataclass(slots=True, kw_only=True)
class Portal:
    """A person at a node, in a thread of its own."""

    installation: Installed
    bureau: ChaosBureau
    node_id: str
    place: int
    """Among all clients."""
    seed: int
    tally: Tally
    attempts: Attempts
    stop: threading.Event
    etag: str = ""
    answered: set[str] = field(default_factory=set)
    """Jobs about which all is said."""

    def run(self) -> None:
        """Answer what is offered until ``stop`` is set."""
        wire = Wire(self.installation.api_urls, self.bureau.token, first=self.place, heard=self.tally.heard)
        while not self.stop.wait(_PAUSE_SECONDS):
            for job in self._offered(wire):
                if job["id"] not in self.answered and not self.stop.is_set():
                    self._answer(wire, job)
        wire.close()

    def _offered(self, wire: Wire) -> list[dict[str, Any]]:
        """Return the offered jobs once something has changed; none where nothing has, or nobody answers."""
        path = f"/v1/nodes/{self.node_id}/jobs?state=offered&limit=100&wait={_WAIT_SECONDS}"
        condition = {"If-None-Match": self.etag} if self.etag else {}
        try:
            found = wire.ask("GET", path, headers=condition, seconds=_LIST_SECONDS)
        except NoAnswer:
            return []
        if found.status != 200:
            return []
        self.etag = found.headers.get("etag", "")
        return list(found.json()["data"])

    def _answer(self, wire: Wire, job: dict[str, Any]) -> None:
        """Accept or decline a job; what could not be said is said at the next look."""
        attempt = self.attempts.next(f"{job['order_line_id']}/{job['share_no']}")
        number = self.tally.number_of(job["order_id"])
        mood = temper(seed=self.seed, number=number, attempt=attempt, job_id=job["id"]).answers
        self.answered.add(job["id"])
        what = "decline" if mood == "decline" else "acceptance"
        body = {"reason": "capacity", "text": "full until Monday"} if mood == "decline" else None
        sent = time.time()
        try:
            answer = wire.insist(
                "POST", f"/v1/jobs/{job['id']}/{what}", body, patience=_PATIENCE_SECONDS, stop=self.stop
            )
        except GaveUp:
            self.answered.discard(job["id"])
            self.etag = ""
            self.tally.unsure(_write(job, what, sent=sent))
            return
        self.tally.wrote(_write(job, what, sent=sent, answer=answer))
        self.tally.count(f"by hand: {what}" if answer.ok else f"refused by hand: {answer.code}")


def _write(job: dict[str, Any], what: str, *, sent: float, answer: Answer | None = None) -> WriteTold:
    lease = (answer.json().get("lease") if answer is not None and answer.ok and what == "acceptance" else None) or {}
    return WriteTold(
        job_id=job["id"],
        lease_id=str(lease.get("lease_id", "")),
        epoch=int(lease.get("epoch", 0)),
        what=what,
        status=0 if answer is None else answer.status,
        code="" if answer is None else answer.code,
        sent=sent,
        answered=0.0 if answer is None else answer.answered,
    )
