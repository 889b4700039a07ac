"""Uploaded print files: handed in, claimed under a fence, judged, and what became of their revision."""

import hashlib
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.inventory.ports import ValidationReport
from fabroute.inventory.service import (
    ClaimedSubmission,
    RevisionChange,
    RevisionFrozen,
    RevisionSize,
    SubmissionLost,
    SubmissionView,
    UnknownRevision,
    ValidationResult,
    change_revision,
    claim_submissions,
    due_submissions,
    get_revision,
    latest_submission,
    postpone_submission,
    record_validation,
    submit_print_file,
    withdraw_revision,
)
from fabroute.inventory.service.approval import FourEyesNeeded
from fabroute.settings import get_settings
from tests.factories.databases import rows
from tests.factories.inventory import (
    a_drawn_revision,
    a_report,
    an_upload,
    approve,
    given_draft,
    save_a_released_part,
)
from tests.factories.organisations import NOW, OWNER

REVISION = "rev_org_owner_AP-0101_A"
CANONICAL = hashlib.sha256(b"canonical").hexdigest()
WAIT = "SELECT state, round(extract(epoch FROM next_attempt_at - clock_timestamp())) FROM print_file_submissions"
LEASED = "SELECT state, attempts, fence, lease_until > clock_timestamp() FROM print_file_submissions ORDER BY id"


def submit(session: Session, *, content: bytes = b"3mf of A", minutes: int = 0, actor: str = "key_1") -> SubmissionView:
    upload = an_upload(content=content)
    now = NOW + timedelta(minutes=minutes)
    return submit_print_file(session, organisation_id=OWNER, upload=upload, actor=actor, now=now)


def claim(session: Session, *, lease_seconds: float = 60, attempt_cap: int = 4) -> tuple[ClaimedSubmission, ...]:
    return claim_submissions(
        session, limit=10, lease_seconds=lease_seconds, attempt_cap=attempt_cap, now=NOW + timedelta(hours=1)
    )


def conclude(session: Session, claimed: ClaimedSubmission, *, report: ValidationReport | None = None) -> SubmissionView:
    result = ValidationResult(
        report=report or a_report(sha256=claimed.sha256),
        canonical_sha256=CANONICAL,
        size_bytes=900,
        preview_sha256="1" * 64,
        model_sha256="2" * 64,
    )
    return record_validation(session, claimed=claimed, result=result, now=NOW + timedelta(hours=1))


def latest(session: Session) -> SubmissionView:
    found = latest_submission(session, organisation_id=OWNER, revision_id=REVISION)
    assert found is not None
    return found


def state_of(session: Session) -> str:
    return get_revision(session, organisation_id=OWNER, revision_id=REVISION).state


# ---------------------------------------------------------------- handing in


def test_a_file_is_handed_in_once_however_often_it_is_sent(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        given_draft(session)
        assert latest_submission(session, organisation_id=OWNER, revision_id=REVISION) is None
        first = submit(session)
        assert (first.state, first.file_name, first.size_bytes, first.finished) == ("queued", "adapter.3mf", 8, False)
        assert (first.submitted_by, first.submitted_at, first.report) == ("key_1", NOW, None)
        assert submit(session, minutes=5) == first
        assert latest(session) == first
        told = rows(session, "SELECT subject_id, organisation_id, data FROM outbox_events ORDER BY id")
        assert told == [(first.submission_id, OWNER, {"revision_id": REVISION})]
        assert due_submissions(session)


def test_a_newer_file_takes_the_place_of_one_that_waits_or_is_being_read(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        given_draft(session)
        submit(session)
        (held,) = claim(session)
        assert claim(session) == ()
        submit(session, content=b"second", minutes=1)
        submit(session, content=b"third", minutes=2)
        assert rows(session, "SELECT state, reason FROM print_file_submissions ORDER BY id") == [
            ("replaced", "a newer file was uploaded"),
            ("replaced", "a newer file was uploaded"),
            ("queued", ""),
        ]
        with pytest.raises(SubmissionLost, match="was claimed anew or replaced after fence 1") as lost:
            conclude(session, held)
        assert lost.value.status == 409
        assert [it.sha256 for it in claim(session)] == [hashlib.sha256(b"third").hexdigest()]


def test_another_file_makes_a_validated_revision_a_draft_and_voids_its_approval(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        given_draft(session, revision=a_drawn_revision())
        submit(session)
        conclude(session, claim(session)[0])
        approve(session, REVISION, actor="key_2")
        submit(session, minutes=9)
        assert state_of(session) == "validated"
        submit(session, content=b"second", minutes=10, actor="key_3")
        view = get_revision(session, organisation_id=OWNER, revision_id=REVISION)
        assert (view.state, view.file, view.size, view.approved_at) == ("draft", None, None, None)
        conclude(session, claim(session)[0], report=a_report(box_mm=(10, 20, 30), volume_cm3=3))
        again = get_revision(session, organisation_id=OWNER, revision_id=REVISION)
        assert (again.state, again.box_z_mm, again.approved_at) == ("validated", 30, None)
        logged = rows(session, "SELECT actor, action, data ->> 'reason' FROM audit_entries ORDER BY id")
        assert logged[-5:-3] == [
            ("key_3", "revision.approval_void", "another print file was uploaded"),
            ("key_3", "revision.draft", "another print file was uploaded"),
        ]


def test_a_released_revision_keeps_its_file_and_a_stranger_hands_in_nothing(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        save_a_released_part(session)
        with pytest.raises(RevisionFrozen, match="is released and keeps its print file: add a new revision") as refusal:
            submit(session)
        assert (refusal.value.code, refusal.value.status) == ("revision_frozen", 409)
        with pytest.raises(UnknownRevision):
            submit_print_file(session, organisation_id="org_bureau", upload=an_upload(), actor="key_9", now=NOW)
        with pytest.raises(UnknownRevision):
            latest_submission(session, organisation_id="org_bureau", revision_id=REVISION)
        assert rows(session, "SELECT count(*) FROM print_file_submissions") == [(0,)]


# ---------------------------------------------------------------- what a claim knows, and who may write


def test_a_claim_knows_what_the_revision_says(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        given_draft(session)
        submit(session)
        (claimed,) = claim(session)
        assert (claimed.part_no, claimed.revision, claimed.name) == ("AP-0101", "A", "Vacuum nozzle adapter")
        assert (claimed.process_materials, claimed.box_mm) == (["MJF:PA12-MJF"], [86, 58, 54])
        assert (claimed.attempts, claimed.fence) == (1, 1)
        assert rows(session, LEASED) == [("validating", 1, 1, True)]
        assert not due_submissions(session)


def test_a_claim_whose_lease_lapsed_is_claimed_anew_and_the_late_writer_loses(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        given_draft(session)
        submit(session)
        (first,) = claim(session, lease_seconds=0)
        assert due_submissions(session)
        (second,) = claim(session)
        assert (second.fence, second.attempts) == (2, 2)
        with pytest.raises(SubmissionLost):
            conclude(session, first)
        with pytest.raises(SubmissionLost):
            postpone_submission(session, claimed=first, reason="late", attempt_cap=4, now=NOW)
        assert conclude(session, second).state == "valid"


def test_two_workers_never_claim_the_same_file(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        given_draft(session)
        submit(session)
    with unit_of_work(engine) as one, unit_of_work(engine) as other:
        assert len(claim(one)) == 1
        assert claim(other) == ()


def test_a_file_that_breaks_its_reader_every_time_fails_aloud(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        given_draft(session)
        submit(session)
        for _ in range(2):
            assert len(claim(session, lease_seconds=0, attempt_cap=2)) == 1
        assert claim(session, lease_seconds=0, attempt_cap=2) == ()
        failed = latest(session)
        assert (failed.state, failed.attempts, failed.finished) == ("failed", 2, True)
        assert failed.reason.startswith("the validation broke off 2 times without a result: upload the file again")
        assert not due_submissions(session)
        audit = rows(session, "SELECT actor, action, subject_id FROM audit_entries ORDER BY id DESC LIMIT 1")
        assert audit == [("system:inventory", "print_file.failed", REVISION)]
        assert rows(session, "SELECT name FROM outbox_events ORDER BY id DESC LIMIT 1") == [("print_file.failed",)]
        again = submit(session, minutes=20)
        assert (again.state, again.submission_id == failed.submission_id) == ("queued", False)


# ---------------------------------------------------------------- what comes of it


def test_a_good_file_makes_its_draft_validated_with_all_that_was_measured(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        given_draft(session)
        submit(session)
        done = conclude(session, claim(session)[0])
        assert (done.state, done.reason, done.canonical_sha256) == ("valid", "", CANONICAL)
        assert done.report == a_report(sha256=done.sha256)
        assert (done.finished_at, done.attempts) == (NOW + timedelta(hours=1), 1)
        view = get_revision(session, organisation_id=OWNER, revision_id=REVISION)
        assert view.state == "validated"
        assert view.file is not None
        assert (view.file.sha256, view.file.source_sha256, view.file.size_bytes) == (CANONICAL, done.sha256, 900)
        assert (view.file.triangles, view.file.bodies, view.file.thinnest_wall_mm) == (1200, 1, 0.6)
        assert (view.file.preview_sha256, view.file.model_sha256) == ("1" * 64, "2" * 64)
        assert (view.file.submission_id, view.file.media_type) == (done.submission_id, "model/3mf")
        assert view.size == RevisionSize(box_x_mm=86, box_y_mm=58, box_z_mm=54, volume_cm3=24.5)
        told = rows(session, "SELECT name, data FROM outbox_events ORDER BY id DESC LIMIT 1")
        assert told == [("print_file.validated", {"revision_id": REVISION})]


def test_a_bad_file_leaves_its_draft_with_the_findings(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        given_draft(session)
        submit(session)
        refused = conclude(session, claim(session)[0], report=a_report(valid=False))
        assert (refused.state, refused.reason) == ("invalid", "12 edges belong to one triangle only.")
        assert refused.report is not None
        assert [finding.code for finding in refused.report.findings] == ["MESH_OPEN"]
        assert state_of(session) == "draft"
        audit = rows(session, "SELECT data FROM audit_entries WHERE action = 'print_file.refused'")
        expected = {"submission_id": refused.submission_id, "sha256": refused.sha256, "codes": "MESH_OPEN"}
        assert audit == [(expected,)]
        assert rows(session, "SELECT name FROM outbox_events ORDER BY id DESC LIMIT 1") == [("print_file.refused",)]
        assert submit(session, minutes=30).submission_id == refused.submission_id


def test_a_file_of_another_size_is_refused_until_the_revision_says_otherwise(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        given_draft(session)
        submit(session)
        refused = conclude(session, claim(session)[0], report=a_report(box_mm=(86, 58, 60)))
        assert refused.state == "invalid"
        assert refused.reason == "The file is not the size that the revision states: z is 60 mm instead of 54 mm."
        assert refused.report is not None
        assert refused.report.findings[-1].code == "SIZE_MISMATCH"
        seen = get_revision(session, organisation_id=OWNER, revision_id=REVISION).version
        change = RevisionChange(expected_version=seen, values={"box_z_mm": 60.0})
        change_revision(session, organisation_id=OWNER, revision_id=REVISION, change=change, actor="key_1", now=NOW)
        again = submit(session, minutes=1)
        assert (again.state, again.submission_id == refused.submission_id) == ("queued", False)
        assert conclude(session, claim(session)[0], report=a_report(box_mm=(86, 58, 60))).state == "valid"


def test_a_result_for_a_revision_that_was_withdrawn_meanwhile_changes_nothing(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        given_draft(session)
        submit(session)
        (claimed,) = claim(session)
        withdraw_revision(session, revision_id=REVISION, actor="key_1", reason="mistake", now=NOW)
        late = conclude(session, claimed)
        assert (late.state, late.reason) == ("replaced", "revision A is withdrawn meanwhile")
        assert get_revision(session, organisation_id=OWNER, revision_id=REVISION).file is None


def test_a_broken_validator_is_tried_again_later_and_later_and_then_given_up(engine: Engine) -> None:
    waits = []
    with unit_of_work(engine) as session:
        given_draft(session)
        submit(session)
        for _ in range(4):
            (claimed,) = claim(session)
            postpone_submission(session, claimed=claimed, reason="no process", attempt_cap=4, now=NOW)
            waits.append(rows(session, WAIT)[0])
            session.connection().exec_driver_sql("UPDATE print_file_submissions SET next_attempt_at = now()")
        assert waits == [("queued", 10), ("queued", 60), ("queued", 300), ("failed", None)]
        assert latest(session).reason == "no process (attempt 4, the last)"
        assert claim(session) == ()


def test_an_outage_of_the_store_costs_no_attempt(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        given_draft(session)
        submit(session)
        for fence in range(1, 7):
            (claimed,) = claim(session)
            assert (claimed.fence, claimed.attempts) == (fence, 1)
            postpone_submission(session, claimed=claimed, reason="the store is down", attempt_cap=None, now=NOW)
            assert claim(session) == ()
            session.connection().exec_driver_sql("UPDATE print_file_submissions SET next_attempt_at = now()")
        assert (latest(session).state, latest(session).reason) == ("queued", "the store is down")


def test_with_four_eyes_who_uploads_does_not_approve(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FABROUTE_FOUR_EYES", "true")
    get_settings.cache_clear()
    with unit_of_work(engine) as session:
        given_draft(session)
        submit(session, actor="key_1")
        conclude(session, claim(session)[0])
        with pytest.raises(FourEyesNeeded, match="key_1 uploaded its print file"):
            approve(session, REVISION, actor="key_1")
        approve(session, REVISION, actor="key_2")
        assert get_revision(session, organisation_id=OWNER, revision_id=REVISION).approved_by == "key_2"
    monkeypatch.undo()
    get_settings.cache_clear()
