"""Small clients of a bureau: one that does everything right, and many that each do one thing wrong."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fabroute.bureau.conformance.faults import Reply
from fabroute.bureau.conformance.proxy import Relay
from tests.fakes.fabroute_server import KEY, NODE

CLAIMS, JOBS = f"/v1/nodes/{NODE}/claims", f"/v1/nodes/{NODE}/jobs?state=accepted"


class Clock:
    """Seconds that pass when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@dataclass(kw_only=True)
class Holding:
    """A job that a client holds."""

    job_id: str
    lease: str
    sequence: int = 0
    lost: bool = False
    cancelled: bool = False


@dataclass(kw_only=True)
class Client:
    """Does everything right, and has time."""

    relay: Relay
    clock: Clock
    held: list[Holding] = field(default_factory=list)
    keys: int = 0
    etag: str = ""

    # -- the day of a client

    def work(self) -> None:
        """Claim until the queue is empty, work on every job, and look once more."""
        for _ in range(6):
            self.claim()
        for holding in self.held:
            self.prepare(holding)
        for _ in range(3):
            for holding in self.held:
                self.heartbeat(holding)
            self.clock.sleep(50)
            self.poll()
        for holding in self.held:
            if not holding.lost and not holding.cancelled:
                self.report(holding)

    def prepare(self, holding: Holding) -> None:
        """Accept a job and get its file."""
        if self.write(holding, "acceptance").status == 200:
            self.fetch(holding)
        else:
            self.lose(holding)

    # -- steps that somebody may do wrong

    def new_key(self) -> str:
        """Return a key for a new claim."""
        self.keys += 1
        return f"key-{self.keys}"

    def claim(self) -> None:
        """Claim one job, as often as it takes to get an answer."""
        key, body = self.new_key(), {"max": 1, "wait_seconds": 0}
        for attempt in range(3):
            answer = self.ask("POST", CLAIMS, body, {"Idempotency-Key": key} if key else {})
            if answer.status == 200:
                self.keep(json.loads(answer.body))
                return
            self.wait(answer)
            if answer.status == 204:
                return
            if answer.status == 0:
                key, body = self.after_silence(key, body, attempt)

    def after_silence(self, key: str, body: dict[str, Any], _: int) -> tuple[str, dict[str, Any]]:
        """Return what is sent again after a lost answer."""
        return key, body

    def wait(self, answer: Reply) -> None:
        """Wait as long as an answer asks for."""
        self.clock.sleep(float(answer.headers.get("Retry-After", answer.headers.get("retry-after", 0))))

    def keep(self, told: Mapping[str, Any]) -> None:
        """Remember what was claimed."""
        for packet in told["data"]:
            lease = packet["lease"]
            self.held.append(Holding(job_id=packet["job"]["id"], lease=f"{lease['lease_id']};epoch={lease['epoch']}"))

    def fetch(self, holding: Holding) -> None:
        """Get a job's file, with as many tickets as it takes."""
        for _ in range(3):
            ticket = json.loads(self.write(holding, "file-tickets").body)
            content = self.ask("GET", ticket["url"]).body
            if self.is_right(content, ticket["sha256"]):
                return

    def is_right(self, content: bytes, sha256: str) -> bool:
        """Tell whether a file is the one that was promised."""
        return hashlib.sha256(content).hexdigest() == sha256

    def heartbeat(self, holding: Holding) -> None:
        """Give a sign of life, and hear."""
        if holding.lost or holding.cancelled:
            return
        answer = self.write(holding, "heartbeat")
        if answer.status == 409:
            self.lose(holding)
        elif json.loads(answer.body).get("cancel_requested"):
            self.answer_cancel(holding)

    def lose(self, holding: Holding) -> None:
        """Stop."""
        holding.lost = True

    def answer_cancel(self, holding: Holding) -> None:
        """Agree."""
        self.write(holding, "cancellation", {"agreed": True, "reason": ""})
        holding.cancelled = True

    def poll(self) -> None:
        """Read the node's jobs, if they changed."""
        answer = self.ask("GET", JOBS, headers={"If-None-Match": self.etag} if self.etag else {})
        self.etag = answer.headers.get("ETag", self.etag)

    def report(self, holding: Holding) -> None:
        """Tell of two prints."""
        for result in ("failed", "good"):
            holding.sequence += 1
            self.send_report(holding, holding.sequence, result)

    def send_report(self, holding: Holding, sequence: int, result: str) -> None:
        """Send one report."""
        report = {
            "sequence": sequence,
            "name": "printed",
            "occurred_at": "2026-11-22T12:00:00Z",
            "data": {"result": result},
        }
        self.write(holding, "reports", {"reports": [report]})

    def lease_of(self, holding: Holding) -> dict[str, str]:
        """Return the header that names a job's lease."""
        return {"Fabroute-Lease": holding.lease}

    def write(self, holding: Holding, step: str, body: Mapping[str, Any] | None = None) -> Reply:
        """Do one step of a job."""
        return self.ask("POST", f"/v1/jobs/{holding.job_id}/{step}", body, self.lease_of(holding))

    def ask(
        self, method: str, target: str, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send a request through the proxy."""
        told = {"authorization": f"Bearer {KEY}"} | {name.lower(): value for name, value in (headers or {}).items()}
        return self.relay.take(method, target, told, json.dumps(body).encode() if body is not None else b"")


class WithoutKeys(Client):
    def new_key(self) -> str:
        return ""


class NewKeyAfterSilence(Client):
    def after_silence(self, key: str, body: dict[str, Any], _: int) -> tuple[str, dict[str, Any]]:
        return self.new_key(), body


class NewBodyAfterSilence(Client):
    def after_silence(self, key: str, body: dict[str, Any], attempt: int) -> tuple[str, dict[str, Any]]:
        return key, body | {"max": 2 + attempt}


class OneKeyForAll(Client):
    def new_key(self) -> str:
        return "key-for-ever"


class Hurried(Client):
    def wait(self, answer: Reply) -> None:
        if answer.status != 503:
            super().wait(answer)


class Hungry(Client):
    def wait(self, answer: Reply) -> None:
        if answer.status != 204:
            super().wait(answer)


class Forgetful(Client):
    def poll(self) -> None:
        self.etag = ""
        super().poll()


class Fussy(Client):
    def keep(self, told: Mapping[str, Any]) -> None:
        if "added_tomorrow" not in told:
            super().keep(told)


class Anonymous(Client):
    def lease_of(self, holding: Holding) -> dict[str, str]:
        return {}


class OldEpoch(Client):
    def lease_of(self, holding: Holding) -> dict[str, str]:
        return {"Fabroute-Lease": holding.lease.partition(";")[0] + ";epoch=0"}


class Rash(Client):
    def prepare(self, holding: Holding) -> None:
        self.write(holding, "file-tickets")
        super().prepare(holding)


class Sleepy(Client):
    def prepare(self, holding: Holding) -> None:
        super().prepare(holding)
        self.clock.sleep(150)


class Stubborn(Client):
    def lose(self, holding: Holding) -> None:
        """Go on as if nothing had been said."""


class Trusting(Client):
    def fetch(self, holding: Holding) -> None:
        ticket = json.loads(self.write(holding, "file-tickets").body)
        self.ask("GET", ticket["url"])


class Thrifty(Client):
    def fetch(self, holding: Holding) -> None:
        ticket = json.loads(self.write(holding, "file-tickets").body)
        for _ in range(2):
            if self.is_right(self.ask("GET", ticket["url"]).body, ticket["sha256"]):
                return
        super().fetch(holding)


class Deaf(Client):
    def answer_cancel(self, holding: Holding) -> None:
        """Hear nothing."""


class Vague(Client):
    def answer_cancel(self, holding: Holding) -> None:
        self.write(holding, "cancellation", {"reason": "hm"})
        holding.cancelled = True


class CountsFromZero(Client):
    def send_report(self, holding: Holding, sequence: int, result: str) -> None:
        super().send_report(holding, sequence - 1 if sequence > 1 else 5, result)


class ChangesItsMind(Client):
    def send_report(self, holding: Holding, sequence: int, result: str) -> None:
        super().send_report(holding, 1, result)


BROKEN: Mapping[str, tuple[Callable[..., Client], ...]] = {
    "claims have keys": (WithoutKeys,),
    "lost answers are asked again": (NewKeyAfterSilence, NewBodyAfterSilence),
    "new claims have new keys": (OneKeyForAll,),
    "retry after is respected": (Hurried,),
    "empty queues are left alone": (Hungry,),
    "polls are conditional": (Forgetful,),
    "unknown fields are tolerated": (Fussy,),
    "writes name the lease": (Anonymous, OldEpoch),
    "jobs are accepted before work": (Rash,),
    "heartbeats come in time": (Sleepy,),
    "work stops when the lease is lost": (Stubborn,),
    "damaged files are fetched again": (Trusting,),
    "tickets are used once": (Thrifty,),
    "cancel requests are answered": (Deaf, Vague),
    "reports are numbered in order": (CountsFromZero, ChangesItsMind),
}
"""By the one rule that they break."""
