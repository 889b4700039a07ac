"""Asks for jobs, so that neither a lost answer nor a crash loses one: the claim is on disk before it is sent."""

import time
import uuid
from typing import Any

from fabroute.bureau.bench import Bench
from fabroute.bureau.records import JobRecord
from fabroute.bureau.wire import JsonObject, Refused, Unavailable

MOST_JOBS = 10
_FULL_SECONDS = 2.0
_REFUSED_SECONDS = 60.0
_IDLE_SECONDS = 1.0
_LONGEST_REST_SECONDS = 300.0
"""However long fabroute asked for: a clock that was put back must not silence the connector."""


class Claimer:
    """Claims jobs as long as there is room for them."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._refusal = ""

    def step(self, *, wait_seconds: int | None = None) -> float:
        """Claim once and return how many seconds to pause. Raises ``Unavailable``: then the claim stays under way.

        How long fabroute wants to be left alone is on disk before the answer counts as read.
        """
        records = self._bench.records
        claim = records.claim_under_way()
        left = min(records.rests_until() - time.time(), _LONGEST_REST_SECONDS)
        if left > 0:
            return left
        claim = claim or self._new_claim(wait_seconds)
        if claim is None:
            return _FULL_SECONDS
        try:
            answer = self._bench.wire.claim(
                node=self._bench.settings.node, idempotency_key=claim["key"], body=claim["body"]
            )
        except Refused as refusal:
            return self._give_up(refusal)
        except Unavailable as silence:
            self._rest(silence.retry_after)
            raise
        self._refusal = ""
        for packet in answer.packets:
            self._keep(packet)
        self._rest(answer.retry_after)
        records.end_claim()
        return answer.retry_after or (0.0 if answer.packets else _IDLE_SECONDS)

    def _rest(self, seconds: float | None) -> None:
        if seconds:
            self._bench.records.rest(until=time.time() + seconds)

    def _new_claim(self, wait_seconds: int | None) -> dict[str, Any] | None:
        settings = self._bench.settings
        room = settings.policy.max_open - len(self._bench.records.open())
        if room < 1:
            return None
        wait = settings.wait_seconds if wait_seconds is None else wait_seconds
        body = {"max": min(room, MOST_JOBS), "wait_seconds": wait}
        claim = {"key": f"bureau-{uuid.uuid4().hex}", "body": body}
        self._bench.records.begin_claim(claim)
        return claim

    def _give_up(self, refusal: Refused) -> float:
        """Forget a claim that fabroute won't take: nothing was handed out for it."""
        self._bench.records.end_claim()
        if refusal.message != self._refusal:
            self._bench.say(f"no claim is taken: {refusal.message} ({refusal.code})")
        self._refusal = refusal.message
        return _REFUSED_SECONDS

    def _keep(self, packet: JsonObject) -> None:
        job, lease = packet["job"], packet["lease"]
        known = self._bench.records.get(job["id"])
        if known is not None and known.epoch >= lease["epoch"]:
            return
        record = JobRecord(
            job_id=job["id"],
            lease_id=lease["lease_id"],
            epoch=lease["epoch"],
            lease_kind=lease.get("kind", "claim"),
            heartbeat_seconds=float(lease.get("heartbeat_seconds", 100)),
            job=packet,
        )
        self._bench.records.keep(record)
        self._bench.say(f"{record.job_id}: claimed, {job['quantity']} × {job['part']} in {job['material']}")
