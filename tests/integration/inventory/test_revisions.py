"""Revisions: drafts that change, validated ones that don't, with all that they ask for."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.inventory.service import (
    Characteristic,
    InvalidRevision,
    PrintFileMismatch,
    RevisionChange,
    RevisionExists,
    RevisionFrozen,
    RevisionNotMeasured,
    RevisionSize,
    RevisionView,
    StaleVersion,
    UnknownPart,
    UnknownRevision,
    add_revision,
    attach_print_file,
    change_revision,
    create_revision,
    get_revision,
    read_revisions,
    register_part,
    withdraw_revision,
)
from tests.factories.databases import rows
from tests.factories.inventory import (
    a_drawn_revision,
    a_part,
    a_print_file,
    a_revision,
    given_draft,
    release,
    save_a_released_part,
)
from tests.factories.organisations import NOW, OWNER

REVISION = "rev_org_owner_AP-0101_A"


def test_a_revision_is_a_draft_until_its_file_is_there_and_then_it_is_frozen(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        part_id = register_part(session, part=a_part(), now=NOW)
        assert add_revision(session, revision=a_revision(), now=NOW) == REVISION
        wider = a_revision(part_id=part_id, process_materials=("MJF:PA12-MJF", "SLS:PA12-SLS"))
        assert add_revision(session, revision=wider, now=NOW) == REVISION
        draft = read_revisions(session, revision_ids=[REVISION])[REVISION]
        assert (draft.state, draft.file_validated, draft.file_sha256) == ("draft", False, None)
        assert draft.process_materials == ("MJF:PA12-MJF", "SLS:PA12-SLS")
        attach_print_file(session, revision_id=REVISION, facts=a_print_file(), now=NOW)
        attach_print_file(session, revision_id=REVISION, facts=a_print_file(), now=NOW + timedelta(days=1))
    with unit_of_work(engine) as session:
        validated = read_revisions(session, revision_ids=[REVISION, "rev_none"])[REVISION]
        assert (validated.state, validated.file_validated) == ("validated", True)
        assert validated.file is not None
        assert validated.file_sha256 == a_print_file().sha256
        assert (validated.file.triangles, validated.file.validated_at) == (1200, NOW)
        assert add_revision(session, revision=wider, now=NOW) == REVISION
        with pytest.raises(RevisionFrozen, match="is validated and can't change its process_materials"):
            add_revision(session, revision=a_revision(), now=NOW)
        with pytest.raises(RevisionFrozen, match="add a new revision"):
            attach_print_file(session, revision_id=REVISION, facts=a_print_file(content="other"), now=NOW)


def test_a_file_of_another_size_is_refused_with_both_figures(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        register_part(session, part=a_part(), now=NOW)
        add_revision(session, revision=a_revision(), now=NOW)
        inches = a_print_file(box_mm=(86, 58, 2.1), volume_cm3=24.5)
        with pytest.raises(PrintFileMismatch, match=r"z is 2\.1 mm instead of 54 mm") as refusal:
            attach_print_file(session, revision_id=REVISION, facts=inches, now=NOW)
        assert refusal.value.status == 422
        assert read_revisions(session, revision_ids=[REVISION])[REVISION].state == "draft"


def test_unknown_parts_and_revisions_are_said_to_be_unknown(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        with pytest.raises(UnknownPart, match="register it first"):
            add_revision(session, revision=a_revision(), now=NOW)
        with pytest.raises(UnknownRevision):
            attach_print_file(session, revision_id="rev_none", facts=a_print_file(), now=NOW)
        with pytest.raises(UnknownRevision):
            release(session, "rev_none", actor="key_1", now=NOW)
        with pytest.raises(UnknownRevision):
            withdraw_revision(session, revision_id="rev_none", actor="key_1", now=NOW)


def test_a_revision_without_size_or_material_can_not_be() -> None:
    with pytest.raises(InvalidRevision, match="box and volume must be over 0"):
        a_revision(volume_cm3=0)
    with pytest.raises(InvalidRevision, match="PROCESS:MATERIAL"):
        a_revision(process_materials=())
    with pytest.raises(InvalidRevision, match="PROCESS:MATERIAL"):
        a_revision(process_materials=("PA12",))


def test_everything_that_a_revision_asks_for_is_kept(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        register_part(session, part=a_part(), now=NOW)
        made = create_revision(session, revision=a_drawn_revision(licence_required=True), actor="key_1", now=NOW)
    with unit_of_work(engine) as session:
        view = get_revision(session, organisation_id=OWNER, revision_id=REVISION)
        assert view == made
        assert (view.state, view.size, view.file, view.version) == ("draft", None, None, 1)
        assert (view.created_by, view.created_at) == ("key_1", NOW)
        assert view.process_materials == ("MJF:PA12-MJF", "SLS:PA12-SLS")
        assert view.required_certificates == ("ISO9001", "EN45545-HL3")
        assert (view.parameter_sets, view.qualified_orientation) == (("PS-1", "PS-2"), "z")
        assert (view.packaging, view.inspection_level, view.licence_required) == ("esd", "dimensional", True)
        assert (view.export_class, view.ip_zone, view.ip_share_cap) == ("dual_use", "EU", 0.5)
        assert (view.ip_countries, view.ip_nodes, view.ip_kinds) == (("DE", "AT"), ("N001", "N002"), ("in_house",))
        assert view.inspection_plan[0].upper_mm == 8.05
        assert view.inspection_plan[1] == Characteristic(name="surface", kind="visual")
        with pytest.raises(RevisionExists, match="has a revision A"):
            create_revision(session, revision=a_revision(), actor="key_1", now=NOW)


def test_a_revision_without_a_size_takes_that_of_its_file(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        given_draft(session, revision=a_drawn_revision())
        draft = get_revision(session, organisation_id=OWNER, revision_id=REVISION)
        with pytest.raises(RevisionNotMeasured, match="upload its print file, or state its box") as refusal:
            assert draft.box_x_mm
        assert refusal.value.status == 409
        attach_print_file(session, revision_id=REVISION, facts=a_print_file(box_mm=(1, 2, 3), volume_cm3=4), now=NOW)
        measured = get_revision(session, organisation_id=OWNER, revision_id=REVISION)
        assert measured.size == RevisionSize(box_x_mm=1, box_y_mm=2, box_z_mm=3, volume_cm3=4)
        assert (measured.box_x_mm, measured.box_y_mm, measured.box_z_mm, measured.volume_cm3) == (1, 2, 3, 4)
        assert add_revision(session, revision=a_drawn_revision(), now=NOW) == REVISION


def changed(session: Session, *, version: int, values: Mapping[str, object]) -> RevisionView:
    change = RevisionChange(expected_version=version, values=values)
    return change_revision(session, organisation_id=OWNER, revision_id=REVISION, change=change, actor="key_1", now=NOW)


def test_a_draft_is_changed_by_who_saw_its_present_version_and_nothing_else_is(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        given_draft(session)
        values = {"packaging": "brand", "ip_countries": ("DE",), "box_x_mm": 90.0, "ip_share_cap": None}
        view = changed(session, version=1, values=values)
        assert (view.packaging, view.ip_countries, view.box_x_mm, view.box_y_mm) == ("brand", ("DE",), 90, 58)
        assert view.version == 2
        with pytest.raises(StaleVersion):
            changed(session, version=1, values=values)
        unsized = {"box_x_mm": None, "box_y_mm": None, "box_z_mm": None, "volume_cm3": None}
        assert changed(session, version=2, values=unsized).size is None
        with pytest.raises(InvalidRevision, match="no country") as refusal:
            changed(session, version=3, values={"ip_countries": ("DE", "XX")})
        assert refusal.value.problems[0].pointer == "/ip_countries/1"
        with pytest.raises(InvalidRevision, match="part_id, state can't be changed: add a new revision"):
            RevisionChange(expected_version=3, values={"state": "released", "part_id": "part_2"})
        logged = rows(session, "SELECT data FROM audit_entries WHERE action = 'revision.changed' ORDER BY id")
        assert logged == [
            ({"fields": "box_x_mm ip_countries packaging"},),
            ({"fields": "box_x_mm box_y_mm box_z_mm size_is_stated volume_cm3"},),
        ]


def test_a_validated_revision_can_not_be_changed(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        save_a_released_part(session)
        seen = get_revision(session, organisation_id=OWNER, revision_id=REVISION).version
        change = RevisionChange(expected_version=seen, values={"packaging": "esd"})
        with pytest.raises(RevisionFrozen, match="is released and can't change its packaging") as refusal:
            change_revision(session, organisation_id=OWNER, revision_id=REVISION, change=change, actor="key_1", now=NOW)
        assert (refusal.value.code, refusal.value.status) == ("revision_frozen", 409)


def test_a_revision_of_someone_else_is_unknown(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        save_a_released_part(session)
        with pytest.raises(UnknownRevision) as refusal:
            get_revision(session, organisation_id="org_bureau", revision_id=REVISION)
        assert refusal.value.status == 404
        with pytest.raises(UnknownRevision):
            withdraw_revision(
                session, revision_id=REVISION, actor="key_1", reason="x", now=NOW, organisation_id="org_bureau"
            )
        change = RevisionChange(expected_version=1, values={})
        with pytest.raises(UnknownRevision):
            change_revision(
                session, organisation_id="org_bureau", revision_id=REVISION, change=change, actor="key_1", now=NOW
            )
        assert get_revision(session, organisation_id=OWNER, revision_id=REVISION).state == "released"
