"""What the proxy makes of a request: which job, which step, what it brings."""

import json

import pytest

from fabroute.bureau.conformance.exchanges import Exchange, claimed_jobs, parsed, reports_of, tells_of_prints
from fabroute.bureau.conformance.faults import FaultScript, Reply


def an_exchange(method: str, target: str, *, sent: object = None, got: object = None, status: int = 200) -> Exchange:
    return Exchange(
        number=1,
        started=12.34,
        ended=12.5,
        method=method,
        target=target,
        headers={"fabroute-lease": "lse_1; epoch=2"},
        body=b"" if sent is None else json.dumps(sent).encode(),
        status=status,
        answer_headers={},
        answer=b"" if got is None else json.dumps(got).encode(),
    )


@pytest.mark.parametrize(
    ("method", "target", "job", "step", "claim", "download"),
    [
        ("POST", "/v1/nodes/N1/claims", "", "", True, False),
        ("GET", "/v1/nodes/N1/claims", "", "", False, False),
        ("GET", "/v1/nodes/N1/jobs?limit=2", "", "", False, False),
        ("POST", "/v1/jobs/job_1/heartbeat", "job_1", "heartbeat", False, False),
        ("PUT", "/v1/jobs/job_1/evidence/a.jpg", "job_1", "evidence", False, False),
        ("GET", "/v1/jobs/job_1", "job_1", "", False, False),
        ("GET", "/v1/print-files/token", "", "", False, True),
        ("GET", "/", "", "", False, False),
    ],
)
def test_a_path_says_what_it_is_about(
    method: str, target: str, job: str, step: str, claim: bool, download: bool
) -> None:
    exchange = an_exchange(method, target)
    assert (exchange.job_id, exchange.step) == (job, step)
    assert (exchange.is_claim, exchange.is_download) == (claim, download)


def test_an_exchange_is_told_in_one_line() -> None:
    assert an_exchange("GET", "/v1/jobs/job_1").told == "GET /v1/jobs/job_1 → 200 at 12.3 s"
    assert an_exchange("POST", "/v1/nodes/N1/claims", status=0).told == "POST /v1/nodes/N1/claims → no answer at 12.3 s"
    assert an_exchange("GET", "/").lease == "lse_1;epoch=2"


def test_claimed_jobs_come_with_the_lease_as_it_is_to_be_sent() -> None:
    packet = {"job": {"id": "job_1"}, "lease": {"lease_id": "lse_1", "epoch": 3, "heartbeat_seconds": 60}}
    claim = an_exchange("POST", "/v1/nodes/N1/claims", got={"data": [packet]})
    assert [(it.job_id, it.lease, it.heartbeat_seconds) for it in claimed_jobs([claim])] == [
        ("job_1", "lse_1;epoch=3", 60)
    ]
    assert list(claimed_jobs([an_exchange("POST", "/v1/nodes/N1/claims", status=204)])) == []


def test_prints_are_told_by_reports_and_by_their_own_endpoint() -> None:
    reports = [{"sequence": 1, "name": "started"}, {"sequence": 2, "name": "printed"}]
    reporting = an_exchange("POST", "/v1/jobs/job_1/reports", sent={"reports": reports})
    assert list(reports_of(reporting)) == reports
    assert tells_of_prints(reporting)
    assert tells_of_prints(an_exchange("POST", "/v1/jobs/job_1/prints", sent={}))
    assert not tells_of_prints(an_exchange("GET", "/v1/jobs/job_1/prints"))
    assert not tells_of_prints(an_exchange("POST", "/v1/jobs/job_1/reports", sent={"reports": reports[:1]}))
    assert reports_of(an_exchange("POST", "/v1/jobs/job_1/reports", sent=[1])) == []


def test_what_is_no_json_is_nothing() -> None:
    assert (parsed(b"<html>"), parsed(b""), parsed(b"[1]")) == (None, None, [1])


def test_each_disturbance_comes_once() -> None:
    script = FaultScript(slow_seconds=3.0)
    claim, acceptance = (
        an_exchange("POST", "/v1/nodes/N1/claims"),
        an_exchange("POST", "/v1/jobs/job_1/acceptance"),
    )
    assert [reply.status if (reply := script.before(claim)) else None for _ in range(3)] == [503, None, None]
    assert [script.delay(acceptance) for _ in range(2)] == [3.0, 0.0]
    packets = json.dumps({"data": [{"job": {"id": "job_1"}, "lease": {}}]}).encode()
    answered = [script.after(claim, Reply(status=200, body=packets)) for _ in range(3)]
    assert [reply.fault for reply in answered] == ["answer_lost", "unknown_field", "unknown_field"]
    download = an_exchange("GET", "/v1/print-files/t")
    files = [script.after(download, Reply(status=200, body=b"PK")).body for _ in range(2)]
    assert files == [b"QK", b"PK"]


def test_a_lease_that_was_lost_stays_lost() -> None:
    script = FaultScript()
    packets = json.dumps({"data": [{"job": {"id": f"job_{number}"}, "lease": {}} for number in range(3)]}).encode()
    script.after(an_exchange("POST", "/v1/nodes/N1/claims"), Reply(status=200, body=packets))
    beats = [an_exchange("POST", f"/v1/jobs/job_{number}/heartbeat") for number in range(3)]
    assert [script.before(beat) is None for beat in beats] == [True, True, False]
    ticket = script.before(an_exchange("POST", "/v1/jobs/job_2/file-tickets"))
    assert ticket is not None
    assert (ticket.status, parsed(ticket.body)["code"]) == (409, "lease_lost")
