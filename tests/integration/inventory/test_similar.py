"""The same or like files of an owner are found by hash and by shape."""

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.identity.service import create_organisation
from fabroute.inventory.service import (
    PrintFileRecord,
    UnknownRevision,
    add_revision,
    attach_print_file,
    register_part,
    similar_files,
)
from tests.factories.inventory import a_drawn_revision, a_part
from tests.factories.organisations import NOW, OWNER

BRACKET = (20.0, 61.3, 9.2, 14.7, 17.1, 4.0)


def given_file(
    session: Session,
    part_no: str,
    *,
    sha256: str,
    source_sha256: str | None = None,
    shape: tuple[float, ...] = BRACKET,
    organisation_id: str = OWNER,
) -> str:
    """Save a validated revision with a file of that shape; return the revision's id."""
    part_id = register_part(session, part=a_part(part_no=part_no, organisation_id=organisation_id), now=NOW)
    revision_id = add_revision(session, revision=a_drawn_revision(part_id=part_id), now=NOW)
    facts = PrintFileRecord(
        sha256=sha256,
        size_bytes=1000,
        media_type="model/3mf",
        box_x_mm=30,
        box_y_mm=20,
        box_z_mm=40,
        volume_cm3=8,
        triangles=500,
        source_sha256=source_sha256,
        shape=shape,
    )
    attach_print_file(session, revision_id=revision_id, facts=facts, now=NOW)
    return revision_id


def scaled(factor: float, *, handed: float = 4.0) -> tuple[float, ...]:
    return (*(length * factor for length in BRACKET[:5]), handed)


def test_files_are_found_by_source_hash_by_hash_and_by_shape_the_likest_first(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        create_organisation(session, name="Other", kind="owner", now=NOW, organisation_id="org_other")
        mine = given_file(session, "A-0", sha256="a", source_sha256="s")
        given_file(session, "A-1", sha256="b", source_sha256="s", shape=())
        given_file(session, "A-2", sha256="c", source_sha256="a", shape=())
        given_file(session, "A-3", sha256="s", shape=())
        given_file(session, "A-4", sha256="d", source_sha256="t", shape=scaled(1.00005))
        given_file(session, "A-5", sha256="e", shape=scaled(1.002))
        given_file(session, "A-6", sha256="f", shape=scaled(0.997))
        given_file(session, "B-1", sha256="g", shape=scaled(1.006))
        given_file(session, "B-2", sha256="h", shape=scaled(1.0, handed=-4.0))
        given_file(session, "B-3", sha256="i", shape=(20.0, 61.3, 9.2, 14.7, 18.0, 4.0))
        given_file(session, "B-4", sha256="j", shape=())
        given_file(session, "C-1", sha256="a", source_sha256="s", organisation_id="org_other")
        found = similar_files(session, organisation_id=OWNER, revision_id=mine)
        assert [(it.part_no, it.kind) for it in found] == [
            ("A-1", "same_source"),
            ("A-2", "same_file"),
            ("A-3", "same_file"),
            ("A-4", "same_geometry"),
            ("A-5", "similar_geometry"),
            ("A-6", "similar_geometry"),
        ]
        assert [it.deviation for it in found] == pytest.approx([0, 0, 0, 0.00005, 0.002, 0.003], rel=0.01)
        assert (found[0].revision, found[0].state, found[0].name) == ("A", "validated", "Vacuum nozzle adapter")


def test_a_revision_without_a_file_is_like_none_and_a_stranger_s_is_unknown(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        given_file(session, "A-1", sha256="a")
        part_id = register_part(session, part=a_part(part_no="A-2"), now=NOW)
        draft = add_revision(session, revision=a_drawn_revision(part_id=part_id), now=NOW)
        assert similar_files(session, organisation_id=OWNER, revision_id=draft) == ()
        with pytest.raises(UnknownRevision):
            similar_files(session, organisation_id="org_bureau", revision_id=draft)
