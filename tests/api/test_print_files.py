"""Print files over HTTP: uploaded once however often they are sent, validated, looked at, read by their owner."""

import base64
import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from fabroute.inventory.service import ValidationLimits, validate_submissions
from fabroute.kernel.time import utc_now
from tests.conftest import Database
from tests.factories.api import Api, served_api
from tests.factories.databases import in_transaction, rows
from tests.factories.orders import Owner, given_owner, given_revision
from tests.factories.problems import Refusal, problem_of, refusal_of
from tests.fakes.print_file_validator import FakeValidator

CONTENT = b"PK a package of triangles"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
CANONICAL = b"canonical " + CONTENT
LIMIT = 100_000


@pytest.fixture
def api(database: Database, owner_in_template: Owner) -> Iterator[Api]:
    """An API that takes print files of up to a hundred kilobytes."""
    with served_api(database.url, owner=owner_in_template, max_upload_bytes=LIMIT) as served:
        yield served


@pytest.fixture
def draft(api: Api) -> str:
    """Where revision B, a draft, is read."""
    return f"/v1/revisions/{given_revision(api.engine, part_id=api.owner.part_id, revision='B', state='draft')}"


def upload(api: Api, here: str, content: bytes = CONTENT, *, media_type: str | None = None) -> httpx.Response:
    headers = {} if media_type is None else {"Content-Type": media_type}
    return api.client.put(f"{here}/print-file?name=bracket.3mf", content=content, headers=headers)


def validate(api: Api, folder: Path, validator: FakeValidator | None = None) -> int:
    return validate_submissions(
        api.engine,
        store=api.resources.store,
        validator=validator or FakeValidator(),
        workspace_root=folder,
        limits=ValidationLimits(),
        now=utc_now(),
    )


def count(api: Api, table: str) -> object:
    return in_transaction(api.engine, lambda session: rows(session, f"SELECT count(*) FROM {table}"))[0][0]


def test_an_upload_is_stored_and_waits_for_its_validation(api: Api, draft: str) -> None:
    accepted = upload(api, draft, media_type="model/3mf")
    waiting = api.client.get(accepted.headers["Location"])

    submission = accepted.json()
    assert accepted.status_code == 202
    assert accepted.headers["Location"] == f"{draft}/validation"
    assert (submission["state"], submission["summary"]) == ("queued", "waits for its validation")
    assert (submission["file_name"], submission["media_type"]) == ("bracket.3mf", "model/3mf")
    assert (submission["size_bytes"], submission["sha256"], submission["report"]) == (len(CONTENT), SHA256, None)
    assert waiting.json() == submission
    assert waiting.headers["Retry-After"] == "1"
    assert api.resources.store.get(SHA256) == CONTENT


def test_the_same_bytes_again_are_the_same_submission(api: Api, draft: str, tmp_path: Path) -> None:
    first = upload(api, draft).json()
    assert upload(api, draft).json() == first
    validate(api, tmp_path)
    after = upload(api, draft).json()

    assert (after["submission_id"], after["state"]) == (first["submission_id"], "valid")
    assert count(api, "print_file_submissions") == 1
    events = "SELECT count(*) FROM outbox_events WHERE name = 'print_file.submitted'"
    assert in_transaction(api.engine, lambda session: rows(session, events)) == [(1,)]


def test_a_good_file_makes_the_draft_validated_and_is_told_in_words(api: Api, draft: str, tmp_path: Path) -> None:
    upload(api, draft)
    assert validate(api, tmp_path) == 1
    told = api.client.get(f"{draft}/validation")
    revision = api.client.get(draft).json()

    validation = told.json()
    assert validation["state"] == "valid"
    assert validation["summary"] == "valid: 86 × 58 × 54 mm, 24.5 cm³, 1,200 triangles, 1 body; 1 warning"
    assert validation["report"]["canonical_sha256"] == hashlib.sha256(CANONICAL).hexdigest()
    assert validation["report"]["findings"] == [
        {
            "code": "WALL_THIN",
            "severity": "warning",
            "message": "A wall of 0.6 mm, MJF wants 0.7 mm.",
            "advice": "Thicken the wall.",
            "where": "",
        }
    ]
    assert validation["report"]["measures"]["box"] == {"x_mm": 86, "y_mm": 58, "z_mm": 54}
    assert "Retry-After" not in told.headers
    assert (revision["state"], revision["print_file"]["source_sha256"]) == ("validated", SHA256)
    assert (revision["print_file"]["preview"], revision["print_file"]["model"]) == (
        f"{draft}/preview.png",
        f"{draft}/preview.glb",
    )
    again = api.client.get(f"{draft}/validation", headers={"If-None-Match": told.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_bad_file_leaves_a_draft_with_the_reason(api: Api, draft: str, tmp_path: Path) -> None:
    upload(api, draft, b"bad geometry")
    validate(api, tmp_path)
    validation = api.client.get(f"{draft}/validation").json()

    assert (validation["state"], validation["report"]["valid"]) == ("invalid", False)
    assert validation["summary"] == "refused: 12 edges belong to one triangle only."
    assert validation["report"]["findings"][0]["advice"] == "Close the surface."
    assert api.client.get(draft).json()["state"] == "draft"
    assert refusal_of(api.client.get(f"{draft}/print-file")) == Refusal(status=404, code="no_print_file")
    assert refusal_of(api.client.get(f"{draft}/preview.png")) == Refusal(status=404, code="no_print_file")


def test_another_file_takes_a_validated_revision_back_and_voids_its_approval(
    api: Api, draft: str, tmp_path: Path
) -> None:
    upload(api, draft)
    validate(api, tmp_path)
    api.client.post(f"{draft}/approval", json={"reason": "looked at"})
    upload(api, draft, b"another file")
    revision = api.client.get(draft).json()

    assert (revision["state"], revision["print_file"], revision["approval"]) == ("draft", None, None)
    refused = api.client.post(f"{draft}/release", json={"reason": "now"})
    assert refusal_of(refused) == Refusal(status=409, code="revision_state_conflict")


def test_a_released_revision_takes_no_file_and_reads_none(api: Api) -> None:
    here = f"/v1/revisions/{api.owner.revision_id}"
    refused = upload(api, here)
    unread = upload(api, here, b"x" * (LIMIT + 1))

    assert refusal_of(refused) == refusal_of(unread) == Refusal(status=409, code="revision_frozen")
    assert not api.resources.store.exists(SHA256)
    assert count(api, "print_file_submissions") == 0


def test_more_than_the_limit_is_refused_and_nothing_kept(api: Api, draft: str) -> None:
    at_the_limit = upload(api, draft, b"x" * LIMIT)
    declared = upload(api, draft, b"y" * (LIMIT + 1))
    streamed = api.client.put(f"{draft}/print-file", content=iter((b"z" * LIMIT, b"z")))

    assert at_the_limit.status_code == 202
    assert refusal_of(declared) == refusal_of(streamed) == Refusal(status=413, code="body_too_large")
    assert "100,000 bytes" in problem_of(declared)["detail"]
    assert not api.resources.store.exists(hashlib.sha256(b"z" * LIMIT + b"z").hexdigest())
    assert count(api, "print_file_submissions") == 1


def first_answer(api: Api, here: str, *headers: str) -> bytes:
    """All that is answered to a client that declares two gigabytes and asks before it sends them."""
    lines = (
        f"PUT {here}/print-file HTTP/1.1",
        "Host: fabroute",
        f"Content-Length: {2**31}",
        "Expect: 100-continue",
        *headers,
        "\r\n",
    )
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(api.socket)
        connection.sendall("\r\n".join(lines).encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_two_gigabytes_are_refused_before_a_byte_is_sent_whatever_the_reason(api: Api, draft: str) -> None:
    key = f"Authorization: Bearer {api.owner.token}"
    released = f"/v1/revisions/{api.owner.revision_id}"
    answers = {
        b"413 ": first_answer(api, draft, key),
        b"415 ": first_answer(api, draft, key, "Content-Type: text/html"),
        b"401 ": first_answer(api, draft),
        b"404 ": first_answer(api, "/v1/revisions/rev_none", key),
        b"409 ": first_answer(api, released, key),
    }

    for status, answer in answers.items():
        assert answer.startswith(b"HTTP/1.1 " + status)
        assert b"100 Continue" not in answer
        assert b"connection: close\r\n" in answer.lower()
    assert b'"code":"body_too_large"' in answers[b"413 "]
    assert count(api, "print_file_submissions") == 0


@pytest.mark.parametrize(
    "media_type", ["text/html", "application/json", "application/pdf", "image/png", "multipart/form-data; boundary=x"]
)
def test_what_is_surely_no_print_file_is_refused_unread(api: Api, draft: str, media_type: str) -> None:
    refused = upload(api, draft, media_type=media_type)
    assert refusal_of(refused) == Refusal(status=415, code="unsupported_media_type")
    assert not api.resources.store.exists(SHA256)


@pytest.mark.parametrize("media_type", ["application/sla", "text/plain", "application/zip", "model/x.stl-binary"])
def test_the_names_of_media_types_are_not_trusted_either_way(api: Api, draft: str, media_type: str) -> None:
    accepted = upload(api, draft, media_type=media_type)
    assert (accepted.status_code, accepted.json()["media_type"]) == (202, media_type)


def test_a_digest_that_does_not_fit_keeps_the_file_out(api: Api, draft: str) -> None:
    def put(digested: bytes) -> httpx.Response:
        digest = base64.b64encode(hashlib.sha256(digested).digest()).decode()
        return api.client.put(f"{draft}/print-file", content=CONTENT, headers={"Content-Digest": f"sha-256=:{digest}:"})

    assert refusal_of(put(b"other")) == Refusal(status=422, code="content_digest_mismatch")
    assert count(api, "print_file_submissions") == 0
    assert put(CONTENT).status_code == 202


def test_previews_may_be_kept_for_ever_once_the_file_is(api: Api, draft: str, tmp_path: Path) -> None:
    upload(api, draft)
    validate(api, tmp_path)
    picture, model = api.client.get(f"{draft}/preview.png"), api.client.get(f"{draft}/preview.glb")

    assert (picture.headers["Content-Type"], picture.content) == ("image/png", b"png " + CONTENT)
    assert (model.headers["Content-Type"], model.content) == ("model/gltf-binary", b"glb " + CONTENT)
    assert picture.headers["ETag"] == f'"{hashlib.sha256(picture.content).hexdigest()}"'
    assert picture.headers["Cache-Control"] == "private, no-cache"
    same = api.client.get(f"{draft}/preview.png", headers={"If-None-Match": picture.headers["ETag"]})
    assert (same.status_code, same.content) == (304, b"")

    for what in ("approval", "release"):
        api.client.post(f"{draft}/{what}", json={"reason": "as agreed"})
    kept = api.client.get(f"{draft}/preview.png")
    assert kept.headers["Cache-Control"] == "private, max-age=31536000, immutable"


def test_the_owner_reads_the_canonical_file_which_is_audited(api: Api, draft: str, tmp_path: Path) -> None:
    upload(api, draft)
    validate(api, tmp_path)
    read = api.client.get(f"{draft}/print-file")
    unchanged = api.client.get(f"{draft}/print-file", headers={"If-None-Match": read.headers["ETag"]})

    sha256 = hashlib.sha256(CANONICAL)
    assert (read.status_code, read.content, read.headers["Content-Type"]) == (200, CANONICAL, "model/3mf")
    assert read.headers["ETag"] == f'"{sha256.hexdigest()}"'
    assert read.headers["Content-Digest"] == f"sha-256=:{base64.b64encode(sha256.digest()).decode()}:"
    assert "RL-0001_B.3mf" in read.headers["Content-Disposition"]
    assert unchanged.status_code == 304
    history = api.client.get(f"{draft}/history").json()["data"]
    downloads = [entry for entry in history if entry["action"] == "print_file.downloaded"]
    assert [(entry["actor"], entry["data"]) for entry in downloads] == [
        (api.owner.key_id, {"sha256": sha256.hexdigest()})
    ]


def test_a_file_that_was_changed_in_the_store_is_not_sent(database: Database, tmp_path: Path) -> None:
    with served_api(database.url, storage_url=f"file://{tmp_path}/store") as api:
        revision_id = given_revision(api.engine, part_id=api.owner.part_id, revision="B", state="draft")
        here = f"/v1/revisions/{revision_id}"
        upload(api, here)
        validate(api, tmp_path)
        sha256 = hashlib.sha256(CANONICAL).hexdigest()
        stored = tmp_path / "store" / sha256[:2] / sha256
        stored.write_bytes(CANONICAL.replace(b"triangles", b"Triangles"))
        refused = api.client.get(f"{here}/print-file")
        stored.unlink()
        gone = api.client.get(f"{here}/print-file")

        assert refusal_of(refused) == Refusal(status=500, code="print_file_damaged")
        assert refusal_of(gone) == Refusal(status=404, code="print_file_missing")
        audited = "SELECT count(*) FROM audit_entries WHERE action = 'print_file.downloaded'"
        assert in_transaction(api.engine, lambda session: rows(session, audited)) == [(0,)]


def test_the_same_file_in_another_part_is_found(api: Api, draft: str, tmp_path: Path) -> None:
    other = given_revision(api.engine, part_id=api.owner.part_id, revision="C", state="draft")
    for here in (draft, f"/v1/revisions/{other}"):
        upload(api, here)
        validate(api, tmp_path)
    found = api.client.get(f"{draft}/similar").json()["data"]

    assert [(file["kind"], file["revision_id"], file["part_no"], file["deviation"]) for file in found] == [
        ("same_source", other, "RL-0001", 0)
    ]
    assert api.client.get(f"/v1/revisions/{api.owner.revision_id}/similar").json()["data"] == []


def test_nothing_was_uploaded_yet(api: Api, draft: str) -> None:
    assert refusal_of(api.client.get(f"{draft}/validation")) == Refusal(status=404, code="no_submission")
    assert refusal_of(api.client.get("/v1/revisions/rev_none/validation")).code == "unknown_revision"


def test_what_is_someone_elses_is_not_there_and_takes_nothing(api: Api, draft: str) -> None:
    stranger = given_owner(api.engine, name="Stranger", part_no="ST-1")
    document = f"{draft}/documents/plan.pdf"
    api.client.put(document, content=b"%PDF", headers={"Content-Type": "application/pdf"})
    with api.as_(stranger.token) as client:
        reads = [
            client.get(f"{draft}/{what}")
            for what in ("print-file", "validation", "similar", "preview.png", "preview.glb", "documents/plan.pdf")
        ]
        writes = [client.put(f"{draft}/print-file", content=CONTENT), client.put(document, content=b"mine")]
        writes.append(client.delete(document))
    assert {refusal_of(answer) for answer in (*reads, *writes)} == {Refusal(status=404, code="unknown_revision")}
    assert not api.resources.store.exists(SHA256)
    assert api.client.get(document).content == b"%PDF"


# ---------------------------------------------------------------- documents


def test_a_drawing_travels_with_its_revision(api: Api, draft: str) -> None:
    here = f"{draft}/documents/drawing%20B%20%C3%B6.pdf"
    added = api.client.put(f"{here}?kind=drawing", content=b"%PDF 1", headers={"Content-Type": "application/pdf"})
    read = api.client.get(here)
    document = added.json()

    assert added.status_code == 200
    assert (document["name"], document["kind"], document["size_bytes"]) == ("drawing B ö.pdf", "drawing", 6)
    assert api.client.get(draft).json()["documents"] == [document]
    assert (read.content, read.headers["Content-Type"]) == (b"%PDF 1", "application/pdf")
    assert read.headers["ETag"] == f'"{hashlib.sha256(b"%PDF 1").hexdigest()}"'
    assert read.headers["Content-Disposition"].startswith("attachment; ")


def test_the_same_document_changes_nothing_and_another_of_its_name_takes_its_place(api: Api, draft: str) -> None:
    here = f"{draft}/documents/plan.csv"
    first = api.client.put(here, content=b"a,b", headers={"Content-Type": "text/csv"}).json()
    same = api.client.put(here, content=b"a,b", headers={"Content-Type": "text/csv"}).json()
    other = api.client.put(here, content=b"a;b", headers={"Content-Type": "text/csv"}).json()

    assert same == first
    assert other["sha256"] == hashlib.sha256(b"a;b").hexdigest()
    assert [document["sha256"] for document in api.client.get(draft).json()["documents"]] == [other["sha256"]]
    assert (api.client.delete(here).status_code, api.client.get(draft).json()["documents"]) == (204, [])
    assert refusal_of(api.client.get(here)) == refusal_of(api.client.delete(here))
    assert refusal_of(api.client.get(here)) == Refusal(status=404, code="unknown_document")


def test_a_released_revision_keeps_its_documents(api: Api) -> None:
    here = f"/v1/revisions/{api.owner.revision_id}/documents/plan.pdf"
    added = api.client.put(here, content=b"%PDF", headers={"Content-Type": "application/pdf"})
    removed = api.client.delete(here)

    assert refusal_of(added) == refusal_of(removed) == Refusal(status=409, code="revision_frozen")
    assert api.client.get(f"/v1/revisions/{api.owner.revision_id}").json()["documents"] == []


def test_a_document_that_a_browser_would_run_is_refused(api: Api, draft: str) -> None:
    page = api.client.put(f"{draft}/documents/a.html", content=b"<b>", headers={"Content-Type": "text/html"})
    kind = api.client.put(f"{draft}/documents/a.pdf?kind=poem", content=b"x")

    assert refusal_of(page) == Refusal(status=415, code="unsupported_media_type")
    assert refusal_of(kind) == Refusal(status=422, code="validation_failed", pointers=("",))
