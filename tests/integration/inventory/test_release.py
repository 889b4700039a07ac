"""Approval, release under a signature, supersession, withdrawal, and the story of it all."""

import hashlib
import json
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.inventory.service import (
    Approval,
    ApprovalMissing,
    FourEyesNeeded,
    NewDocument,
    ReasonMissing,
    Release,
    UnknownRevision,
    add_document,
    add_revision,
    approve_revision,
    attach_print_file,
    get_part,
    get_revision,
    register_part,
    release_revision,
    revision_history,
    withdraw_revision,
)
from fabroute.inventory.states import RevisionStateConflict
from fabroute.settings import get_settings
from tests.factories.databases import rows
from tests.factories.inventory import (
    a_drawn_revision,
    a_part,
    a_print_file,
    a_revision,
    approve,
    given_draft,
    release,
    release_approved,
    save_a_released_part,
)
from tests.factories.organisations import NOW, OWNER
from tests.fakes.signer import FakeSigner

EVENTS = "SELECT name, subject_id, data FROM outbox_events WHERE name = 'network.changed' ORDER BY id"
AUDIT = "SELECT actor, action, subject_id FROM audit_entries ORDER BY id"
REVISION = "rev_org_owner_AP-0101_A"


def save_a_validated_revision(session: Session, *, revision: str = "A", content: str = "3mf") -> str:
    part_id = register_part(session, part=a_part(), now=NOW)
    revision_id = add_revision(session, revision=a_revision(part_id=part_id, revision=revision), now=NOW)
    attach_print_file(session, revision_id=revision_id, facts=a_print_file(content=content), now=NOW)
    return revision_id


@pytest.fixture
def four_eyes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Settings with FABROUTE_FOUR_EYES."""
    monkeypatch.setenv("FABROUTE_FOUR_EYES", "true")
    get_settings.cache_clear()
    yield
    monkeypatch.undo()
    get_settings.cache_clear()


def test_a_release_is_audited_and_told_and_takes_the_place_of_the_one_before(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        first = save_a_released_part(session)
    later = NOW + timedelta(days=30)
    with unit_of_work(engine) as session:
        second = save_a_validated_revision(session, revision="B", content="b")
        release(session, second, actor="key_1", now=later)
    with unit_of_work(engine) as session:
        part = get_part(session, organisation_id=OWNER, part_no="AP-0101")
        assert [(revision.revision, revision.state, revision.released_at) for revision in part.revisions] == [
            ("A", "superseded", NOW),
            ("B", "released", later),
        ]
        assert part.released == part.revisions[1]
        assert rows(session, EVENTS) == [
            ("network.changed", first, {"reason": "revision_released"}),
            ("network.changed", first, {"reason": "revision_superseded"}),
            ("network.changed", second, {"reason": "revision_released"}),
        ]
        assert ("key_1", "revision.superseded", first) in rows(session, AUDIT)
        assert ("key_1", "revision.released", second) in rows(session, AUDIT)


def test_only_a_validated_revision_can_be_released(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        register_part(session, part=a_part(), now=NOW)
        add_revision(session, revision=a_revision(), now=NOW)
        with pytest.raises(RevisionStateConflict, match="is draft and can't be released: attach a print file"):
            release_approved(session, REVISION, actor="key_1", now=NOW)
        attach_print_file(session, revision_id=REVISION, facts=a_print_file(), now=NOW)
        release(session, REVISION, actor="key_1", now=NOW)
        with pytest.raises(RevisionStateConflict, match="released already"):
            release_approved(session, REVISION, actor="key_1", now=NOW)


def test_a_withdrawn_revision_is_withdrawn_for_good(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        revision_id = save_a_released_part(session)
        withdraw_revision(session, revision_id=revision_id, actor="key_1", now=NOW)
        assert get_part(session, organisation_id=OWNER, part_no="AP-0101").released is None
        assert rows(session, EVENTS)[-1] == ("network.changed", revision_id, {"reason": "revision_withdrawn"})
        with pytest.raises(RevisionStateConflict, match="withdrawn for good") as refusal:
            release_approved(session, revision_id, actor="key_1", now=NOW)
        assert refusal.value.status == 409


def test_two_releases_at_once_leave_one_released_revision(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        ids = [save_a_validated_revision(session, revision=name, content=name) for name in "ABCD"]
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(lambda revision_id: _release_alone(engine, revision_id), ids))
    with unit_of_work(engine) as session:
        states = [row[0] for row in rows(session, "SELECT state FROM part_revisions ORDER BY state")]
        assert states == ["released", "superseded", "superseded", "superseded"]
        assert len(rows(session, EVENTS)) == 7


def _release_alone(engine: Engine, revision_id: str) -> None:
    with unit_of_work(engine) as session:
        release(session, revision_id, actor="key_1", now=NOW)


def test_a_release_is_signed_over_all_that_it_means(engine: Engine) -> None:
    later = NOW + timedelta(days=2)
    signer = FakeSigner(public_key="a2V5")
    with unit_of_work(engine) as session:
        given_draft(session, revision=a_drawn_revision())
        attach_print_file(session, revision_id=REVISION, facts=a_print_file(), now=NOW)
        drawing = NewDocument(
            revision_id=REVISION,
            kind="drawing",
            name="AP-0101_A.pdf",
            media_type="application/pdf",
            size_bytes=10,
            sha256="d" * 64,
        )
        add_document(session, organisation_id=OWNER, document=drawing, actor="key_1", now=NOW)
        approve(session, REVISION, actor="key_2", now=NOW + timedelta(days=1))
        wanted = Release(actor="key_3", reason="ready", organisation_id=OWNER)
        release_revision(session, revision_id=REVISION, release=wanted, signer=signer, now=later)
    with unit_of_work(engine) as session:
        view = get_revision(session, organisation_id=OWNER, revision_id=REVISION)
    assert view.release_statement is not None
    signed = view.release_statement.encode()
    assert signer.statements == [signed]
    assert view.release_signature == b64encode(hashlib.sha256(signed).digest()).decode()
    assert (view.release_public_key, view.released_by, view.released_at) == ("a2V5", "key_3", later)
    statement = json.loads(signed)
    assert json.dumps(statement, sort_keys=True, separators=(",", ":")).encode() == signed
    assert statement == {
        "organisation_id": OWNER,
        "part_no": "AP-0101",
        "revision": "A",
        "revision_id": REVISION,
        "print_file": {
            "sha256": hashlib.sha256(b"3mf").hexdigest(),
            "source_sha256": None,
            "size_bytes": 3,
            "media_type": "model/3mf",
            "box_x_mm": 86,
            "box_y_mm": 58,
            "box_z_mm": 54,
            "volume_cm3": 24.5,
            "triangles": 1200,
        },
        "requirements": {
            "process_materials": ["MJF:PA12-MJF", "SLS:PA12-SLS"],
            "parameter_sets": ["PS-1", "PS-2"],
            "qualified_orientation": "z",
            "required_certificates": ["ISO9001", "EN45545-HL3"],
            "part_qualification": False,
            "inspection_level": "dimensional",
            "inspection_plan": [
                {"name": "bore", "kind": "diameter", "nominal_mm": 8.0, "lower_mm": 7.95, "upper_mm": 8.05},
                {"name": "surface", "kind": "visual", "nominal_mm": None, "lower_mm": None, "upper_mm": None},
            ],
            "packaging": "esd",
            "export_class": "dual_use",
            "ip_zone": "EU",
            "ip_countries": ["DE", "AT"],
            "ip_nodes": ["N001", "N002"],
            "ip_kinds": ["in_house"],
            "ip_share_cap": 0.5,
            "licence_required": False,
        },
        "documents": [{"kind": "drawing", "name": "AP-0101_A.pdf", "sha256": "d" * 64}],
        "approved_by": "key_2",
        "approved_at": "2026-06-16T08:00:00+00:00",
        "released_by": "key_3",
        "released_at": "2026-06-17T08:00:00+00:00",
    }


def test_without_an_approval_of_this_very_file_nothing_is_released(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        save_a_validated_revision(session)
        with pytest.raises(ApprovalMissing, match="nobody has approved revision A yet") as refusal:
            release_approved(session, REVISION)
        assert (refusal.value.code, refusal.value.status) == ("approval_missing", 409)
        other = Approval(actor="key_1", reason="looks fine", sha256="0" * 64)
        with pytest.raises(ApprovalMissing, match="look at that one"):
            approve_revision(session, revision_id=REVISION, approval=other, now=NOW)
        approve(session, REVISION, actor="key_1")
        session.connection().exec_driver_sql("UPDATE print_files SET sha256 = 'f'")
        session.expire_all()
        with pytest.raises(ApprovalMissing, match="but has f now: approve that one"):
            release_approved(session, REVISION)
        assert get_revision(session, organisation_id=OWNER, revision_id=REVISION).state == "validated"


def test_a_reason_is_asked_for_and_an_owner_moves_only_its_own(engine: Engine) -> None:
    with pytest.raises(ReasonMissing, match="say why") as refusal:
        Approval(actor="key_1", reason="  ")
    assert (refusal.value.status, refusal.value.problems[0].pointer) == (422, "/reason")
    with pytest.raises(ReasonMissing):
        Release(actor="key_1", reason="")
    with unit_of_work(engine) as session:
        save_a_validated_revision(session)
        theirs = Approval(actor="key_9", reason="x", organisation_id="org_bureau")
        with pytest.raises(UnknownRevision):
            approve_revision(session, revision_id=REVISION, approval=theirs, now=NOW)
        approve(session, REVISION)
        wanted = Release(actor="key_9", reason="x", organisation_id="org_bureau")
        with pytest.raises(UnknownRevision):
            release_revision(session, revision_id=REVISION, release=wanted, signer=FakeSigner(), now=NOW)


@pytest.mark.usefixtures("four_eyes")
def test_with_four_eyes_who_approves_is_not_who_releases(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        save_a_validated_revision(session)
        approve(session, REVISION, actor="key_1")
        with pytest.raises(FourEyesNeeded, match="key_1 approved it: with FABROUTE_FOUR_EYES") as refusal:
            release_approved(session, REVISION, actor="key_1")
        assert (refusal.value.code, refusal.value.status) == ("four_eyes_needed", 409)
        release_approved(session, REVISION, actor="key_2")
        assert get_revision(session, organisation_id=OWNER, revision_id=REVISION).released_by == "key_2"


def test_the_story_of_a_revision_has_who_when_and_why(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        given_draft(session)
        attach_print_file(session, revision_id=REVISION, facts=a_print_file(), now=NOW, actor="key_1")
        approve(session, REVISION, actor="key_2", now=NOW + timedelta(hours=1))
        release_approved(session, REVISION, actor="key_3", now=NOW + timedelta(hours=2))
        withdraw_revision(session, revision_id=REVISION, actor="key_4", reason="cracks", now=NOW + timedelta(days=1))
    with unit_of_work(engine) as session:
        story = revision_history(session, organisation_id=OWNER, revision_id=REVISION)
        assert [(entry.actor, entry.action, entry.reason) for entry in story] == [
            ("system:inventory", "revision.added", ""),
            ("key_1", "print_file.attached", ""),
            ("key_1", "revision.validated", ""),
            ("key_2", "revision.approved", "it is as drawn"),
            ("key_3", "revision.released", "the first parts are good"),
            ("key_4", "revision.withdrawn", "cracks"),
        ]
        assert story[-1].occurred_at == NOW + timedelta(days=1)
        assert (story[3].data, story[4].data) == ({"sha256": a_print_file().sha256}, {"from": "validated"})
        with pytest.raises(UnknownRevision):
            revision_history(session, organisation_id="org_bureau", revision_id=REVISION)
        assert rows(session, "SELECT DISTINCT organisation_id FROM audit_entries") == [(OWNER,)]
        told = rows(
            session, "SELECT name, organisation_id FROM outbox_events WHERE name LIKE 'part_revision%' ORDER BY id"
        )
        assert told == [("part_revision.released", OWNER), ("part_revision.withdrawn", OWNER)]
