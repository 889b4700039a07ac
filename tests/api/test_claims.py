import asyncio
import json
from collections.abc import Iterator
from datetime import datetime, timedelta

import httpx
import pytest

from fabroute.api.schemas.packets import ClaimedOut
from fabroute.kernel.time import utc_now
from tests.benchmarks.bench_queue import claim_all
from tests.factories.api import Api
from tests.factories.api_jobs import JobWorld, a_job_world, save_a_qualified_node
from tests.factories.bureau_queues import given_bureau_key, given_queue, leases_of
from tests.factories.concurrency import at_once
from tests.factories.databases import in_transaction, rows
from tests.factories.organisations import BUREAU
from tests.factories.problems import Refusal, refusal_of

CLAIMS, QUEUE = "/v1/nodes/N101/claims", "/v1/nodes/N101/jobs"


@pytest.fixture
def world(api: Api) -> Iterator[JobWorld]:
    with a_job_world(api) as found:
        yield found


def claim(client: httpx.Client, key: str = "claim-1", **body: object) -> httpx.Response:
    return client.post(CLAIMS, json=body, headers={"Idempotency-Key": key})


def test_a_packet_holds_all_that_its_node_needs_and_no_name_of_the_customer(world: JobWorld) -> None:
    answer = claim(world.bureau)
    (packet,) = answer.json()["data"]
    lease, until = packet["lease"], datetime.fromisoformat(packet["lease"]["until"])

    assert answer.status_code == 200
    assert (packet["job"]["id"], packet["job"]["state"]) == (world.job_id, "offered")
    assert packet["job"]["lease"]["lease_id"] == lease["lease_id"]
    assert (lease["epoch"], lease["kind"], lease["heartbeat_seconds"]) == (1, "claim", 100)
    assert lease["answer_by"] == lease["until"]
    assert timedelta(seconds=870) < until - utc_now() <= timedelta(seconds=900)
    assert packet["ship_to"] == {
        "name": None,
        "street": None,
        "postal_code": None,
        "city": "Hamburg",
        "country": "DE",
    }
    assert packet["file"] == {
        "sha256": packet["file"]["sha256"],
        "size_bytes": len(world.content),
        "media_type": "model/3mf",
        "ticket_url": f"{world.job}/file-tickets",
    }
    assert packet["parameters"]["parameter_set"] == "PS-1"
    assert packet["inspection"] == {"level": "visual", "plan": []}
    assert packet["required_certificates"] == ["ISO9001"]
    assert (packet["licence"], packet["first_article"], packet["packaging"]) == (None, False, "plain")


def test_a_claim_is_answered_in_the_words_and_the_order_of_its_model(world: JobWorld) -> None:
    content = claim(world.bureau).content
    packet = world.bureau.get(f"{world.job}/packet").content

    assert ClaimedOut.model_validate_json(content).model_dump_json().encode() == content
    assert json.loads(content)["data"] == [json.loads(packet)]


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b'{"max": 0}', {}, 422, "validation_failed"),
        (b'{"most": 1}', {}, 422, "validation_failed"),
        (b'{"max": "1"}', {}, 422, "validation_failed"),
        (b"{", {}, 400, "malformed_json"),
        (b"{}", {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
        (b"{}", {"Content-Encoding": "gzip"}, 415, "unsupported_media_type"),
        (b"{}", {"Idempotency-Key": "k" * 256}, 400, "idempotency_key_invalid"),
        (b'{"job_id": "job_nobody"}', {}, 404, "unknown_job"),
    ],
)
def test_what_is_wrong_with_a_claim_is_told_the_same_whether_its_key_was_just_looked_up_or_not(
    world: JobWorld, content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    sent = {"Idempotency-Key": "claim-1", "Content-Type": "application/json"} | headers
    answers = [world.bureau.post(CLAIMS, content=content, headers=sent) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [status, status]
    assert [answer.json()["code"] for answer in answers] == [code, code]
    assert [answer.headers["content-type"] for answer in answers] == ["application/problem+json"] * 2


def test_the_same_key_is_answered_byte_for_byte_and_nothing_is_claimed_again(world: JobWorld) -> None:
    first, again = claim(world.bureau), claim(world.bureau, wait_seconds=5)
    other = claim(world.bureau, max=2)

    assert again.content == first.content
    assert (first.headers.get("Idempotency-Replayed"), again.headers["Idempotency-Replayed"]) == (None, "true")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len(leases_of(world.api.engine)) == 1


def test_an_empty_queue_is_no_content_and_leaves_the_key_free(world: JobWorld) -> None:
    claim(world.bureau)
    empty, waited = claim(world.bureau, "claim-2"), claim(world.bureau, "claim-2", wait_seconds=1)
    sql = "SELECT count(*) FROM idempotency_keys WHERE key = 'claim-2'"

    assert (empty.status_code, empty.content, waited.status_code) == (204, b"", 204)
    assert 4 <= int(empty.headers["Retry-After"]) <= 6
    assert waited.headers["Retry-After"] == "1"
    assert in_transaction(world.api.engine, lambda session: rows(session, sql)) == [(0,)]


def test_two_bureau_clients_that_claim_one_job_in_the_same_instant_get_200_and_409(world: JobWorld) -> None:
    answers = at_once(
        lambda: claim(world.bureau, "left", job_id=world.job_id),
        lambda: claim(world.bureau, "right", job_id=world.job_id),
    )
    refused = next(answer for answer in answers if answer.status_code == 409)

    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert refused.json()["code"] == "job_already_claimed"
    assert len(leases_of(world.api.engine)) == 1


def test_what_can_t_be_claimed_is_told_apart(world: JobWorld) -> None:
    missing = world.bureau.post(CLAIMS, json={})
    foreign, unknown = claim(world.rival), claim(world.bureau, "k2", job_id="job_none")
    too_many = claim(world.bureau, "k3", max=11)
    too_long = claim(world.bureau, "k4", wait_seconds=26)
    world.accepted()
    accepted = claim(world.bureau, "k5", job_id=world.job_id)

    found = [(it.status_code, it.json()["code"]) for it in (missing, foreign, unknown, too_many, too_long, accepted)]
    assert found == [
        (400, "idempotency_key_missing"),
        (404, "unknown_node"),
        (404, "unknown_job"),
        (422, "validation_failed"),
        (422, "validation_failed"),
        (409, "job_state_conflict"),
    ]


def test_a_job_that_comes_while_a_claim_waits_is_its_answer(api: Api) -> None:
    save_a_qualified_node(api.engine)
    with api.as_(given_bureau_key(api.engine, BUREAU)) as bureau:
        waiting, _ = at_once(
            lambda: claim(bureau, wait_seconds=20),
            lambda: given_job_later(api),
        )

    assert waiting.status_code == 200
    assert [packet["job"]["id"] for packet in waiting.json()["data"]] == ["job_q_000001"]


def given_job_later(api: Api) -> httpx.Response:
    """Offer a job as soon as a poll is parked."""
    while not api.resources.queues.versions.parked:
        asyncio.run(asyncio.sleep(0.01))
    given_queue(api.engine, api.owner, 1)
    sql = "UPDATE nodes SET queue_version = queue_version + 1 RETURNING id"
    in_transaction(api.engine, lambda session: rows(session, sql))
    return api.client.get("/health/live")


def test_many_claimers_race_and_each_job_is_claimed_once(api: Api) -> None:
    save_a_qualified_node(api.engine)
    given_queue(api.engine, api.owner, 300)
    key = given_bureau_key(api.engine, BUREAU)
    claimed, _ = asyncio.run(claim_all([api.socket], key, clients=16, tag="race"))
    told = "SELECT count(DISTINCT subject_id), count(*) FROM outbox_events WHERE name = 'job.claimed'"
    noted = "SELECT count(DISTINCT subject_id), count(*) FROM audit_entries WHERE action = 'job.claimed'"
    leases = leases_of(api.engine)

    assert len(claimed) == len(set(claimed)) == 300
    assert len({lease_id for _, lease_id, _ in leases}) == 300
    assert {epoch for _, _, epoch in leases} == {1}
    assert in_transaction(api.engine, lambda session: rows(session, told)) == [(300, 300)]
    assert in_transaction(api.engine, lambda session: rows(session, noted)) == [(300, 300)]


def test_a_queue_that_did_not_change_is_304_without_a_statement(world: JobWorld) -> None:
    tag = world.bureau.get(QUEUE).headers["ETag"]
    until_known(world)
    engine = world.api.resources.engine
    before = engine.pool.status()
    engine.dispose()  # no connection is left: an answer that needs one would open it
    answer = world.bureau.get(QUEUE, headers={"If-None-Match": tag})

    assert answer.status_code == 304
    assert (answer.content, answer.headers["ETag"]) == (b"", tag)
    assert 4.0 <= float(answer.headers["Fabroute-Poll-Interval"]) <= 6.0
    assert answer.headers["X-Request-Id"].startswith("req_")
    assert "Connections in pool: 0" in engine.pool.status() != before


def until_known(world: JobWorld) -> None:
    """Wait until this process has read the queue after its last change, and looked at the bureau's key."""
    queues = world.api.resources.queues
    token = world.bureau.headers["Authorization"].split(" ")[1]
    while queues.versions.known("N101") is None or queues.pollers.recall(token) is None:
        asyncio.run(asyncio.sleep(0.01))


def test_after_a_write_of_its_own_a_client_never_sees_304(world: JobWorld) -> None:
    tag = world.bureau.get(QUEUE).headers["ETag"]
    until_known(world)
    lease = claim(world.bureau).json()["data"][0]["lease"]
    changed = world.bureau.get(QUEUE, headers={"If-None-Match": tag})
    until_known(world)
    header = {"Fabroute-Lease": f"{lease['lease_id']};epoch={lease['epoch']}"}
    accepted = world.bureau.post(f"{world.job}/acceptance", headers=header)
    again = world.bureau.get(QUEUE, headers={"If-None-Match": changed.headers["ETag"]})

    assert (accepted.status_code, changed.status_code, again.status_code) == (200, 200, 200)
    assert changed.json()["data"][0]["lease"]["kind"] == "claim"
    assert again.json()["data"][0]["state"] == "accepted"


def test_a_tag_is_good_for_one_reader_and_one_question_only(world: JobWorld) -> None:
    tag = world.bureau.get(QUEUE).headers["ETag"]
    until_known(world)
    answers = {
        "operator": world.operator.get(QUEUE, headers={"If-None-Match": tag}),
        "owner": world.owner.get(QUEUE, headers={"If-None-Match": tag}),
        "rival": world.rival.get(QUEUE, headers={"If-None-Match": tag}),
        "query": world.bureau.get(f"{QUEUE}?state=offered", headers={"If-None-Match": tag}),
        "revoked": world.api.client.get(QUEUE, headers={"If-None-Match": tag, "Authorization": "Bearer none"}),
    }

    assert {name: answer.status_code for name, answer in answers.items()} == {
        "operator": 200,
        "owner": 200,
        "rival": 404,
        "query": 200,
        "revoked": 401,
    }


def test_another_epoch_ends_every_tag(world: JobWorld) -> None:
    tag = world.bureau.get(QUEUE).headers["ETag"]
    sql = "UPDATE installation SET queue_epoch = 'restored' RETURNING id"
    in_transaction(world.api.engine, lambda session: rows(session, sql))
    world.api.resources.queues.versions.outdated()
    until_known(world)
    answer = world.bureau.get(QUEUE, headers={"If-None-Match": tag})

    assert answer.status_code == 200
    assert answer.headers["ETag"].startswith('"restored')


def test_a_poll_that_waits_is_answered_when_the_queue_changes(world: JobWorld) -> None:
    tag = world.bureau.get(f"{QUEUE}?wait=20").headers["ETag"]
    until_known(world)

    def change() -> httpx.Response:
        while not world.api.resources.queues.versions.parked:
            asyncio.run(asyncio.sleep(0.01))
        return claim(world.operator)

    polled, _ = at_once(lambda: world.bureau.get(f"{QUEUE}?wait=20", headers={"If-None-Match": tag}), change)

    assert polled.status_code == 200
    assert polled.json()["data"][0]["lease"]["epoch"] == 1


def test_a_poll_that_waits_in_vain_is_304(world: JobWorld) -> None:
    tag = world.bureau.get(QUEUE).headers["ETag"]
    until_known(world)
    answer = world.bureau.get(f"{QUEUE}?wait=1", headers={"If-None-Match": tag})

    assert (answer.status_code, answer.headers["ETag"]) == (304, tag)
    assert world.api.resources.queues.versions.parked == 0
    for seconds in ("26", "x", ""):
        refused = world.bureau.get(f"{QUEUE}?wait={seconds}", headers={"If-None-Match": tag})
        assert refusal_of(refused) == Refusal(status=422, code="validation_failed", pointers=("",))


def test_the_queue_is_filtered(world: JobWorld) -> None:
    days = world.bureau.get(QUEUE).json()["data"][0]["produce_by"]
    filters = {
        "state=offered": 1,
        "state=accepted": 0,
        "state=accepted&state=offered": 1,
        "material=PA12-MJF": 1,
        "material=AlSi10Mg": 0,
        "machine_id=N101-A": 1,
        "machine_id=N101-B": 0,
        "build_key=none": 0,
        f"due_before={days}": 0,
        "due_before=2099-01-01": 1,
    }
    found = {query: len(world.bureau.get(f"{QUEUE}?{query}").json()["data"]) for query in filters}

    assert found == filters
    assert world.bureau.get(f"{QUEUE}?state=lost").json()["code"] == "validation_failed"


def test_once_it_is_accepted_the_packet_tells_where_the_parts_go(world: JobWorld) -> None:
    before = world.bureau.get(f"{world.job}/packet").json()
    world.accepted()
    after = world.bureau.get(f"{world.job}/packet").json()
    refused = world.owner.get(f"{world.job}/packet")

    assert before["lease"] is None
    assert before["ship_to"]["name"] is None
    assert (after["ship_to"]["name"], after["ship_to"]["city"]) == ("", "Hamburg")
    assert after["lease"]["answer_by"] is None
    assert (refused.status_code, refused.json()["code"]) == (403, "not_the_node")
