"""A bureau's connector as a process of its own, killed on the way, through the conformance proxy to a real API."""

import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from sqlmodel import Session

from fabroute.bureau.conformance.exchanges import Exchange, claimed_jobs
from fabroute.bureau.conformance.faults import FaultScript, Reply
from fabroute.bureau.conformance.judging import judge
from fabroute.bureau.conformance.proxy import Recorder, serving_proxy
from tests.factories.api import Api, an_order
from tests.factories.api_jobs import given_offered_jobs, save_a_qualified_node, token_of
from tests.factories.databases import in_transaction, rows
from tests.factories.organisations import BUREAU
from tests.factories.processes import PATIENCE_SECONDS, a_process, wait_until

PRINTS = 2
CONFIG = """\
node = "N101"
cancellations = "agree_unstarted"
wait_seconds = 1
watch_seconds = 1
"""


class UntilTheKill(FaultScript):
    """Until a process is killed, what it may not have written down is not told: an empty queue, a lease that is lost.

    However fast the machine, the kill then falls while a claim waits at the server.
    """

    def __init__(self) -> None:
        super().__init__(slow_seconds=0.3, busy_seconds=1)
        self._gave_jobs = False
        self.claim_waits, self.killed = threading.Event(), threading.Event()

    def delay(self, request: Exchange) -> float:
        if request.is_claim and self._gave_jobs:
            self.claim_waits.set()
            self.killed.wait(PATIENCE_SECONDS)
        return super().delay(request)

    def before(self, request: Exchange) -> Reply | None:
        return None if request.step == "heartbeat" and not self.killed.is_set() else super().before(request)

    def after(self, request: Exchange, reply: Reply) -> Reply:
        told = super().after(request, reply)
        self._gave_jobs = self._gave_jobs or told.fault == "unknown_field"
        return told


@contextmanager
def running_connector(folder: Path, *, url: str, key: str) -> Iterator[subprocess.Popen[bytes]]:
    config = folder.parent / "bureau.toml"
    config.write_text(CONFIG, encoding="utf-8")
    words = ("fabroute.cli", "bureau", "run", "--config", str(config), "--folder", str(folder))
    environment = {"FABROUTE_URL": url, "FABROUTE_API_KEY": key}
    with a_process(*words, environment=environment, log=folder.parent / "bureau.log") as process:
        yield process


def given_three_jobs(api: Api) -> tuple[str, ...]:
    """Lay three jobs of two prints into the queue of N101, each with its file in the store."""
    save_a_qualified_node(api.engine)
    for number in range(3):
        line = {"part": "RL-0001", "quantity": PRINTS}
        assert api.place(an_order(lines=[line]), key=f"bureau-{number}").status_code == 201
    api.resources.store.put(api.owner.revision_id.encode())
    in_transaction(api.engine, lambda session: sign_release(api, session))
    return given_offered_jobs(api.engine)


def sign_release(api: Api, session: Session) -> None:
    """Sign the release of the part with the installation's own key."""
    ((statement,),) = rows(session, "SELECT release_statement FROM part_revisions")
    signer = api.resources.signer
    signed = "UPDATE part_revisions SET release_signature = :signature, release_public_key = :key RETURNING 1"
    rows(session, signed, signature=signer.sign(str(statement).encode()), key=signer.public_key)


def folders(folder: Path, end: str) -> list[Path]:
    return sorted(path for path in (folder / end).glob("job_*") if path.is_dir())


def good_prints(api: Api, job_id: str) -> int:
    counted: int = api.client.get(f"/v1/jobs/{job_id}").json()["good_prints"]
    return counted


def is_settled(folder: Path) -> Callable[[], bool]:
    """One job works on, one was cancelled, one was lost."""
    return lambda: [len(folders(folder, end)) for end in ("jobs", "cancelled", "lost")] == [1, 1, 1]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_on_the_way_it_doubles_nothing_goes_on_and_keeps_every_rule(api: Api, tmp_path: Path) -> None:
    job_ids = given_three_jobs(api)
    folder, log, recorder = tmp_path / "bureau", tmp_path / "bureau.log", Recorder()
    key = token_of(api.engine, BUREAU, "bureau")
    script = UntilTheKill()
    to_api = httpx.HTTPTransport(uds=api.socket)
    with serving_proxy(upstream="http://fabroute", script=script, recorder=recorder, transport=to_api) as url:
        with running_connector(folder, url=url, key=key) as first:
            assert wait_until(lambda: len(list(folder.glob("*/job_*/job.json"))) > 0), log.read_text(encoding="utf8")
            assert script.claim_waits.wait(PATIENCE_SECONDS), recorder.log()
            first.send_signal(signal.SIGKILL)
            first.wait()
            script.killed.set()
        with running_connector(folder, url=url, key=key) as second:
            assert wait_until(is_settled(folder)), log.read_text(encoding="utf8")
            (packet,) = folders(folder, "jobs")
            for number in range(PRINTS):
                (packet / f"printed-{number}.json").write_text('{"result": "good"}', encoding="utf-8")
            assert wait_until(lambda: good_prints(api, packet.name) == PRINTS), recorder.log()
            assert wait_until(lambda: all(it.outcome != "NOT SEEN" for it in judge(recorder.log()))), judge(
                recorder.log()
            )
            second.send_signal(signal.SIGTERM)
            assert second.wait(PATIENCE_SECONDS) == 0

    verdicts = {verdict.rule: verdict.outcome for verdict in judge(recorder.log())}
    assert verdicts == dict.fromkeys(verdicts, "PASS"), judge(recorder.log())
    assert {job.job_id for job in claimed_jobs(recorder.log())} == set(job_ids)
    claims = [it for it in recorder.log() if it.is_claim]
    unheard = next(it for it in claims if it.status == 0 and it.fault != "answer_lost")
    again = next(it for it in claims if it.number > unheard.number)
    assert (again.headers["idempotency-key"], again.body) == (unheard.headers["idempotency-key"], unheard.body)
    counted = "SELECT count(*), count(DISTINCT subject_id) FROM audit_entries WHERE action = 'job.accepted'"
    assert in_transaction(api.engine, lambda session: rows(session, counted)) == [(3, 3)]
    assert (packet / "reported").exists()
