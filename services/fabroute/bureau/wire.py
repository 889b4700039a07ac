"""The HTTP side of a connector: every request that it makes of fabroute, and what may come back."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from fabroute.bureau.records import JobRecord
from fabroute.kernel.errors import DomainError

JsonObject = dict[str, Any]
_SECONDS = 30.0
_FILE_SECONDS = 600.0
_PAGE = 200
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_IN_FLIGHT = "idempotency_key_in_flight"
LEASE_CODES = frozenset({"lease_lost", "lease_required", "reported_late", "unknown_job"})
"""Refusals that mean that the job is not ours any more."""


class Refused(DomainError):
    """fabroute said no; code and status are its own."""

    def __init__(self, *, code: str, status: int, message: str) -> None:
        super().__init__(message)
        self.code, self.status = code, status


class Unavailable(DomainError):
    """No answer, or one that asks to come again: nothing is known of what was sent, so it is sent again."""

    code = "fabroute_unavailable"
    status = 503

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimAnswer:
    """What a claim brought."""

    packets: Sequence[JsonObject]
    retry_after: float
    """Seconds until the next claim, as the server asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueAnswer:
    """A node's jobs, or that nothing changed."""

    jobs: Sequence[JsonObject] | None
    """``None``: as before."""
    etag: str
    poll_seconds: float
    """When to ask again, as the server wants it; 0 where it does not say."""


class FabrouteWire:
    """Calls fabroute at ``url``. Safe to share between threads. Raises ``Refused`` and ``Unavailable``."""

    def __init__(self, *, url: str, key: str, transport: httpx.BaseTransport | None = None) -> None:
        headers = {"Authorization": f"Bearer {key}", "User-Agent": "fabroute-bureau/1"}
        tls = url.startswith("https")  # without it, certificates need not be loaded
        self._http = httpx.Client(base_url=url, headers=headers, timeout=_SECONDS, transport=transport, verify=tls)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def claim(self, *, node: str, idempotency_key: str, body: Mapping[str, Any]) -> ClaimAnswer:
        """Claim jobs, waiting at the server for the first one. The same key and body give the same answer again."""
        seconds = _SECONDS + float(body.get("wait_seconds", 0))
        answer = self._ask(
            "POST",
            f"/v1/nodes/{quote(node)}/claims",
            json=dict(body),
            headers={"Idempotency-Key": idempotency_key},
            timeout=seconds,
        )
        packets = answer.json().get("data", []) if answer.content else []
        return ClaimAnswer(packets=packets, retry_after=retry_after_of(answer) or 0.0)

    def get_packet(self, record: JobRecord) -> JsonObject:
        """Return all that a node needs to know of a job that it holds."""
        return self._json("GET", f"{_job(record)}/packet", record)

    def get_job(self, record: JobRecord) -> JsonObject:
        """Return a job as it is now."""
        return self._json("GET", _job(record), record)

    def list_shipments(self, record: JobRecord) -> list[JsonObject]:
        """Return what was put into parcels for a job."""
        return list(self._json("GET", f"{_job(record)}/shipments", record)["data"])

    def hand_over(self, record: JobRecord, *, shipment_id: str) -> JsonObject:
        """Say that the carrier has a shipment; again it changes nothing."""
        return self._json("POST", f"/v1/shipments/{quote(shipment_id)}/handover", record)

    def write(self, record: JobRecord, step: str, body: Mapping[str, Any] | None = None) -> JsonObject:
        """Do one step of a job under its lease: acceptance, decline, heartbeat, reports …"""
        return self._json("POST", f"{_job(record)}/{step}", record, body)

    def put_evidence(self, record: JobRecord, *, name: str, file: Path, media_type: str) -> JsonObject:
        """Add a file to a job; the same again changes nothing."""
        with file.open("rb") as content:
            headers = lease_header(record) | {
                "Content-Type": media_type,
                "Content-Length": str(file.stat().st_size),
            }
            path = f"{_job(record)}/evidence/{quote(name)}"
            return _object(self._ask("PUT", path, content=content, headers=headers, timeout=_FILE_SECONDS))

    @contextmanager
    def download(self, record: JobRecord, url: str) -> Iterator[Iterator[bytes]]:
        """Yield the pieces of a print file, once: its ticket is used up, whatever comes after."""
        try:
            with self._http.stream("GET", url, headers=lease_header(record), timeout=_FILE_SECONDS) as answer:
                if not answer.is_success:
                    answer.read()
                    raise _problem(answer)
                yield answer.iter_bytes()
        except httpx.TransportError as error:
            raise _silence(error) from error

    def list_jobs(self, *, node: str, states: Sequence[str], etag: str) -> QueueAnswer:
        """Return a node's jobs in some states, or that they are still those of ``etag``."""
        headers = {"If-None-Match": etag} if etag else {}
        params = {"limit": _PAGE, "state": list(states)}
        answer = self._ask("GET", f"/v1/nodes/{quote(node)}/jobs", params=params, headers=headers)
        unchanged = answer.status_code == httpx.codes.NOT_MODIFIED
        return QueueAnswer(
            jobs=None if unchanged else answer.json()["data"],
            etag=answer.headers.get("ETag", etag if unchanged else ""),
            poll_seconds=_seconds(answer.headers.get("Fabroute-Poll-Interval", "")),
        )

    def signing_key(self) -> str:
        """Return the public key that the installation signs releases with."""
        return str(_object(self._ask("GET", "/v1/signing-key"))["public_key"])

    def _json(self, method: str, path: str, record: JobRecord, body: Mapping[str, Any] | None = None) -> JsonObject:
        return _object(self._ask(method, path, json=body, headers=lease_header(record)))

    def _ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **request)
        except httpx.TransportError as error:
            raise _silence(error) from error
        if answer.is_success or answer.status_code == httpx.codes.NOT_MODIFIED:
            return answer
        raise _problem(answer)


def lease_header(record: JobRecord) -> dict[str, str]:
    """Return the header that says by which claim a job is written to."""
    return {"Fabroute-Lease": f"{record.lease_id};epoch={record.epoch}"}


def retry_after_of(answer: httpx.Response) -> float | None:
    """Return the seconds of ``Retry-After``; ``None`` where there is none, or a date."""
    told = answer.headers.get("Retry-After", "")
    return float(told) if told.isdecimal() else None


def _seconds(told: str) -> float:
    try:
        return max(0.0, float(told))
    except ValueError:
        return 0.0


def _job(record: JobRecord) -> str:
    return f"/v1/jobs/{quote(record.job_id)}"


def _object(answer: httpx.Response) -> JsonObject:
    told = answer.json() if answer.content else {}
    return told if isinstance(told, dict) else {}


def _silence(error: httpx.TransportError) -> Unavailable:
    return Unavailable(f"no answer from fabroute ({error.__class__.__name__}): it is asked again")


def _problem(answer: httpx.Response) -> DomainError:
    is_json = "json" in answer.headers.get("content-type", "")
    told = _object(answer) if is_json else {}
    code, words = str(told.get("code", f"http_{answer.status_code}")), str(told.get("detail", ""))
    if answer.status_code in _RETRIED or code == _IN_FLIGHT:
        return Unavailable(words or f"fabroute answered {answer.status_code}", retry_after=retry_after_of(answer))
    return Refused(code=code, status=answer.status_code, message=words or f"fabroute answered {answer.status_code}")
