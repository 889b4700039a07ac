"""What a node prints of a job, over HTTP: evidence, good and failed prints, reprints, and who decides them."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.factories.api import Api
from tests.factories.api_jobs import JobWorld, a_job_world
from tests.factories.databases import in_transaction, rows
from tests.factories.problems import Refusal, refusal_of

PHOTO = b"\xff\xd8\xff\xe0 a crack at layer 212"
MEBIBYTE = 2**20


@pytest.fixture
def world(api: Api) -> Iterator[JobWorld]:
    with a_job_world(api) as made:
        yield made


@pytest.fixture(scope="module")
def lasting(standing_api: Api) -> Iterator[JobWorld]:
    """A world with a fetched job, for tests that report no print of it."""
    with a_job_world(standing_api) as made:
        made.fetched()
        yield made


def audited(world: JobWorld, action: str) -> list[tuple[object, ...]]:
    sql = "SELECT data FROM audit_entries WHERE action = :action ORDER BY id"
    return in_transaction(world.api.engine, lambda session: rows(session, sql, action=action))


def asked_again(world: JobWorld, evidence_id: str, **changes: object) -> Any:
    body = {"print_number": 1, "reason": "warped at a corner", "evidence_id": evidence_id} | changes
    return world.bureau.post(f"{world.job}/reprint-requests", json=body)


# ---------------------------------------------------------------- evidence


def test_evidence_is_kept_as_it_came_and_seen_by_the_parties_only(world: JobWorld) -> None:
    sent = world.bureau.put(
        f"{world.job}/evidence/crack%201.jpg", content=PHOTO, headers={"Content-Type": "image/jpeg"}
    )
    url = f"{world.job}/evidence/crack%201.jpg"

    evidence = sent.json()
    assert (sent.status_code, evidence["kind"], evidence["name"]) == (200, "photo", "crack 1.jpg")
    assert (evidence["sha256"], evidence["size_bytes"]) == (hashlib.sha256(PHOTO).hexdigest(), len(PHOTO))
    for client in (world.owner, world.bureau, world.operator):
        read = client.get(url)
        assert (read.content, read.headers["Content-Type"]) == (PHOTO, "image/jpeg")
        assert client.get(f"{world.job}/evidence").json()["data"] == [evidence]
    assert world.owner.get(url, headers={"If-None-Match": read.headers["ETag"]}).status_code == 304
    for client in (world.rival, world.stranger):
        assert refusal_of(client.get(url)) == Refusal(status=404, code="unknown_job")
        assert refusal_of(client.get(f"{world.job}/evidence")) == Refusal(status=404, code="unknown_job")


@pytest.mark.parametrize(
    ("media_type", "content", "kind"),
    [
        ("image/png", b"\x89PNG\r\n\x1a\n", "photo"),
        ("text/csv", b"1", "measurement"),
        ("application/pdf", b"%PDF-1.7", "report"),
        ("model/3mf", b"1", "other"),
        ("application/octet-stream", b"1", "other"),
    ],
)
def test_the_kind_of_evidence_is_guessed_from_its_media_type(
    lasting: JobWorld, media_type: str, content: bytes, kind: str
) -> None:
    url, headers = f"{lasting.job}/evidence/{media_type.replace('/', '-')}", {"Content-Type": media_type}
    sent = lasting.bureau.put(url, content=content, headers=headers)
    said = lasting.bureau.put(f"{url}-2?kind=report", content=content, headers=headers)

    assert (sent.json()["kind"], sent.json()["media_type"]) == (kind, media_type)
    assert said.json()["kind"] == "report"


def test_the_same_evidence_again_changes_nothing_and_other_evidence_needs_another_name(world: JobWorld) -> None:
    first = world.photo("crack.jpg", PHOTO)
    again = world.photo("crack.jpg", PHOTO)
    other = world.bureau.put(
        f"{world.job}/evidence/crack.jpg", content=b"\xff\xd8 another", headers={"Content-Type": "image/jpeg"}
    )

    assert first == again
    assert refusal_of(other) == Refusal(status=409, code="evidence_exists")
    assert world.owner.get(f"{world.job}/evidence/crack.jpg").content == PHOTO
    assert len(audited(world, "job.evidence_added")) == 1


@pytest.mark.parametrize(
    ("content", "headers", "refusal"),
    [
        (b"", {}, Refusal(status=422, code="empty_upload")),
        (b"<script>", {"Content-Type": "text/html"}, Refusal(status=415, code="unsupported_media_type")),
        (b"<svg>", {"Content-Type": "image/svg+xml"}, Refusal(status=415, code="unsupported_media_type")),
        (
            b"--x",
            {"Content-Type": "multipart/form-data; boundary=x"},
            Refusal(status=415, code="unsupported_media_type"),
        ),
        (b"MZ\x90\x00\x03", {}, Refusal(status=422, code="invalid_evidence", pointers=("",))),
        (b"1;2", {"Content-Type": "image/png"}, Refusal(status=422, code="invalid_evidence", pointers=("",))),
        (bytes(32 * MEBIBYTE + 1), {}, Refusal(status=413, code="body_too_large")),
        (b"1", {"Content-Digest": "sha-256=:AAAA:"}, Refusal(status=400, code="content_digest_invalid")),
    ],
    ids=[
        "empty",
        "page",
        "drawing with scripts",
        "form",
        "program",
        "table called a picture",
        "too large",
        "strange digest",
    ],
)
def test_what_is_no_evidence_is_not_kept(
    lasting: JobWorld, content: bytes, headers: dict[str, str], refusal: Refusal
) -> None:
    answer = lasting.bureau.put(f"{lasting.job}/evidence/never", content=content, headers=headers)

    assert refusal_of(answer) == refusal
    assert refusal_of(lasting.bureau.get(f"{lasting.job}/evidence/never")).code == "unknown_evidence"


def test_evidence_of_a_foreign_job_is_refused_before_it_is_read(world: JobWorld) -> None:
    for client, refusal in (
        (world.rival, Refusal(status=404, code="unknown_job")),
        (world.stranger, Refusal(status=404, code="unknown_job")),
        (world.owner, Refusal(status=403, code="not_the_node")),
    ):
        assert refusal_of(client.put(f"{world.job}/evidence/x", content=PHOTO)) == refusal
    assert world.bureau.get(f"{world.job}/evidence").json()["data"] == []


# ---------------------------------------------------------------- prints


def test_nobody_prints_a_file_that_was_never_fetched(world: JobWorld) -> None:
    offered = world.printed(1, "good")
    world.accepted()

    assert refusal_of(offered) == Refusal(status=409, code="job_state_conflict")
    assert refusal_of(world.printed(1, "good")) == Refusal(status=409, code="file_not_fetched")
    assert world.bureau.get(world.job).json()["good_prints"] == 0


def test_prints_are_counted_as_they_come_out(world: JobWorld) -> None:
    world.fetched()
    photo = world.photo()
    answers = [
        world.printed(1, "good", serial="SN-1"),
        world.printed(2, "failed", note="warped", evidence_id=photo),
        world.printed(3, "good"),
    ]

    assert [answer.status_code for answer in answers] == [201, 201, 201]
    job = world.owner.get(world.job).json()
    assert (job["good_prints"], job["failed_prints"], job["prints_left"]) == (2, 1, 0)
    listed = world.owner.get(f"{world.job}/prints").json()["data"]
    assert [(it["number"], it["result"], it["serial"], it["note"]) for it in listed] == [
        (1, "good", "SN-1", ""),
        (2, "failed", "", "warped"),
        (3, "good", listed[2]["serial"], ""),
    ]
    assert listed[1]["evidence_id"] == photo
    assert listed == [answer.json() for answer in answers]
    assert world.bureau.get(f"{world.job}/prints").json()["data"] == listed
    assert listed[1]["passport_url"] is None
    with world.api.as_(None) as anyone:
        passport = anyone.get(listed[0]["passport_url"].partition(":8000")[2])
    assert (passport.status_code, passport.json()["serial"]) == (200, "SN-1")
    for client in (world.rival, world.stranger):
        assert refusal_of(client.get(f"{world.job}/prints")) == Refusal(status=404, code="unknown_job")


def test_prints_are_listed_in_pages(world: JobWorld) -> None:
    world.fetched()
    for number in (1, 2, 3):
        world.printed(number, "good")

    first = world.owner.get(f"{world.job}/prints?limit=2")
    second = world.owner.get(first.links["next"]["url"])

    assert [it["number"] for it in first.json()["data"]] == [1, 2]
    assert ([it["number"] for it in second.json()["data"]], second.json()["has_more"]) == ([3], False)


def test_a_report_that_is_sent_again_counts_once_and_never_changes(world: JobWorld) -> None:
    world.fetched()
    first = world.printed(1, "good", serial="SN-1")
    again = world.printed(1, "good", serial="SN-1")
    other = world.printed(1, "failed", serial="SN-1")
    ahead = world.printed(3, "good")

    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert refusal_of(other) == Refusal(status=409, code="print_conflict")
    assert refusal_of(ahead) == Refusal(status=409, code="print_conflict")
    assert world.bureau.get(world.job).json()["good_prints"] == 1


def test_the_same_report_from_many_sides_counts_once(world: JobWorld) -> None:
    world.fetched()
    with ThreadPoolExecutor(8) as many:
        answers = list(many.map(lambda _: world.printed(1, "good"), range(40)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert world.bureau.get(world.job).json()["good_prints"] == 1


def test_a_print_too_many_is_refused_and_on_record(world: JobWorld) -> None:
    world.fetched()
    for number in (1, 2, 3):
        world.printed(number, "good")

    refused = world.printed(4, "good")

    assert refusal_of(refused) == Refusal(status=409, code="no_prints_left")
    ((data,),) = audited(world, "print.refused")
    assert data == {"quantity": 3, "good": 3, "failed": 0, "granted_reprints": 0}
    assert world.owner.get(world.job).json()["good_prints"] == 3


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"number": 0}, "/number"),
        ({"number": "1"}, "/number"),
        ({"result": "fine"}, "/result"),
        ({"serial": "a\x00b"}, "/serial"),
        ({"serial": "x" * 121}, "/serial"),
        ({"note": "x" * 401}, "/note"),
        ({"licence": "lic_1"}, "/licence"),
    ],
)
def test_a_report_that_says_nothing_sensible_is_refused(
    lasting: JobWorld, change: dict[str, object], pointer: str
) -> None:
    answer = lasting.bureau.post(f"{lasting.job}/prints", json={"number": 1, "result": "good"} | change)

    assert refusal_of(answer) == Refusal(status=422, code="validation_failed", pointers=(pointer,))
    assert lasting.bureau.get(f"{lasting.job}/prints").json()["data"] == []


def test_evidence_of_nothing_is_no_evidence(world: JobWorld) -> None:
    world.fetched()

    assert refusal_of(world.printed(1, "failed", evidence_id="evd_other")).code == "unknown_evidence"
    assert world.bureau.get(world.job).json()["failed_prints"] == 0


def test_only_the_node_reports_prints(world: JobWorld) -> None:
    world.fetched()
    body = {"number": 1, "result": "good"}

    assert refusal_of(world.owner.post(f"{world.job}/prints", json=body)).code == "not_the_node"
    for client in (world.rival, world.stranger):
        assert refusal_of(client.post(f"{world.job}/prints", json=body)) == Refusal(status=404, code="unknown_job")
    assert world.owner.get(world.job).json()["good_prints"] == 0


# ---------------------------------------------------------------- reprints


def test_a_failed_print_is_made_again_once_the_owner_agrees(world: JobWorld) -> None:
    world.fetched()
    photo = world.photo()
    for number, result in ((1, "failed"), (2, "good"), (3, "good")):
        world.printed(number, result)
    too_early = world.printed(4, "good")
    request = asked_again(world, photo).json()
    granted = world.owner.post(f"/v1/reprint-requests/{request['id']}/decision", json={"granted": True})
    third_good = world.printed(4, "good")

    assert refusal_of(too_early).code == "no_prints_left"
    assert (request["state"], request["print_number"], request["decided_at"]) == ("requested", 1, None)
    assert (granted.status_code, granted.json()["state"]) == (200, "granted")
    assert third_good.status_code == 201
    job = world.owner.get(world.job).json()
    assert (job["good_prints"], job["failed_prints"], job["granted_reprints"], job["prints_left"]) == (3, 1, 1, 0)
    assert refusal_of(world.printed(5, "good")).code == "no_prints_left"


def test_a_reprint_is_asked_for_and_decided_once(world: JobWorld) -> None:
    world.fetched()
    photo = world.photo()
    world.printed(1, "failed")
    first, again = asked_again(world, photo), asked_again(world, photo)
    other = asked_again(world, photo, reason="it fell down")
    decision = f"/v1/reprint-requests/{first.json()['id']}/decision"
    refused = world.owner.post(decision, json={"granted": False, "reason": "not needed any more"})
    same = world.owner.post(decision, json={"granted": False, "reason": "not needed any more"})
    changed = world.owner.post(decision, json={"granted": True})

    assert (first.status_code, again.json()) == (201, first.json())
    assert asked_again(world, "crack.jpg").json() == refused.json()
    assert refusal_of(asked_again(world, "none.jpg")).code == "unknown_evidence"
    assert refusal_of(other) == Refusal(status=409, code="reprint_conflict")
    assert (refused.json()["state"], refused.json()["decision_reason"]) == ("refused", "not needed any more")
    assert same.json() == refused.json()
    assert refusal_of(changed) == Refusal(status=409, code="reprint_conflict")
    assert world.owner.get(world.job).json()["granted_reprints"] == 0


def test_a_refusal_needs_a_reason(world: JobWorld) -> None:
    world.fetched()
    photo = world.photo()
    world.printed(1, "failed")
    request = asked_again(world, photo).json()

    answer = world.owner.post(f"/v1/reprint-requests/{request['id']}/decision", json={"granted": False})

    assert refusal_of(answer) == Refusal(status=422, code="invalid_reprint_request", pointers=("/reason",))
    assert world.owner.get(f"/v1/reprint-requests/{request['id']}").json()["state"] == "requested"


def test_a_reprint_of_what_did_not_fail_is_refused(world: JobWorld) -> None:
    world.fetched()
    photo = world.photo()
    world.printed(1, "good")

    for number in (1, 2):
        answer = asked_again(world, photo, print_number=number)
        assert refusal_of(answer) == Refusal(status=422, code="invalid_reprint_request", pointers=("/print_number",))
    assert world.owner.get("/v1/reprint-requests").json()["data"] == []


def test_reprints_are_seen_by_the_parties_and_decided_by_the_owner(world: JobWorld) -> None:
    world.fetched()
    photo = world.photo()
    world.printed(1, "failed")
    request = asked_again(world, photo).json()
    url, body = f"/v1/reprint-requests/{request['id']}", {"granted": True}

    for client in (world.owner, world.bureau, world.operator):
        assert client.get("/v1/reprint-requests?state=requested").json()["data"] == [request]
        assert client.get("/v1/reprint-requests?state=granted").json()["data"] == []
        assert client.get(url).json() == request
    for client in (world.rival, world.stranger):
        assert client.get("/v1/reprint-requests").json()["data"] == []
        for answer in (client.get(url), client.post(f"{url}/decision", json=body)):
            assert refusal_of(answer) == Refusal(status=404, code="unknown_reprint_request")
        assert refusal_of(client.post(f"{world.job}/reprint-requests", json=asked_body(photo))).code == "unknown_job"
    assert refusal_of(world.bureau.post(f"{url}/decision", json=body)) == Refusal(status=403, code="not_the_owner")
    assert refusal_of(world.owner.get("/v1/reprint-requests?state=lost")).code == "validation_failed"
    assert refusal_of(world.operator.post(f"{url}/decision", json=body)) == Refusal(status=403, code="not_the_owner")
    assert world.owner.get(url).json() == request
    assert world.owner.post(f"{url}/decision", json=body).json()["state"] == "granted"


def asked_body(evidence_id: str) -> dict[str, object]:
    return {"print_number": 1, "reason": "warped", "evidence_id": evidence_id}
