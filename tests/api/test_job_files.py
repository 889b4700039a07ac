"""A job over HTTP from its offer to its file: who may do what, tickets, and what is never sent."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import Session

from fabroute.inventory.ports import PrintFileStore
from fabroute.kernel.time import utc_now
from fabroute.production.service import hold_unqualified
from tests.factories.api import Api
from tests.factories.api_jobs import CERTIFICATE, JobWorld, a_job_world
from tests.factories.databases import in_transaction, rows
from tests.factories.problems import Refusal, problem_of, refusal_of
from tests.fakes.print_file_store import FakePrintFileStore

REFUSALS = "SELECT data->>'reason' FROM audit_entries WHERE action = 'print_file.refused' ORDER BY id"
RELEASES = (
    "SELECT organisation_id, actor, subject_id, data->>'sha256' FROM audit_entries"
    " WHERE action = 'print_file.released' ORDER BY id"
)


@pytest.fixture
def world(api: Api) -> Iterator[JobWorld]:
    with a_job_world(api) as made:
        yield made


@pytest.fixture(scope="module")
def lasting(standing_api: Api) -> Iterator[JobWorld]:
    """A world for tests that change nothing."""
    with a_job_world(standing_api) as made:
        yield made


def audited(world: JobWorld, sql: str) -> list[tuple[object, ...]]:
    return in_transaction(world.api.engine, lambda session: rows(session, sql))


def changed(world: JobWorld, sql: str, **values: object) -> None:
    in_transaction(world.api.engine, lambda session: rows(session, f"{sql} RETURNING 1", **values))


# ---------------------------------------------------------------- acceptance


def test_a_job_is_read_by_its_owner_its_node_and_the_operator_only(lasting: JobWorld) -> None:
    for client in (lasting.owner, lasting.bureau, lasting.operator):
        job = client.get(lasting.job).json()
        assert (job["id"], job["state"], job["part"], job["quantity"]) == (lasting.job_id, "offered", "RL-0001", 3)
        assert (job["good_prints"], job["failed_prints"], job["prints_left"]) == (0, 0, 3)
        assert (job["accepted_at"], job["held_reason"], job["file_released_at"]) == (None, "", None)
    for client in (lasting.rival, lasting.stranger):
        assert refusal_of(client.get(lasting.job)) == Refusal(status=404, code="unknown_job")


def test_a_job_that_did_not_change_is_not_sent_again(world: JobWorld) -> None:
    etag = world.bureau.get(world.job).headers["ETag"]

    assert world.bureau.get(world.job, headers={"If-None-Match": etag}).status_code == 304
    world.accepted()
    again = world.bureau.get(world.job, headers={"If-None-Match": etag})
    assert (again.status_code, again.json()["state"]) == (200, "accepted")


def test_a_job_shows_a_node_no_more_of_the_customer_than_the_label(lasting: JobWorld) -> None:
    job = lasting.bureau.get(lasting.job).json()

    assert (job["ship_to_city"], job["ship_to_country"]) == ("Hamburg", "DE")
    assert job["price"] == {"amount_minor": 2000, "currency": "EUR"}
    assert not [name for name in job if name in ("organisation_id", "ship_to", "max_price", "reference", "landed")]


def test_the_same_key_may_accept_again_and_another_may_not(world: JobWorld) -> None:
    first = world.bureau.post(f"{world.job}/acceptance")
    again = world.bureau.post(f"{world.job}/acceptance")
    other = world.operator.post(f"{world.job}/acceptance")

    assert (first.status_code, first.json()["state"]) == (200, "accepted")
    assert (again.status_code, again.json()) == (200, first.json())
    assert refusal_of(other) == Refusal(status=409, code="job_state_conflict")


def test_of_two_who_accept_at_once_one_does(world: JobWorld) -> None:
    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(lambda client: client.post(f"{world.job}/acceptance"), (world.bureau, world.operator)))

    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert audited(world, "SELECT count(*) FROM audit_entries WHERE action = 'job.accepted'") == [(1,)]


@pytest.mark.parametrize(
    ("step", "body"),
    [("acceptance", None), ("resumption", None), ("take-back", {"reason": "mine"}), ("file-tickets", None)],
)
def test_what_is_foreign_is_unknown(lasting: JobWorld, step: str, body: Any) -> None:
    for client in (lasting.rival, lasting.stranger):
        assert refusal_of(client.post(f"{lasting.job}/{step}", json=body)) == Refusal(status=404, code="unknown_job")
    assert lasting.bureau.get(lasting.job).json()["state"] == "offered"


def test_an_owner_does_not_do_its_node_s_part_nor_a_node_the_owner_s(lasting: JobWorld) -> None:
    for step in ("acceptance", "file-tickets"):
        assert refusal_of(lasting.owner.post(f"{lasting.job}/{step}")) == Refusal(status=403, code="not_the_node")
    taken = lasting.bureau.post(f"{lasting.job}/take-back", json={"reason": "no time"})
    assert refusal_of(taken) == Refusal(status=403, code="not_the_owner")


def test_a_job_whose_gate_closed_is_not_accepted_and_that_is_on_record(world: JobWorld) -> None:
    world.operator.post("/v1/nodes/N101/certificates", json=valid_certificate())
    revoked = world.operator.post(f"/v1/certificates/{CERTIFICATE}/revocation", json={"reason": "fraud"})
    changed(
        world, "UPDATE certificates SET valid_to = '2024-01-01', valid_from = '2023-01-01' WHERE revoked_at IS NULL"
    )

    refused = world.bureau.post(f"{world.job}/acceptance")

    assert revoked.json()["held_jobs"] == 0
    assert refusal_of(refused) == Refusal(status=409, code="job_unqualified")
    assert "CERTIFICATE_EXPIRES" in problem_of(refused)["detail"]
    assert audited(world, "SELECT count(*) FROM audit_entries WHERE subject_type = 'job'") == [(1,)]


def valid_certificate() -> dict[str, str]:
    return {"scheme": "ISO9001", "valid_from": "2020-01-01", "valid_to": "2099-12-31", "number": "2"}


# ---------------------------------------------------------------- tickets and files


def test_a_file_comes_with_its_hash_its_name_and_its_signature(world: JobWorld) -> None:
    world.accepted()
    ticket = world.bureau.post(f"{world.job}/file-tickets").json()
    answer = world.bureau.get(ticket["url"])

    sha256 = hashlib.sha256(world.content).hexdigest()
    assert (answer.status_code, answer.content) == (200, world.content)
    assert (answer.headers["ETag"], answer.headers["Content-Length"]) == (f'"{sha256}"', str(len(world.content)))
    assert answer.headers["Content-Type"] == "model/3mf"
    assert 'filename="RL-0001-A.3mf"' in answer.headers["Content-Disposition"]
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert (ticket["sha256"], ticket["size_bytes"]) == (sha256, len(world.content))
    assert (ticket["signature"], ticket["public_key"]) == (
        answer.headers["Fabroute-Signature"],
        answer.headers["Fabroute-Public-Key"],
    )
    assert f'"sha256":"{sha256}"' in ticket["statement"]
    assert (ticket["machine_id"], ticket["parameter_set"], ticket["prints_left"]) == ("N101-A", "PS-1", 3)


def test_every_release_is_on_the_owner_s_audit_log(world: JobWorld) -> None:
    world.fetched()

    sha256 = hashlib.sha256(world.content).hexdigest()
    ((organisation, actor, job_id, released),) = audited(world, RELEASES)
    assert (organisation, job_id, released) == (world.api.owner.organisation_id, world.job_id, sha256)
    assert str(actor).startswith("key_")
    assert world.owner.get(world.job).json()["file_released_at"] is not None


def test_a_ticket_is_good_for_one_download(world: JobWorld) -> None:
    world.accepted()
    url = world.ticket()
    first, second = world.bureau.get(url), world.bureau.get(url)

    assert (first.status_code, first.content) == (200, world.content)
    assert refusal_of(second) == Refusal(status=409, code="file_ticket_used")
    assert audited(world, REFUSALS) == [("used before",)]


def test_a_hundred_downloads_with_one_ticket_are_one(world: JobWorld) -> None:
    world.accepted()
    url = world.ticket()
    with ThreadPoolExecutor(8) as many:
        statuses = list(many.map(lambda _: world.bureau.get(url).status_code, range(100)))

    assert (statuses.count(200), statuses.count(409)) == (1, 99)
    assert len(audited(world, RELEASES)) == 1


def test_a_ticket_is_worth_nothing_to_anyone_else(world: JobWorld) -> None:
    world.accepted()
    url = world.ticket()

    for client in (world.rival, world.stranger, world.owner, world.operator):
        assert refusal_of(client.get(url)) == Refusal(status=404, code="unknown_file_ticket")
    with world.api.as_(None) as nobody:
        assert refusal_of(nobody.get(url)) == Refusal(status=401, code="unauthenticated")
    assert len(audited(world, REFUSALS)) == 4
    assert world.bureau.get(url).content == world.content


def test_a_ticket_ends_after_its_minutes(world: JobWorld) -> None:
    world.accepted()
    url = world.ticket()
    changed(world, "UPDATE file_tickets SET expires_at = clock_timestamp() - interval '1 second'")

    assert refusal_of(world.bureau.get(url)) == Refusal(status=410, code="file_ticket_expired")
    assert audited(world, REFUSALS) == [("expired",)]


def test_a_ticket_from_before_a_hold_stays_void_after_it(world: JobWorld) -> None:
    world.accepted()
    old = world.ticket()
    certificate = world.operator.get(f"/v1/certificates/{CERTIFICATE}").json()
    revoked = world.bureau.post(f"/v1/certificates/{CERTIFICATE}/revocation", json={"reason": "withdrawn by issuer"})
    held = world.bureau.get(world.job).json()
    while_held = world.bureau.get(old)
    no_ticket = world.bureau.post(f"{world.job}/file-tickets")
    not_yet = world.owner.post(f"{world.job}/resumption")
    world.operator.post("/v1/nodes/N101/certificates", json=valid_certificate())
    resumed = world.owner.post(f"{world.job}/resumption")

    assert (certificate["state"], revoked.json()["held_jobs"]) == ("valid", 1)
    assert (held["state"], held["held_reason"].partition(":")[0]) == (
        "held",
        "certificate ISO9001 was revoked (withdrawn by issuer); CERTIFICATE_MISSING",
    )
    assert refusal_of(while_held) == Refusal(status=409, code="file_ticket_void")
    assert refusal_of(no_ticket) == Refusal(status=409, code="print_file_refused")
    assert refusal_of(not_yet) == Refusal(status=409, code="job_unqualified")
    assert (resumed.status_code, resumed.json()["state"]) == (200, "accepted")
    assert refusal_of(world.bureau.get(old)) == Refusal(status=409, code="file_ticket_void")
    assert world.bureau.get(world.ticket()).content == world.content


def test_a_cancelled_order_takes_the_ticket_with_it(world: JobWorld) -> None:
    world.accepted()
    url = world.ticket()
    world.owner.post(f"/v1/orders/{world.order_id}/cancel")

    assert refusal_of(world.bureau.get(url)) == Refusal(status=409, code="file_ticket_void")
    assert audited(world, RELEASES) == []


def test_an_order_whose_file_is_out_is_cancelled_when_its_node_agrees(world: JobWorld) -> None:
    world.fetched()

    waiting = world.owner.post(f"/v1/orders/{world.order_id}/cancel")

    assert waiting.status_code == 202
    assert [(job["node_id"], job["state"]) for job in waiting.json()["waiting"]] == [("N101", "accepted")]
    assert world.owner.get(f"/v1/orders/{world.order_id}").json()["state"] == "routed"


def test_the_gates_are_asked_again_at_the_download(world: JobWorld) -> None:
    world.accepted()
    url = world.ticket()
    changed(world, "UPDATE certificates SET valid_to = '2024-01-01'")

    refused = world.bureau.get(url)

    assert refusal_of(refused) == Refusal(status=409, code="job_unqualified")
    assert audited(world, "SELECT count(*) FROM audit_entries WHERE action = 'print_file.released'") == [(0,)]
    assert in_transaction(world.api.engine, held) == 1
    assert world.bureau.get(world.job).json()["state"] == "held"


def held(session: Session) -> int:
    return hold_unqualified(session, now=utc_now())


def test_a_damaged_file_is_never_sent(world: JobWorld) -> None:
    world.accepted()
    url = world.ticket()
    damage(world)

    refused = world.bureau.get(url)

    assert refusal_of(refused) == Refusal(status=500, code="print_file_damaged")
    assert b"damaged content" not in refused.content
    assert audited(world, "SELECT data->>'reason' FROM audit_entries WHERE action = 'print_file.not_sent'") == [
        ("print_file_damaged",)
    ]
    assert refusal_of(world.bureau.get(url)) == Refusal(status=409, code="file_ticket_used")
    world.api.resources.store.put(world.content)
    assert world.bureau.get(world.ticket()).content == world.content


def damage(world: JobWorld) -> None:
    """Write something else over the file in the store."""
    sha256 = hashlib.sha256(world.content).hexdigest()
    objects = vars(world.api.resources.store)["_store"]
    objects.put(f"{sha256[:2]}/{sha256}", b"damaged content")


def test_a_store_that_does_not_answer_uses_up_the_ticket_and_says_so(world: JobWorld) -> None:
    world.accepted()
    url, store = world.ticket(), FakePrintFileStore()
    store.down = True
    with_store(world, store)
    refused = world.bureau.get(url)
    with_store(world, world.api.resources.store)

    assert refusal_of(refused) == Refusal(status=503, code="print_file_store_down")
    assert problem_of(refused)["detail"].endswith("This ticket is used up: ask for a new one")
    assert refused.headers["Retry-After"] == "2"
    assert refusal_of(world.bureau.get(url)).code == "file_ticket_used"
    assert world.bureau.get(world.ticket()).content == world.content


def test_a_file_that_is_lost_is_told_to_be_missing(world: JobWorld) -> None:
    world.accepted()
    url = world.ticket()
    with_store(world, FakePrintFileStore())
    refused = world.bureau.get(url)

    assert refusal_of(refused) == Refusal(status=404, code="print_file_missing")
    assert audited(world, "SELECT data->>'reason' FROM audit_entries WHERE action = 'print_file.not_sent'") == [
        ("print_file_missing",)
    ]


def test_evidence_that_can_not_be_kept_is_not_noted(world: JobWorld) -> None:
    store = FakePrintFileStore()
    store.down = True
    with_store(world, store)
    headers = {"Content-Type": "image/jpeg"}
    refused = world.bureau.put(f"{world.job}/evidence/x.jpg", content=b"\xff\xd8 1", headers=headers)

    assert refusal_of(refused) == Refusal(status=503, code="print_file_store_down")
    assert world.bureau.get(f"{world.job}/evidence").json()["data"] == []


def with_store(world: JobWorld, store: PrintFileStore) -> None:
    """Let the API use another store from here on."""
    world.api.app.state.resources = replace(world.api.resources, store=store)


@pytest.mark.parametrize("token", ["x" * 43, "..%2F..%2Fetc%2Fpasswd", "short", "a" * 500])
def test_a_made_up_token_opens_nothing(lasting: JobWorld, token: str) -> None:
    refused = lasting.bureau.get(f"/v1/print-files/{token}")

    assert refused.status_code == 404
    assert problem_of(refused)["code"] in ("unknown_file_ticket", "not_found")


# ---------------------------------------------------------------- taking back


def test_an_owner_takes_a_held_job_back_and_its_line_is_routed_again(world: JobWorld) -> None:
    world.fetched()
    early = world.owner.post(f"{world.job}/take-back", json={"reason": "late"})
    world.operator.post(f"/v1/certificates/{CERTIFICATE}/revocation", json={"reason": "withdrawn by issuer"})
    taken = world.owner.post(f"{world.job}/take-back", json={"reason": "can't wait"})

    assert refusal_of(early) == Refusal(status=409, code="job_state_conflict")
    assert (taken.status_code, taken.json()["state"]) == (200, "cancelled")
    assert world.owner.get(f"/v1/orders/{world.order_id}").json()["lines"][0]["state"] == "pending"


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "x" * 401}, {"reason": "a\nb"}])
def test_taking_back_needs_a_reason(lasting: JobWorld, body: Any) -> None:
    refused = lasting.owner.post(f"{lasting.job}/take-back", json=body)

    assert refusal_of(refused) == Refusal(status=422, code="validation_failed", pointers=("/reason",))
    assert lasting.owner.get(lasting.job).json()["state"] == "offered"
