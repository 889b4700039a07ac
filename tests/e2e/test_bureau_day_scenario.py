"""Scenario S9, a bureau's day, over HTTP: claims raced for, silence, honest declines, counter-offers, a long queue.

Both clients of the bureau are keys of node N101. A worker's look at silent nodes is taken by the same function that the
worker calls; that time is over is written into the database, as by its clock.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from fabroute.cli.invariants import check_invariants, phases
from fabroute.database import unit_of_work
from fabroute.kernel.ids import new_id
from fabroute.kernel.time import utc_now
from fabroute.production.service import hold_unqualified
from fabroute.production.service.phases.watching import Watched, watch_leases
from tests.conftest import Database
from tests.factories.api import Api, an_order, served_api
from tests.factories.api_jobs import CERTIFICATE, given_offered_jobs, save_a_qualified_node, token_of
from tests.factories.databases import in_transaction, rows
from tests.factories.organisations import BUREAU
from tests.factories.problems import refusal_of

pytestmark = pytest.mark.timeout(300)

_OVER = {
    "claim": "UPDATE jobs SET lease_until = clock_timestamp() - interval '1 second' WHERE id = :it RETURNING id",
    "offer": "UPDATE jobs SET offer_until = clock_timestamp() - interval '1 second' WHERE id = :it RETURNING id",
}


_JUDGED = ("on_time", "first_pass_yield")


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """An owner, two clients of one bureau, a rival bureau, and the database behind them."""

    api: Api
    first: httpx.Client
    second: httpx.Client
    rival: httpx.Client

    @property
    def owner(self) -> httpx.Client:
        """The client of the owner of the parts."""
        return self.api.client

    def offered(self) -> str:
        """Order a part, and return the job that lies in the bureau's queue then."""
        assert self.api.place(an_order(), key=new_id("key")).status_code == 201
        (job_id,) = given_offered_jobs(self.api.engine)
        return job_id

    def over(self, what: str, job_id: str) -> None:
        """Let the time of a claim or an offer be over."""
        self.table(_OVER[what], it=job_id)

    def watched(self) -> Watched:
        """Have a worker look at silent nodes."""
        with unit_of_work(self.api.engine) as session:
            return watch_leases(session, now=utc_now())

    def table(self, sql: str, **values: object) -> list[tuple[object, ...]]:
        """Return the rows of a query."""
        return in_transaction(self.api.engine, lambda session: rows(session, sql, **values))


@pytest.fixture
def day(database: Database) -> Iterator[Day]:
    with served_api(database.url) as api:
        save_a_qualified_node(api.engine)
        with (
            api.as_(token_of(api.engine, BUREAU, "bureau")) as first,
            api.as_(token_of(api.engine, BUREAU, "bureau")) as second,
            api.as_(token_of(api.engine, "org_rival", "bureau")) as rival,
        ):
            yield Day(api=api, first=first, second=second, rival=rival)
        rules = {rule.name for rule in phases.RULES}
        found = [it for it in check_invariants(api.engine) if it.invariant.name in rules]
        assert (len(found), [it.examples for it in found if it.broken]) == (len(rules), [])


def claim(client: httpx.Client, key: str, **asked: object) -> httpx.Response:
    return client.post("/v1/nodes/N101/claims", json=asked, headers={"Idempotency-Key": key})


def lease_in(answer: httpx.Response) -> dict[str, str]:
    lease = answer.json()["data"][0]["lease"]
    return {"Fabroute-Lease": f"{lease['lease_id']};epoch={lease['epoch']}"}


def told(day: Day, job_id: str, what: str, lease: dict[str, str] | None = None, **body: object) -> Any:
    answer = day.first.post(f"/v1/jobs/{job_id}/{what}", json=body or None, headers=lease or {})
    assert answer.status_code == 200, answer.text
    return answer.json()


def figures(day: Day) -> Any:
    """Return what the bureau's node is judged by, over all its jobs."""
    answer = day.first.get("/v1/nodes/N101/scores", params={"from": "2026-06-01"})
    assert answer.status_code == 200, answer.text
    return answer.json()["overall"]


def test_of_two_claims_in_the_same_instant_one_wins_and_a_silent_winner_loses_the_job_once(day: Day) -> None:
    job_id = day.offered()
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda it: claim(it[1], it[0], job_id=job_id), (("a", day.first), ("b", day.second))))
    assert sorted(it.status_code for it in found) == [200, 409]
    won = next(it for it in found if it.status_code == 200)
    stale = lease_in(won)

    day.over("claim", job_id)
    assert day.watched() == Watched(nudged=0, returned=1, lapsed=0, suspect=0)
    (again,) = claim(day.second, "c").json()["data"]
    assert (again["job"]["id"], again["job"]["state"]) == (job_id, "offered")
    assert refusal_of(day.first.post(f"/v1/jobs/{job_id}/acceptance", headers=stale)).code == "lease_lost"

    day.over("claim", job_id)
    assert day.watched() == Watched(nudged=0, returned=0, lapsed=1, suspect=0)
    assert day.first.get(f"/v1/jobs/{job_id}").json()["state"] == "lapsed"
    assert claim(day.second, "d").status_code == 204
    assert day.table("SELECT cause FROM reroutes") == [("lapsed",)]


def test_a_decline_for_capacity_is_honest_and_one_for_a_thin_wall_opens_a_note(day: Day) -> None:
    made, busy, thin = day.offered(), day.offered(), day.offered()
    told(day, made, "acceptance")
    before = figures(day)
    declined = told(day, busy, "decline", reason="capacity", text="no operator until Monday")
    assert (declined["job"]["state"], declined["job"]["end_reason"]) == (
        "declined",
        "capacity: no operator until Monday",
    )
    assert declined["note"] is None
    after = figures(day)
    assert {name: after[name] for name in _JUDGED} == {name: before[name] for name in _JUDGED}
    assert (before["lapses"]["so"], before["lapses"]["counted"], before["lapses"]["share"]) == (0, 1, 0)
    assert (after["lapses"]["so"], after["lapses"]["counted"], after["lapses"]["share"]) == (0, 2, 0)
    assert (before["declines"], after["declines"]) == ({}, {"capacity": 1})
    note = told(day, thin, "decline", reason="not_manufacturable", text="wall 0.4 mm")["note"]
    assert (note["text"], note["state"]) == ("wall 0.4 mm", "open")

    assert day.owner.get("/v1/owner-notes").json()["data"] == [note]
    assert day.rival.get("/v1/owner-notes").json()["data"] == []
    closed = day.owner.post(f"/v1/owner-notes/{note['id']}/closing", json={"resolution": "thicker in revision B"})
    assert (closed.json()["state"], closed.json()["resolution"]) == ("closed", "thicker in revision B")
    assert day.owner.get("/v1/owner-notes", params={"state": "open"}).json()["data"] == []
    refused = refusal_of(day.first.post(f"/v1/jobs/{thin}/decline", json={"reason": "holiday"}))
    assert (refused.status, refused.code) == (422, "validation_failed")


def test_eight_per_cent_more_is_accepted_at_once_and_a_quarter_more_waits_for_the_owner(day: Day) -> None:
    policy = day.owner.get("/v1/production-policy")
    stated = day.owner.put(
        "/v1/production-policy", json={"counter_price_fraction": 0.1}, headers={"If-Match": policy.headers["ETag"]}
    )
    assert (stated.status_code, stated.json()["version"]) == (200, 2)
    stale = day.owner.put("/v1/production-policy", json={}, headers={"If-Match": policy.headers["ETag"]})
    assert refusal_of(stale).code == "stale_version"

    little, much = day.offered(), day.offered()
    price = day.first.get(f"/v1/jobs/{little}").json()["price"]["amount_minor"]
    wanted = {"currency": "EUR", "amount_minor": price * 108 // 100}
    done = told(day, little, "counter-offers", price=wanted)
    assert (done["job"]["state"], done["job"]["price"]["amount_minor"]) == ("accepted", price * 108 // 100)
    assert (done["counter_offer"]["state"], done["counter_offer"]["automatic"]) == ("accepted", True)

    waits = told(day, much, "counter-offers", price={"currency": "EUR", "amount_minor": price * 5 // 4})
    assert (waits["job"]["state"], waits["counter_offer"]["state"]) == ("countered", "open")
    counter = f"/v1/counter-offers/{waits['counter_offer']['id']}/decision"
    assert refusal_of(day.rival.post(counter, json={"decision": "accept"})).code == "unknown_counter_offer"
    assert refusal_of(day.first.post(counter, json={"decision": "accept"})).code == "not_the_owner"
    accepted = day.owner.post(counter, json={"decision": "accept"}).json()
    assert (accepted["job"]["state"], accepted["job"]["price"]["amount_minor"]) == ("accepted", price * 5 // 4)
    assert accepted["job"]["lease"]["lease_id"] is None


def test_what_is_reported_after_a_re_route_is_refused_kept_and_seen_by_those_it_concerns(day: Day) -> None:
    job_id = day.offered()
    lease = lease_in(claim(day.first, "a", job_id=job_id))
    assert told(day, job_id, "acceptance", lease)["lease"]["kind"] == "claim"
    beat = told(day, job_id, "heartbeat", lease)
    assert (beat["cancel_requested"], beat["heartbeat_seconds"], beat["state"]) == (False, 100, "accepted")
    told(day, job_id, "decline", lease, reason="machine_down")

    made = {"number": 1, "result": "good", "serial": "S-1"}
    late = day.first.post(f"/v1/jobs/{job_id}/prints", json=made, headers=lease)
    assert (late.status_code, late.json()["code"]) == (409, "lease_lost")
    (kept,) = day.owner.get("/v1/reconciliations").json()["data"]
    assert (kept["what"], kept["kind"], kept["quantity"], kept["job_id"]) == ("print", "late_report", 1, job_id)
    assert kept["reported"]["serial"] == "S-1"
    assert day.first.get("/v1/reconciliations").json()["data"] == [kept]
    assert day.rival.get("/v1/reconciliations").json()["data"] == []
    assert refusal_of(day.first.post(f"/v1/jobs/{job_id}/heartbeat", headers=lease)).code == "lease_lost"
    assert len(day.owner.get("/v1/reconciliations").json()["data"]) == 1
    closing = f"/v1/reconciliations/{kept['id']}/closing"
    assert day.owner.post(closing, json={"resolution": "scrapped"}).json()["state"] == "closed"
    bad = day.first.post(f"/v1/jobs/{job_id}/heartbeat", headers={"Fabroute-Lease": "mine"})
    assert (bad.status_code, bad.json()["code"]) == (400, "malformed_lease")


def test_a_poll_shows_the_jobs_alone_that_the_bureau_is_qualified_for_now(day: Day) -> None:
    jobs = [day.offered() for _ in range(6)]
    listed = day.first.get("/v1/nodes/N101/jobs", params={"state": "offered", "limit": 3}).json()
    assert ([it["id"] for it in listed["data"]], listed["has_more"]) == (jobs[:3], True)
    day.table("UPDATE certificates SET revoked_at = now() WHERE id = :it RETURNING id", it=CERTIFICATE)

    assert day.first.get("/v1/nodes/N101/jobs", params={"state": "offered"}).json()["data"] == []
    assert claim(day.first, "a", max=10).status_code == 204
    with unit_of_work(day.api.engine) as session:
        hold_unqualified(session, now=utc_now())
    states = day.table("SELECT state, count(*) FROM jobs GROUP BY state")
    assert states == [("held", 6)]
