"""A job at a simulated node, from its claim to its delivery: every step is asked until it is answered.

Steps are generators: they yield how many seconds to leave the job alone, so that one thread works on many jobs.
"""

import hashlib
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from tests.faults.chaos.tally import ClaimTold, FetchTold, Tally, WriteTold
from tests.faults.chaos.temper import Temper
from tests.faults.chaos.wire import Answer, NoAnswer, Wire

LOST_CODES = frozenset({"lease_lost", "reported_late", "unknown_job", "lease_required", "offer_lapsed"})
_BLOCKED_CODES = frozenset({"job_state_conflict", "job_unqualified", "print_file_refused", "file_ticket_void"})
_REST_SECONDS = 2.0
_BEAT_SECONDS = 3.0
_RESUMPTIONS = 15
"""Every two seconds; a held job whose gates stay closed is a person's matter then."""
Steps = Generator[float, None, None]
Asking = Generator[float, None, Answer]


class Dropped(Exception):
    """The job is not this node's any more, or nothing that this node can do brings it on."""


@dataclass(slots=True, kw_only=True)
class Held:
    """A job that a node's client holds."""

    claim: ClaimTold
    temper: Temper
    inspects: bool
    """Whether the part has to be looked at."""
    beats: bool = False
    beaten_at: float = 0.0
    asked_to_stop: bool = False
    lost: bool = False
    next_print: int = 1
    next_report: int = 1
    due: float = 0.0
    steps: Steps | None = None
    sent_reports: list[dict[str, Any]] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Where the job is."""
        return f"/v1/jobs/{self.claim.job_id}"

    @property
    def lease(self) -> dict[str, str]:
        """The header of every write."""
        return {"Fabroute-Lease": f"{self.claim.lease_id};epoch={self.claim.epoch}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """Makes the jobs of one client."""

    wire: Wire
    tally: Tally

    def make(self, job: Held) -> Steps:
        """Take a job from its claim to its end. Raises ``Dropped`` where that is out of this node's hands."""
        if job.temper.answers == "silent":
            return
        if job.temper.answers == "decline":
            yield from self.write(job, "decline", {"reason": "capacity", "text": "full until Monday"})
            return
        yield from self._working(job, "acceptance")
        job.beats, job.beaten_at = True, time.monotonic()
        if job.temper.mishap == "silent":
            yield from _silence(job)
        yield from self._fetch(job)
        if job.temper.starts_first:
            yield from self._report(job, [{"name": "started"}])
        yield job.temper.print_seconds
        yield from self._maybe_stop(job)
        if job.temper.mishap == "zombie":
            yield from _silence(job)
        if job.temper.mishap == "job":
            yield from self.write(job, "failure", {"reason": "machine_broke", "text": "the bearing is gone"})
            return
        yield from self._print(job)
        yield from self._maybe_stop(job)
        yield from self._ship(job)

    def beat(self, job: Held) -> None:
        """Give a sign of life. A heartbeat that is not answered is not repeated: the next one comes soon."""
        job.beaten_at = time.monotonic()
        try:
            answer = self.wire.ask("POST", f"{job.path}/heartbeat", headers=job.lease, seconds=_BEAT_SECONDS)
        except NoAnswer:
            return
        if answer.status < 500:
            self._told(job, "heartbeat", answer)
        if answer.ok:
            job.asked_to_stop = bool(answer.json().get("cancel_requested"))
        elif answer.code in LOST_CODES:
            job.lost = True

    def write(self, job: Held, what: str, body: object = None, *, path: str = "") -> Asking:
        """Write about a job until the answer is final; raise ``Dropped`` where the lease is over."""
        rest = 0.1
        while True:
            sent = time.time()
            try:
                answer = self.wire.ask("POST", path or f"{job.path}/{what}", body, headers=job.lease)
            except NoAnswer:
                self.tally.unsure(_write(job, what, sent=sent))
            else:
                if answer.is_final:
                    self._told(job, what, answer)
                    if answer.code in LOST_CODES:
                        raise Dropped(answer.code)
                    return answer
                self.wire.elsewhere()
            yield rest
            rest = min(2 * rest, _REST_SECONDS)

    def _told(self, job: Held, what: str, answer: Answer) -> None:
        self.tally.wrote(_write(job, what, answer=answer, facts=_facts(what, answer) if answer.ok else {}))

    def _read(self, job: Held, path: str) -> Asking:
        """Read something until it is answered."""
        while True:
            try:
                answer = self.wire.ask("GET", path, headers=job.lease)
            except NoAnswer:
                yield _REST_SECONDS / 4
                continue
            if answer.is_final:
                return answer
            self.wire.elsewhere()
            yield _REST_SECONDS / 4

    def _working(self, job: Held, what: str, body: object = None, *, path: str = "") -> Asking:
        """Write about a job; where a hold is in the way, wait until that is over."""
        for _ in range(_RESUMPTIONS):
            answer = yield from self.write(job, what, body, path=path)
            if answer.ok:
                return answer
            yield from self._unblock(job, what, answer.code)
        raise Dropped(f"{what} stays refused")

    def _unblock(self, job: Held, what: str, code: str) -> Steps:
        """Wait for a held job, give a sign of life of a suspect one; what else is in the way is not ours to change."""
        self.tally.count(f"refused {what}: {code}")
        if code not in _BLOCKED_CODES:
            raise Dropped(code)
        state = (yield from self._read(job, job.path)).json().get("state")
        if state not in ("accepted", "in_production", "inspected", "held", "suspect"):
            raise Dropped(f"it is {state}")
        yield _REST_SECONDS
        if state == "held":
            yield from self.write(job, "resumption")
        if state == "suspect":
            self.beat(job)

    def _maybe_stop(self, job: Held) -> Steps:
        """Answer the wish to stop, if there is one; who agrees waits until the job ends."""
        if not job.asked_to_stop:
            return
        agreed = job.temper.agrees_to_stop
        answer = yield from self.write(job, "cancellation", {"agreed": agreed, "reason": "as you wish"})
        job.asked_to_stop = False
        while agreed and answer.ok and not job.lost and answer.json().get("state") not in ("cancelled", "failed"):
            yield _REST_SECONDS
        if agreed and answer.ok:
            raise Dropped("stopped")

    def _fetch(self, job: Held) -> Steps:
        """Fetch the print file, by as many tickets as it takes; nothing is printed of a file that is not right."""
        for _ in range(10 * _RESUMPTIONS):
            ticket = (yield from self._working(job, "file-tickets")).json()
            try:
                answer = self.wire.ask("GET", ticket["url"], headers=job.lease)
            except NoAnswer:
                yield _REST_SECONDS / 4
                continue
            found = hashlib.sha256(answer.body).hexdigest() if answer.ok else ""
            self.tally.fetched(
                FetchTold(job_id=job.claim.job_id, status=answer.status, promised_sha256=ticket["sha256"], sha256=found)
            )
            if answer.ok and found == ticket["sha256"]:
                return
            yield _REST_SECONDS / 2
        raise Dropped("its file never came")

    def _print(self, job: Held) -> Steps:
        """Print all parts and have them looked at; one that failed is made once more."""
        if job.temper.mishap == "print":
            yield from self._report(job, [_printed(job, "failed")])
            yield from self._ask_for_reprint(job)
        begun = job.temper.starts_first or job.temper.mishap == "print"
        reports: list[dict[str, Any]] = [] if begun else [{"name": "started"}]
        reports += [_printed(job, "good") for _ in range(job.claim.quantity)]
        if job.inspects:
            reports.append(
                {"name": "inspected", "data": {"level": "visual", "inspector": "A. Weber", "result": "pass"}}
            )
        yield from self._report(job, reports)

    def _ask_for_reprint(self, job: Held) -> Steps:
        number = job.next_print - 1
        photo = yield from self._put(job, f"{job.path}/evidence/print-{number}.jpg")
        if not photo.ok:
            raise Dropped(f"evidence: {photo.code}")
        wish = {"print_number": number, "reason": "it warped", "evidence_id": photo.json()["id"]}
        asked = yield from self._working(job, "reprint-requests", wish)
        url = f"/v1/reprint-requests/{asked.json()['id']}"
        while (yield from self._read(job, url)).json().get("state") == "requested":
            yield _REST_SECONDS

    def _put(self, job: Held, path: str) -> Asking:
        while True:
            try:
                answer = self.wire.ask(
                    "PUT", path, b"\xff\xd8 a photo", headers=job.lease | {"Content-Type": "image/jpeg"}
                )
            except NoAnswer:
                yield _REST_SECONDS / 4
                continue
            if answer.is_final:
                return answer
            self.wire.elsewhere()
            yield _REST_SECONDS / 4

    def _report(self, job: Held, reports: Sequence[dict[str, Any]]) -> Steps:
        """Report until all of it counted: what was refused because of a hold is reported again under a new number."""
        left = list(reports)
        for _ in range(_RESUMPTIONS):
            numbered = _numbered(job, left)
            answers = yield from self._send(job, numbered)
            refused = {it["sequence"]: it["reason"] for it in answers if it["state"] == "refused"}
            if not refused:
                return
            left = [report for report, it in zip(left, numbered, strict=True) if it["sequence"] in refused]
            yield from self._unblock(job, "report", refused[min(refused)].partition(":")[0])
        raise Dropped("reports stay refused")

    def _send(self, job: Held, reports: list[dict[str, Any]]) -> Generator[float, None, list[dict[str, Any]]]:
        """Send numbered reports, perhaps one by one in the wrong order, perhaps twice; return what became of each."""
        if job.temper.shuffled and len(reports) > 1:
            mixed = list(reports)
            Random(job.claim.job_id).shuffle(mixed)
            for report in mixed:
                yield from self._posted(job, [report])
        if job.temper.repeats:
            yield from self._posted(job, reports)
        told = yield from self._posted(job, reports)
        return told

    def _posted(self, job: Held, reports: list[dict[str, Any]]) -> Generator[float, None, list[dict[str, Any]]]:
        answer = yield from self._working(job, "reports", {"reports": reports})
        told: list[dict[str, Any]] = answer.json()["data"]
        self._note_applied(job, reports, told, answer)
        return told

    def _note_applied(
        self, job: Held, reports: list[dict[str, Any]], told: list[dict[str, Any]], answer: Answer
    ) -> None:
        applied = {it["sequence"] for it in told if it["state"] == "applied"}
        if any(it["state"] == "waiting" for it in told):
            self.tally.wrote(_write(job, "waiting", answer=answer))
        prints = [it["data"]["number"] for it in reports if it["sequence"] in applied and "number" in it["data"]]
        if prints:
            results = {number: _result(reports, number) for number in prints}
            self.tally.wrote(_write(job, "prints", answer=answer, facts={"prints": results}))

    def _ship(self, job: Held) -> Steps:
        """Put all parts into a parcel, hand that over, and hear that it arrived."""
        shipment_id = yield from self._prepared(job)
        path = f"/v1/shipments/{shipment_id}"
        yield from self._working(job, "handover", path=f"{path}/handover")
        job.beats = False
        event = {"status": "delivered", "occurred_at": datetime.now(UTC).isoformat()}
        yield from self._working(job, "delivered", event, path=f"{path}/events")
        self.tally.count("jobs delivered")

    def _prepared(self, job: Held) -> Generator[float, None, str]:
        """Return the id of a new shipment of all parts; of one that is there already if an answer did not come."""
        parcel = {"quantity": job.claim.quantity, "weight_grams": 50 * job.claim.quantity}
        body = {"carrier": "dhl", "tracking_number": f"T{job.claim.job_id[-12:]}", "parcels": [parcel]}
        for _ in range(_RESUMPTIONS):
            sent = time.time()
            try:
                answer = self.wire.ask("POST", f"{job.path}/shipments", body, headers=job.lease)
            except NoAnswer:
                self.tally.unsure(_write(job, "shipments", sent=sent))
            else:
                if answer.ok or answer.is_final:
                    self._told(job, "shipments", answer)
                if answer.ok:
                    return str(answer.json()["id"])
                if answer.code in LOST_CODES:
                    raise Dropped(answer.code)
                if answer.is_final:
                    yield from self._unblock(job, "shipments", answer.code)
            yield _REST_SECONDS / 4
            known = (yield from self._read(job, f"{job.path}/shipments")).json().get("data", [])
            for shipment in known:
                if shipment["state"] != "cancelled":
                    return str(shipment["id"])
        raise Dropped("no shipment")


def _silence(job: Held) -> Steps:
    """Say nothing for a while, beyond the lease."""
    job.beats = False
    yield job.temper.silent_seconds
    job.beats = True


def _printed(job: Held, result: str) -> dict[str, Any]:
    number, job.next_print = job.next_print, job.next_print + 1
    data = {"number": number, "serial": f"{job.claim.job_id[-10:]}-{number}" if result == "good" else ""}
    return {"name": "printed" if result == "good" else "print_failed", "data": data}


def _numbered(job: Held, reports: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Number reports from where the lease's numbers have come to; they say the same however often they are sent."""
    first, job.next_report = job.next_report, job.next_report + len(reports)
    at = datetime.now(UTC).isoformat()
    return [
        {"sequence": first + place, "occurred_at": at, "data": {}, **report} for place, report in enumerate(reports)
    ]


def _result(reports: Sequence[dict[str, Any]], number: int) -> str:
    return next("good" if it["name"] == "printed" else "failed" for it in reports if it["data"].get("number") == number)


def _facts(what: str, answer: Answer) -> dict[str, Any]:
    if what in ("shipments", "handover", "delivered"):
        return {"shipment_id": answer.json().get("id"), "state": answer.json().get("state")}
    return {}


def _write(
    job: Held, what: str, *, answer: Answer | None = None, sent: float = 0.0, facts: Mapping[str, Any] | None = None
) -> WriteTold:
    """Return a write with its answer, or as it was sent at ``sent`` and not answered."""
    return WriteTold(
        job_id=job.claim.job_id,
        lease_id=job.claim.lease_id,
        epoch=job.claim.epoch,
        what=what,
        status=0 if answer is None else answer.status,
        code="" if answer is None else answer.code,
        sent=sent if answer is None else answer.sent,
        answered=0.0 if answer is None else answer.answered,
        facts=facts or {},
    )
