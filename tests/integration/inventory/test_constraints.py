"""What PostgreSQL itself refuses of parts, revisions and print files."""

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from fabroute.database import unit_of_work
from tests.conftest import Database
from tests.factories.databases import engine_for, rows
from tests.factories.inventory import save_a_released_part
from tests.factories.organisations import save_organisations

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
            save_a_released_part(session)
        yield made


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
