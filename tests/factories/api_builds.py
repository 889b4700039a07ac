"""Jobs of many parts whose builds are timed over HTTP."""

from datetime import timedelta

import httpx

from fabroute.kernel.time import utc_now
from fabroute.production.service import learn_calibrations
from tests.factories.api import an_order
from tests.factories.api_jobs import JobWorld, given_offered_jobs, make_old
from tests.factories.databases import in_transaction

FULL_BED_MINUTES = 641
"""What a full bed of the machine of ``tests.factories.network`` is estimated at: 640.83 minutes."""


def a_fetched_job(world: JobWorld, *, quantity: int) -> str:
    """Return where a job of so many parts is read that the bureau accepted, and whose file it fetched, long ago."""
    ordered = world.api.place(an_order(lines=[{"part": "RL-0001", "quantity": quantity}]), key=f"{quantity} parts")
    assert ordered.status_code == 201, ordered.text
    (job_id,) = given_offered_jobs(world.api.engine)
    job = f"/v1/jobs/{job_id}"
    assert world.bureau.post(f"{job}/acceptance").status_code == 200
    ticket = world.bureau.post(f"{job}/file-tickets").json()["url"]
    assert world.bureau.get(ticket).status_code == 200
    make_old(world.api.engine)
    return job


def timed(client: httpx.Client, job: str, **told: object) -> httpx.Response:
    """Report a build of one part in a full bed that took 700 minutes until now, or what is told."""
    body = {"parts": 1, "machine_minutes": 700, "height_mm": 380.0} | told
    return client.post(f"{job}/build-times", json=body)


def days_ago(days: int) -> str:
    """Return the instant so many days ago, as it is sent."""
    return (utc_now() - timedelta(days=days)).isoformat()


def withdrawn(client: httpx.Client, job: str, number: int, *, reason: str = "hours as minutes") -> httpx.Response:
    """Withdraw a build of a job."""
    return client.post(f"{job}/build-times/{number}/withdrawal", json={"reason": reason})


def learn(world: JobWorld) -> int:
    """Do what a worker does after ``build.timed``; return how many calibrations changed."""
    return in_transaction(world.api.engine, lambda session: learn_calibrations(session, node_id="N101", now=utc_now()))


def estimated(client: httpx.Client, **asked: object) -> httpx.Response:
    """Ask for the estimate of ten parts, or what is asked."""
    return client.post("/v1/estimates", json={"part": "RL-0001", "quantity": 10} | asked)


def stated(client: httpx.Client, node_id: str = "N101", /, **told: object) -> httpx.Response:
    """State 30.00 EUR for an hour of the node's machines since New Year, or what is told."""
    body = {
        "code": "machine_hour",
        "amount": {"amount_minor": 3000, "currency": "EUR"},
        "valid_from": "2026-01-01",
        "source": "price list 2026",
    }
    return client.post(f"/v1/nodes/{node_id}/rates", json=body | told)
