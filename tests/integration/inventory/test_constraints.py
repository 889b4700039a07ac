"""What PostgreSQL itself refuses of parts, revisions and print files."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.inventory.service import (
    LicenceLease,
    NewAlias,
    NewDocument,
    NewInstallation,
    NewLicence,
    add_alias,
    add_document,
    attach_print_file,
    grant_licence,
    install_part,
    lease_prints,
    submit_print_file,
)
from tests.conftest import Database
from tests.factories.databases import engine_for, rows
from tests.factories.inventory import a_print_file, an_upload, given_draft, release
from tests.factories.organisations import NOW, OWNER, save_organisations

COPY = "INSERT INTO {0} SELECT (jsonb_populate_record(row, '{1}')).* FROM {0} AS row"


def copied(table: str, **other: object) -> str:
    """Return the statement that adds a copy of each row with another id and other values."""
    return COPY.format(table, json.dumps({"id": "x", **other}))


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """An engine for a database with one released part."""
    with engine_for(database.url) as made:
        with unit_of_work(made) as session:
            save_organisations(session)
            save_one_of_everything(session)
        yield made


def save_one_of_everything(session: Session) -> None:
    """Save a released part with a document, a submission, another number, a place, and a licence that holds 2 of 3."""
    revision_id = given_draft(session)
    mine: Mapping[str, Any] = {"organisation_id": OWNER, "actor": "key_1", "now": NOW}
    submit_print_file(session, upload=an_upload(revision_id=revision_id), **mine)
    document = NewDocument(
        revision_id=revision_id, kind="bom", name="bom.csv", media_type="text/csv", size_bytes=1, sha256="d" * 64
    )
    add_document(session, document=document, **mine)
    attach_print_file(session, revision_id=revision_id, facts=a_print_file(), now=NOW)
    release(session, revision_id)
    add_alias(session, part_no="AP-0101", alias=NewAlias(kind="old", number="X-9"), **mine)
    install_part(session, part_no="AP-0101", installation=NewInstallation(asset="pump", position="4"), **mine)
    licence = grant_licence(session, licence=NewLicence(revision_id=revision_id, prints=3), **mine)
    lease = LicenceLease(job_id="job_1", licence_id=licence.licence_id, prints=2)
    assert lease_prints(session, leases=(lease,), now=NOW) == frozenset()


@pytest.mark.parametrize(
    ("sql", "constraint"),
    [
        (copied("part_revisions", revision="B"), "uq_part_revisions_one_released"),
        (copied("part_revisions", state="draft"), "uq_part_revisions_part_id"),
        (copied("part_revisions", revision="B", approved_at=None), "ck_part_revisions_released_is_approved"),
        (copied("part_revisions", revision="B", release_signature=None), "ck_part_revisions_released_is_approved"),
        (
            copied("part_revisions", revision="B", state="validated", box_x_mm=None),
            "ck_part_revisions_measured_once_validated",
        ),
        ("UPDATE part_revisions SET ip_share_cap = 1.5", "ck_part_revisions_share_cap_is_a_share"),
        ("UPDATE print_licences SET granted_prints = 0", "ck_print_licences_(grants_something|never_over_granted)"),
        ("UPDATE print_licences SET leased_prints = leased_prints + 2", "ck_print_licences_never_over_granted"),
        ("UPDATE print_licences SET good_prints = -1", "ck_print_licences_never_over_granted"),
        ("UPDATE print_licences SET revision_id = 'rev_none'", "fk_print_licences_revision_id"),
        ("UPDATE print_licence_leases SET good_prints = 3", "ck_print_licence_leases_never_over_leased"),
        ("UPDATE print_licence_leases SET prints = 0", "ck_print_licence_leases_holds_something"),
        (copied("part_aliases"), "uq_part_aliases_organisation_id_number"),
        (copied("asset_positions"), "uq_asset_positions_organisation_id_asset_position_part_id"),
        (copied("revision_documents"), "uq_revision_documents_revision_id_name"),
        ("UPDATE print_file_submissions SET revision_id = 'rev_none'", "fk_print_file_submissions_revision_id"),
        ("UPDATE part_revisions SET box_x_mm = 0", "ck_part_revisions_positive_size"),
        ("UPDATE part_revisions SET volume_cm3 = -1", "ck_part_revisions_positive_size"),
        ("UPDATE part_revisions SET part_id = 'part_none'", "fk_part_revisions_part_id"),
        ("UPDATE parts SET organisation_id = 'org_none'", "fk_parts_organisation_id"),
        (copied("parts"), "uq_parts_organisation_id_part_no"),
        (copied("print_files"), "uq_print_files_revision_id"),
    ],
)
def test_what_can_not_be_is_refused_by_its_constraint(engine: Engine, sql: str, constraint: str) -> None:
    with pytest.raises(IntegrityError, match=constraint), unit_of_work(engine) as session:
        rows(session, f"{sql} RETURNING 1")
    with unit_of_work(engine) as session:
        assert rows(session, "SELECT count(*), min(state), min(box_x_mm) FROM part_revisions") == [
            (1, "released", 86.0)
        ]
