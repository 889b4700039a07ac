"""Parts, revisions and print files: registering, validating, releasing, withdrawing, reading."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.identity.service import create_organisation
from fabroute.inventory.service import (
    InvalidRevision,
    PrintFileMismatch,
    RevisionFrozen,
    UnknownPart,
    UnknownRevision,
    add_revision,
    attach_print_file,
    find_parts,
    get_part,
    list_parts,
    read_revisions,
    register_part,
    withdraw_revision,
)
from fabroute.inventory.states import RevisionStateConflict
from tests.conftest import Database
from tests.factories.databases import engine_for, rows
from tests.factories.inventory import a_part, a_print_file, a_revision, release, release_approved, save_a_released_part
from tests.factories.organisations import NOW, OWNER, save_organisations

EVENTS = "SELECT name, subject_id, data FROM outbox_events WHERE name = 'network.changed' ORDER BY id"
AUDIT = "SELECT actor, action, subject_id FROM audit_entries ORDER BY id"
PART = "part_org_owner_AP-0101"
REVISION = "rev_org_owner_AP-0101_A"


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """An engine for a database with an owner and nothing else."""
    with engine_for(database.url) as made:
        with unit_of_work(made) as session:
            save_organisations(session)
        yield made


def save_a_validated_revision(session: Session, *, revision: str = "A", content: str = "3mf") -> str:
    part_id = register_part(session, part=a_part(), now=NOW)
    revision_id = add_revision(session, revision=a_revision(part_id=part_id, revision=revision), now=NOW)
    attach_print_file(session, revision_id=revision_id, facts=a_print_file(content=content), now=NOW)
    return revision_id


# ---------------------------------------------------------------- parts


def test_a_part_is_known_by_its_owner_and_number_and_takes_a_new_name(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        create_organisation(session, name="Other", kind="owner", now=NOW, organisation_id="org_other")
        assert register_part(session, part=a_part(), now=NOW) == PART
        assert register_part(session, part=a_part(name="Nozzle"), now=NOW) == PART
        other = register_part(session, part=a_part(organisation_id="org_other"), now=NOW)
        assert other == "part_org_other_AP-0101"
        assert get_part(session, organisation_id=OWNER, part_no="AP-0101").name == "Nozzle"
        assert get_part(session, organisation_id="org_other", part_no="AP-0101").name == "Vacuum nozzle adapter"
        assert rows(session, AUDIT) == [
            ("system:inventory", "part.registered", PART),
            ("system:inventory", "part.registered", other),
        ]


def test_a_part_of_someone_else_is_unknown(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        register_part(session, part=a_part(), now=NOW)
        with pytest.raises(UnknownPart, match="you have no part AP-0101") as refusal:
            get_part(session, organisation_id="org_bureau", part_no="AP-0101")
        assert refusal.value.status == 404
        found = find_parts(session, organisation_id=OWNER, part_nos=["AP-0101", "XX-1"])
        assert list(found) == ["AP-0101"]
        assert (found["AP-0101"].revisions, found["AP-0101"].released) == ((), None)


def test_parts_come_in_pages_in_the_order_of_their_numbers(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        for part_no in ("C-3", "A-1", "B-2"):
            register_part(session, part=a_part(part_no=part_no), now=NOW)
        first = list_parts(session, organisation_id=OWNER, limit=2)
        assert ([part.part_no for part in first.items], first.next_cursor) == (["A-1", "B-2"], "B-2")
        last = list_parts(session, organisation_id=OWNER, limit=2, cursor="B-2")
        assert ([part.part_no for part in last.items], last.next_cursor) == (["C-3"], None)
        assert list_parts(session, organisation_id="org_bureau").items == ()


# ---------------------------------------------------------------- revisions and files


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


# ---------------------------------------------------------------- release and withdrawal


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
