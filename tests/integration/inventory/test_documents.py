"""Drawings and bills of materials travel with a revision, and are frozen with it."""

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.inventory.service import (
    ApprovalMissing,
    DocumentView,
    InvalidDocument,
    NewDocument,
    RevisionFrozen,
    UnknownDocument,
    UnknownRevision,
    add_document,
    attach_print_file,
    get_document,
    get_part,
    get_revision,
    remove_document,
)
from tests.factories.databases import rows
from tests.factories.inventory import a_print_file, approve, given_draft, release, release_approved
from tests.factories.organisations import NOW, OWNER

REVISION = "rev_org_owner_AP-0101_A"


def a_document(*, name: str = "drawing.pdf", sha256: str = "a" * 64, kind: str = "drawing") -> NewDocument:
    return NewDocument(
        revision_id=REVISION, kind=kind, name=name, media_type="application/pdf", size_bytes=2048, sha256=sha256
    )


def add(session: Session, document: NewDocument) -> DocumentView:
    return add_document(session, organisation_id=OWNER, document=document, actor="key_1", now=NOW)


def remove(session: Session, *, name: str = "drawing.pdf", organisation_id: str = OWNER) -> None:
    remove_document(session, organisation_id=organisation_id, revision_id=REVISION, name=name, actor="key_1", now=NOW)


def test_documents_are_added_replaced_shown_and_removed(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        given_draft(session)
        first = add(session, a_document())
        assert add(session, a_document()) == first
        second = add(session, a_document(sha256="b" * 64))
        bom = add(session, a_document(name="bom.csv", kind="bom"))
        assert (second.sha256, second.added_by, second.added_at) == ("b" * 64, "key_1", NOW)
        assert get_revision(session, organisation_id=OWNER, revision_id=REVISION).documents == (bom, second)
        assert get_part(session, organisation_id=OWNER, part_no="AP-0101").revisions[0].documents == (bom, second)
        assert get_document(session, organisation_id=OWNER, revision_id=REVISION, name="bom.csv") == bom
        remove(session)
        with pytest.raises(UnknownDocument, match=r"has no document 'drawing\.pdf'") as refusal:
            remove(session)
        assert refusal.value.status == 404
        logged = rows(session, "SELECT action, data ->> 'name' FROM audit_entries WHERE action LIKE 'document%'")
        assert logged == [
            ("document.added", "drawing.pdf"),
            ("document.added", "drawing.pdf"),
            ("document.added", "bom.csv"),
            ("document.removed", "drawing.pdf"),
        ]


def test_another_document_voids_the_approval(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        given_draft(session)
        attach_print_file(session, revision_id=REVISION, facts=a_print_file(), now=NOW)
        approve(session, REVISION)
        add(session, a_document())
        view = get_revision(session, organisation_id=OWNER, revision_id=REVISION)
        assert (view.state, view.approved_at, view.approved_by, view.approved_sha256) == ("validated", None, None, None)
        with pytest.raises(ApprovalMissing):
            release_approved(session, REVISION)
        void = rows(session, "SELECT data FROM audit_entries WHERE action = 'revision.approval_void'")
        assert void == [({"approved_by": "system:test", "reason": "document drawing.pdf changed"},)]
        release(session, REVISION)


def test_a_released_revision_keeps_its_documents(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        given_draft(session)
        add(session, a_document())
        attach_print_file(session, revision_id=REVISION, facts=a_print_file(), now=NOW)
        release(session, REVISION)
        with pytest.raises(RevisionFrozen, match="is released and keeps its documents") as refusal:
            add(session, a_document(sha256="c" * 64))
        assert refusal.value.status == 409
        with pytest.raises(RevisionFrozen):
            remove(session)
        with pytest.raises(UnknownRevision):
            remove(session, organisation_id="org_bureau")
        with pytest.raises(UnknownDocument):
            get_document(session, organisation_id=OWNER, revision_id=REVISION, name="none.pdf")


@pytest.mark.parametrize(
    ("name", "kind", "pointer"),
    [
        ("a/b.pdf", "drawing", "/name"),
        ("..", "drawing", "/name"),
        ("", "drawing", "/name"),
        ("a\nb.pdf", "drawing", "/name"),
        ("x" * 121, "drawing", "/name"),
        ("a.pdf", "photo", "/kind"),
    ],
)
def test_a_document_needs_a_plain_name_and_a_known_kind(name: str, kind: str, pointer: str) -> None:
    with pytest.raises(InvalidDocument) as refusal:
        a_document(name=name, kind=kind)
    assert [problem.pointer for problem in refusal.value.problems] == [pointer]
    assert refusal.value.status == 422
