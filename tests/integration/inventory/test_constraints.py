"""What PostgreSQL itself refuses of parts, revisions and print files."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from fabroute.database import unit_of_work
from tests.conftest import Database
from tests.factories.databases import engine_for, rows
from tests.factories.inventory import save_a_released_part
from tests.factories.organisations import save_organisations

COPY = "SELECT 'x', part_id, 'B', 'released', 1, 1, 1, 1, '{}', '{}', false, 'none', 'any', NULL FROM part_revisions"
SAME_NAME = COPY.replace("'B', 'released'", "'A', 'draft'")


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
        (f"INSERT INTO part_revisions {COPY}", "uq_part_revisions_one_released"),
        (f"INSERT INTO part_revisions {SAME_NAME}", "uq_part_revisions_part_id"),
        ("UPDATE part_revisions SET box_x_mm = 0", "ck_part_revisions_positive_size"),
        ("UPDATE part_revisions SET volume_cm3 = -1", "ck_part_revisions_positive_size"),
        ("UPDATE part_revisions SET part_id = 'part_none'", "fk_part_revisions_part_id"),
        ("UPDATE parts SET organisation_id = 'org_none'", "fk_parts_organisation_id"),
        (
            "INSERT INTO parts SELECT 'x', organisation_id, part_no, '', '', '', '', 0, '' FROM parts",
            "uq_parts_organisation_id_part_no",
        ),
        (
            "INSERT INTO print_files SELECT 'x', revision_id, '0', 0, '', 0, 0, 0, 0, 0, NULL FROM print_files",
            "uq_print_files_revision_id",
        ),
    ],
)
def test_what_can_not_be_is_refused_by_its_constraint(engine: Engine, sql: str, constraint: str) -> None:
    with pytest.raises(IntegrityError, match=constraint), unit_of_work(engine) as session:
        rows(session, f"{sql} RETURNING 1")
    with unit_of_work(engine) as session:
        assert rows(session, "SELECT count(*), min(state), min(box_x_mm) FROM part_revisions") == [
            (1, "released", 86.0)
        ]
