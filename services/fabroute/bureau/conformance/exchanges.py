"""What went through the proxy: requests with their answers, and what was done to them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

FaultName = Literal[
    "",
    "busy",
    "answer_lost",
    "unknown_field",
    "damaged_file",
    "lease_lost",
    "cancel_requested",
    "slow",
    "cancel_answered",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request, its answer, and when: seconds since the proxy began."""

    number: int
    started: float
    ended: float
    method: str
    target: str
    """Path and query."""
    headers: Mapping[str, str]
    """Of the request; names in lower case."""
    body: bytes
    status: int
    """Of the answer; 0 if the client got none."""
    answer_headers: Mapping[str, str]
    answer: bytes
    """What the client got, if it is JSON; empty for files."""
    fault: FaultName = ""

    @property
    def path(self) -> str:
        """The path without its query."""
        return urlsplit(self.target).path

    @property
    def words(self) -> tuple[str, ...]:
        """The path's words after ``v1``."""
        return tuple(self.path.strip("/").split("/")[1:])

    @property
    def job_id(self) -> str:
        """Which job it is about; empty for none."""
        return self.words[1] if len(self.words) > 1 and self.words[0] == "jobs" else ""

    @property
    def step(self) -> str:
        """What is done to a job: ``acceptance``, ``heartbeat`` …; empty for other requests."""
        return self.words[2] if self.job_id and len(self.words) > 2 else ""

    @property
    def is_claim(self) -> bool:
        """Whether it asks for jobs."""
        return self.method == "POST" and self.words[:1] == ("nodes",) and self.words[-1:] == ("claims",)

    @property
    def is_download(self) -> bool:
        """Whether it fetches a print file with a ticket."""
        return self.method == "GET" and self.words[:1] == ("print-files",)

    @property
    def is_good(self) -> bool:
        """Whether the client got what it asked for."""
        return 200 <= self.status < 300

    @property
    def lease(self) -> str:
        """The lease it is made by, as it was written."""
        return self.headers.get("fabroute-lease", "").replace(" ", "")

    def sent(self) -> Any:
        """Return the request's JSON, ``None`` if it has none."""
        return parsed(self.body)

    def got(self) -> Any:
        """Return the answer's JSON, ``None`` if it has none."""
        return parsed(self.answer)

    @property
    def told(self) -> str:
        """The request in one line, with when and what came back."""
        outcome = str(self.status) if self.status else "no answer"
        return f"{self.method} {self.target} → {outcome} at {self.started:.1f} s"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedJob:
    """A job as the client was given it."""

    job_id: str
    lease: str
    """``lse_…;epoch=3``, as it is to be sent."""
    heartbeat_seconds: float
    by: Exchange


def parsed(content: bytes) -> Any:
    """Return JSON, ``None`` for anything else."""
    try:
        return json.loads(content) if content else None
    except ValueError:
        return None


def claimed_jobs(log: Sequence[Exchange]) -> Iterator[ClaimedJob]:
    """Yield the jobs that the client was given, each time that it got to know of one."""
    for exchange in log:
        if exchange.is_claim and exchange.status == 200:
            for packet in (exchange.got() or {}).get("data", []):
                lease = packet["lease"]
                yield ClaimedJob(
                    job_id=str(packet["job"]["id"]),
                    lease=f"{lease['lease_id']};epoch={lease['epoch']}",
                    heartbeat_seconds=float(lease.get("heartbeat_seconds", 100)),
                    by=exchange,
                )


def reports_of(exchange: Exchange) -> Sequence[Mapping[str, Any]]:
    """Return the numbered reports that a request brings."""
    told = exchange.sent() if exchange.step == "reports" and exchange.method == "POST" else None
    reports = told.get("reports", []) if isinstance(told, dict) else []
    return [report for report in reports if isinstance(report, dict)]


def tells_of_prints(exchange: Exchange) -> bool:
    """Return whether a request says that something was printed."""
    if exchange.method != "POST":
        return False
    return exchange.step == "prints" or any(report.get("name") == "printed" for report in reports_of(exchange))
