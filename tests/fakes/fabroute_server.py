"""A small fabroute with one node and a few jobs in memory: strict about leases, keys, tickets and numbers."""

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.fakes.web_server import Answer, Asked, json_answer

NODE, KEY, CONTENT = "N101", "fr_test_key", b"PK a 3MF " * 400
DROPPED = Answer(status=0)


@dataclass(kw_only=True)
class FakeJob:
    """A job and all that was done to it."""

    job_id: str
    material: str = "PA12"
    machine_id: str = "M1"
    state: str = "offered"
    lease_id: str = ""
    epoch: int = 0
    reports: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    evidence: dict[str, bytes] = field(default_factory=dict)
    calls: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    heartbeats: int = 0
    cancel_requested: bool = False
    shipment: dict[str, Any] = field(default_factory=dict)


Fault = Callable[[Asked], Answer | None]
"""Looks at a request before it is done; an answer is sent instead."""


class FakeFabroute:
    """Answers what a connector asks. ``lost_answers`` names steps whose next answer is dropped after it was done."""

    def __init__(self, *jobs: FakeJob, heartbeat_seconds: float = 100, signer: Ed25519PrivateKey | None = None) -> None:
        self.jobs = {job.job_id: job for job in jobs}
        self.heartbeat_seconds = heartbeat_seconds
        self.asked: list[Asked] = []
        self.faults: list[Fault] = []
        self.lost_answers: list[str] = []
        self.lost_posts: list[str] = []
        self.damaged_downloads = 0
        self._claims: dict[str, tuple[bytes, Answer]] = {}
        self._tickets: dict[str, str] = {}
        self._signer = signer or Ed25519PrivateKey.from_private_bytes(b"\1" * 32)
        self._lock = threading.RLock()

    def __call__(self, asked: Asked) -> Answer:
        with self._lock:
            self.asked.append(asked)
            for fault in self.faults:
                answer = fault(asked)
                if answer is not None:
                    self.faults.remove(fault)
                    return answer
            answer = self._answer(asked)
            step = urlsplit(asked.path).path.rsplit("/", 1)[-1]
            for losses, wanted in (
                (self.lost_answers, step),
                (self.lost_posts, step if asked.method == "POST" else ""),
            ):
                if wanted in losses and wanted:
                    losses.remove(wanted)
                    return DROPPED
            return answer

    def steps(self) -> list[str]:
        """What was asked, in order: the last word of each path, with its method."""
        return [f"{asked.method} {urlsplit(asked.path).path.rsplit('/', 1)[-1]}" for asked in self.asked]

    @property
    def public_key(self) -> str:
        """The key that releases are signed with."""
        return base64.b64encode(self._signer.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()

    def take_away(self, job_id: str) -> None:
        """Give a job to somebody else."""
        self.jobs[job_id].epoch += 1
        self.jobs[job_id].lease_id = "lse_other"

    def _answer(self, asked: Asked) -> Answer:
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return problem(401, "unauthenticated")
        path = urlsplit(asked.path).path.split("/")[2:]
        match path:
            case ["nodes", str(node), "claims"] if node == NODE:
                return self._claim(asked)
            case ["nodes", str(node), "jobs"] if node == NODE:
                return self._list(asked)
            case ["signing-key"]:
                return json_answer({"algorithm": "Ed25519", "public_key": self.public_key})
            case ["print-files", token]:
                return self._file(token)
            case ["shipments", job_id, "handover"]:
                return self._hand_over(asked, self.jobs[job_id.removeprefix("shp_")])
            case ["jobs", job_id] if job_id in self.jobs:
                return json_answer(self.packet(self.jobs[job_id])["job"])
            case ["jobs", job_id, *step] if job_id in self.jobs and step:
                return self._step(asked, self.jobs[job_id], step)
        return problem(404, "unknown_job")

    def _claim(self, asked: Asked) -> Answer:
        key, body = asked.headers.get("idempotency-key", ""), asked.body
        if not key:
            return problem(400, "idempotency_key_missing")
        if key in self._claims:
            known, answer = self._claims[key]
            return answer if known == body else problem(422, "idempotency_key_reused")
        free = [job for job in self.jobs.values() if job.state == "offered" and not job.lease_id]
        taken = free[: json.loads(body)["max"]]
        if not taken:
            return Answer(status=204, headers={"Retry-After": "1"})
        for job in taken:
            job.epoch += 1
            job.lease_id = f"lse_{job.job_id}x{job.epoch}"
        answer = json_answer({"data": [self.packet(job) for job in taken]})
        self._claims[key] = (body, answer)
        return answer

    def packet(self, job: FakeJob) -> dict[str, Any]:
        """Return a job's packet, with a field that no client knows."""
        facts = {
            "id": job.job_id,
            "state": job.state,
            "part": "RL-0001",
            "revision_id": "rev_1",
            "quantity": 2,
            "machine_id": job.machine_id,
            "material": job.material,
            "parameter_set": "ps-1",
            "lot_id": None,
            "produce_by": "2026-12-01",
            "packaging": "bag",
            "ship_to_city": "Hamburg",
            "ship_to_country": "DE",
            "shipping_service": "express",
            "some_new_field": {"of": "tomorrow"},
        }
        lease = {
            "lease_id": job.lease_id,
            "epoch": job.epoch,
            "kind": "claim",
            "until": "2026-11-22T12:05:00+00:00",
            "answer_by": None,
            "heartbeat_seconds": self.heartbeat_seconds,
        }
        return {"job": facts, "lease": lease}

    def _list(self, asked: Asked) -> Answer:
        rows = [
            {"id": it.job_id, "state": it.state, "held_reason": "", "cancel_requested_at": None}
            for it in self.jobs.values()
        ]
        etag = f'"{hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:12]}"'
        if asked.headers.get("if-none-match") == etag:
            return Answer(status=304, headers={"ETag": etag})
        return json_answer({"data": rows, "has_more": False, "next_cursor": None}, ETag=etag)

    def _file(self, token: str) -> Answer:
        if self._tickets.pop(token, None) is None:
            return problem(409, "file_ticket_used")
        content = CONTENT
        if self.damaged_downloads:
            self.damaged_downloads -= 1
            content = b"X" + CONTENT[1:]
        return Answer(body=content, headers={"Content-Type": "model/3mf"})

    def _step(self, asked: Asked, job: FakeJob, step: list[str]) -> Answer:
        if step == ["packet"]:
            return json_answer(self.packet(job))
        if step == ["shipments"] and asked.method == "GET":
            return json_answer({"data": [job.shipment] if job.shipment else []})
        if asked.headers.get("fabroute-lease") != f"{job.lease_id};epoch={job.epoch}":
            return problem(409, "lease_lost", f"job {job.job_id} is not held by that lease any more")
        body = json.loads(asked.body) if asked.body and step[0] != "evidence" else {}
        match step:
            case ["acceptance"]:
                job.state = "accepted" if job.state == "offered" else job.state
                return json_answer(self.packet(job)["job"])
            case ["file-tickets"]:
                return self._ticket(job)
            case ["heartbeat"]:
                job.heartbeats += 1
                return json_answer({"state": job.state, "cancel_requested": job.cancel_requested})
            case ["reports"]:
                return self._reports(job, body["reports"])
            case ["evidence", name]:
                job.evidence[name] = asked.body
                return json_answer({"id": f"evd_{name}", "name": name})
            case ["shipments"]:
                if job.shipment:
                    return problem(422, "invalid_shipment", "all parts are in shipments")
                job.shipment = {"id": f"shp_{job.job_id}", "state": "prepared", **body}
                return json_answer(job.shipment, 201)
            case [other] if other in ("decline", "failure", "cancellation", "offline-lease"):
                job.calls.append((other, body))
                return json_answer({})
        return problem(404, "not_found")

    def _hand_over(self, asked: Asked, job: FakeJob) -> Answer:
        if asked.headers.get("fabroute-lease") != f"{job.lease_id};epoch={job.epoch}":
            return problem(409, "lease_lost")
        job.state, job.shipment["state"] = "shipped", "handed_over"
        return json_answer(job.shipment)

    def _ticket(self, job: FakeJob) -> Answer:
        if job.state not in ("accepted", "in_production"):
            return problem(409, "print_file_refused")
        token = f"t{len(self.asked)}"
        self._tickets[token] = job.job_id
        sha256 = hashlib.sha256(CONTENT).hexdigest()
        statement = json.dumps({"print_file": {"sha256": sha256}}, sort_keys=True)
        return json_answer(
            {
                "url": f"/v1/print-files/{token}",
                "file_name": "RL-0001_A.3mf",
                "sha256": sha256,
                "size_bytes": len(CONTENT),
                "statement": statement,
                "signature": base64.b64encode(self._signer.sign(statement.encode())).decode(),
                "public_key": self.public_key,
            },
            201,
        )

    def _reports(self, job: FakeJob, reports: list[dict[str, Any]]) -> Answer:
        told = []
        for report in reports:
            known = job.reports.setdefault(report["sequence"], report)
            same = known == report
            told.append({"sequence": report["sequence"], "state": "applied" if same else "refused", "reason": ""})
            if report["name"] == "printed":
                job.state = "in_production"
        return json_answer({"data": told})


def problem(status: int, code: str, detail: str = "", **headers: str) -> Answer:
    """Return an RFC 9457 answer."""
    return json_answer({"code": code, "detail": detail or code, "status": status}, status, **headers)


def once(step: str, answer: Answer) -> Fault:
    """Return a fault that answers the next request for ``step`` so, and does nothing."""
    return lambda asked: answer if urlsplit(asked.path).path.endswith(f"/{step}") else None
