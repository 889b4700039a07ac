"""What happens to a client's requests on their way, and when: each disturbance once, as it happens in the world."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fabroute.bureau.conformance.exchanges import Exchange, FaultName, parsed

_PLACE_OF_LOSS = 2
_UNKNOWN = {"added_tomorrow": {"by": "a newer fabroute"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a client is answered. ``status`` 0: nothing, the connection is closed."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    fault: FaultName = ""


class FaultScript:
    """Decides what is disturbed. One instance sees all requests of a client, in order; safe for threads."""

    def __init__(self, *, slow_seconds: float = 3.0, busy_seconds: int = 2) -> None:
        self._slow_seconds = slow_seconds
        self._busy_seconds = busy_seconds
        self._done: set[FaultName] = set()
        self._jobs: list[str] = []
        self._lost: dict[str, str] = {}
        self._asked_to_cancel = ""
        self._cancelled = ""
        self._reported: set[str] = set()
        self._lock = threading.Lock()

    def before(self, request: Exchange) -> Reply | None:
        """Return an answer that is given in fabroute's place, ``None`` to let the request through."""
        with self._lock:
            if request.is_claim and self._first("busy"):
                return problem_reply(503, "temporarily_unavailable", "busy", {"Retry-After": str(self._busy_seconds)})
            if request.job_id and self._lost.get(request.job_id) == request.lease and request.lease:
                return _lease_lost(request)
            if request.step == "heartbeat" and self._loses(request.job_id) and self._first("lease_lost"):
                self._lost[request.job_id] = request.lease
                return _lease_lost(request)
            if request.step == "cancellation" and request.job_id in (self._asked_to_cancel, self._cancelled):
                self._asked_to_cancel, self._cancelled = "", request.job_id
                return Reply(status=200, headers=_JSON, body=b"{}", fault="cancel_answered")
            return None

    def delay(self, request: Exchange) -> float:
        """Return for how many seconds the answer is kept back."""
        with self._lock:
            return self._slow_seconds if request.step == "acceptance" and self._first("slow") else 0.0

    def after(self, request: Exchange, reply: Reply) -> Reply:
        """Return what the client gets of fabroute's own answer."""
        with self._lock:
            if request.is_claim and reply.status == 200:
                return self._after_claim(reply)
            if request.is_download and reply.status == 200 and reply.body and self._first("damaged_file"):
                damaged = bytes([reply.body[0] ^ 1]) + reply.body[1:]
                return Reply(status=200, headers=reply.headers, body=damaged, fault="damaged_file")
            if request.step in ("reports", "prints") and reply.status < 300:
                self._reported.add(request.job_id)
            if request.step == "heartbeat" and reply.status == 200 and self._cancels(request.job_id):
                return self._ask_to_cancel(request.job_id, reply)
            return reply

    def _after_claim(self, reply: Reply) -> Reply:
        told = parsed(reply.body)
        packets = told["data"]
        self._jobs += [it["job"]["id"] for it in packets if it["job"]["id"] not in self._jobs]
        if packets and self._first("answer_lost"):
            return Reply(status=0, fault="answer_lost")
        for packet in packets:
            packet["job"] |= _UNKNOWN
            packet["lease"] |= _UNKNOWN
        return _with_json(reply, told | _UNKNOWN, "unknown_field")

    def _ask_to_cancel(self, job_id: str, reply: Reply) -> Reply:
        self._done.add("cancel_requested")
        self._asked_to_cancel = job_id
        told = parsed(reply.body) or {}
        wish = {"cancel_requested": True, "cancel_reason": "the customer needs it no longer"}
        return _with_json(reply, told | wish, "cancel_requested")

    def _cancels(self, job_id: str) -> bool:
        """A wish to cancel is told until it is answered: who crashed on it hears of it again."""
        if self._asked_to_cancel:
            return job_id == self._asked_to_cancel
        return "cancel_requested" not in self._done and self._is_turn_of(job_id, place=1)

    def _loses(self, job_id: str) -> bool:
        """A lease is lost after the cancel where there are too few jobs for each to have its own."""
        if job_id == self._asked_to_cancel:
            return False
        enough = len(self._jobs) > _PLACE_OF_LOSS
        return (enough or "cancel_requested" in self._done) and self._is_turn_of(job_id, place=_PLACE_OF_LOSS)

    def _is_turn_of(self, job_id: str, *, place: int) -> bool:
        """The second job is cancelled and the third is lost; with fewer jobs, whichever was reported about."""
        if len(self._jobs) > place:
            return self._jobs[place] == job_id
        return job_id in self._reported

    def _first(self, name: FaultName) -> bool:
        if name in self._done:
            return False
        self._done.add(name)
        return True


_JSON = {"Content-Type": "application/json"}


def problem_reply(status: int, code: str, fault: FaultName, headers: Mapping[str, str] | None = None) -> Reply:
    """Return a refusal as fabroute words it (RFC 9457)."""
    detail = {"code": code, "status": status, "title": code, "detail": f"{code}, says the conformance suite"}
    told = {"Content-Type": "application/problem+json"} | dict(headers or {})
    return Reply(status=status, headers=told, body=json.dumps(detail).encode(), fault=fault)


def _lease_lost(_: Exchange) -> Reply:
    return problem_reply(409, "lease_lost", "lease_lost")


def _with_json(reply: Reply, told: Mapping[str, Any], fault: FaultName) -> Reply:
    return Reply(status=reply.status, headers=reply.headers, body=json.dumps(told).encode(), fault=fault)
