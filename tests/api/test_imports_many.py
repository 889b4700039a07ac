"""Large tables, and several at once: hardly more statements than for a few rows, and one import after the other."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import pytest
from psycopg import Connection
from pydantic_core import to_json
from sqlalchemy import Engine

from fabroute.api.bulk.certificates import CERTIFICATES
from fabroute.api.bulk.importing import ImportResult, ImportTerms, Model, TableKind, import_table
from fabroute.api.bulk.parts import PARTS
from fabroute.api.bulk.revisions import REVISIONS
from fabroute.api.bulk.tables import read_table
from fabroute.database import unit_of_work
from fabroute.identity.rules import ALL_SCOPES, OrganisationKind, Principal
from tests.conftest import Database
from tests.factories.api import Json
from tests.factories.concurrency import at_once
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.network import save_a_network
from tests.factories.organisations import BUREAU, NOW, OWNER
from tests.factories.statements import counted_statements

MANY = 1_000
AUDIT = "SELECT action, count(*) FROM audit_entries WHERE actor = 'key_importer' GROUP BY 1 ORDER BY 1"
Counts = tuple[int, int, int]


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """A network of one node and an owner, by one connection if there is one thread."""
    with engine_for(database.url, connections=8) as made:
        with unit_of_work(made) as session:
            save_a_network(session)
        yield made


def parts(count: int, *, place: int = 1) -> list[Json]:
    return [
        {
            "part_no": f"P-{number:04}",
            "name": f"Impeller {place}",
            "sector": "water",
            "hs_code": "8413.91",
            "aliases": [f"old:{number:04}/{place}"],
            "installations": [f"pump {number}@{place}"],
        }
        for number in range(count)
    ]


def revisions(count: int, *, box_mm: float = 10) -> list[Json]:
    sizes: Json = {"box_x_mm": box_mm, "box_y_mm": 20, "box_z_mm": 30, "volume_cm3": 4}
    stated: Json = {"revision": "A", "process_materials": ["MJF:PA12-MJF"], **sizes}
    return [{"part_no": f"P-{number:04}", **stated} for number in range(count)]


def certificates(count: int) -> list[Json]:
    stated: Json = {"node_id": "N101", "scope": "MJF", "valid_from": "2026-01-01", "valid_to": "2028-12-31"}
    return [{"scheme": f"S-{number}", **stated} for number in range(count)]


def do_import(
    engine: Engine, kind: TableKind[Model], table: Sequence[Json], *, by: OrganisationKind = "owner"
) -> ImportResult:
    organisation_id = {"owner": OWNER, "bureau": BUREAU, "operator": "org_operator"}[by]
    caller = Principal(organisation_id=organisation_id, kind=by, key_id="key_importer", scopes=ALL_SCOPES)
    read = read_table(to_json(table), format="json", columns=kind.columns)
    return import_table(engine, kind=kind, table=read, terms=ImportTerms(caller=caller, now=NOW, dry_run=False))


def counts(result: ImportResult) -> Counts:
    return (result.count("created"), result.count("changed"), result.count("unchanged"))


def table_of(engine: Engine, query: str) -> list[tuple[object, ...]]:
    return in_transaction(engine, lambda session: rows(session, query))


def statements(engine: Engine, work: Callable[[], ImportResult]) -> tuple[Counts, int]:
    """What a work counted, and how many statements it sent on the only connection of an engine."""
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
    assert isinstance(driver, Connection)
    with counted_statements(driver) as sent:
        found = counts(work())
    return found, sent.executed


# ---------------------------------------------------------------- how many statements


def test_a_thousand_parts_take_as_many_statements_as_ten(engine: Engine) -> None:
    few = [statements(engine, partial(do_import, engine, PARTS, parts(10, place=place))) for place in (1, 1, 2)]
    many = [statements(engine, partial(do_import, engine, PARTS, parts(MANY, place=place))) for place in (3, 3, 4)]

    assert [found for found, _ in few] == [(10, 0, 0), (0, 0, 10), (0, 10, 0)]
    assert [found for found, _ in many] == [(MANY - 10, 10, 0), (0, 0, MANY), (0, MANY, 0)]
    assert [sent for _, sent in many[1:]] == [sent for _, sent in few[1:]]
    assert max(sent for _, sent in many) <= 25


def test_a_thousand_revisions_take_one_statement_more_than_ten(engine: Engine) -> None:
    do_import(engine, PARTS, parts(MANY + 10))
    last = revisions(MANY + 10)[MANY:]
    few = [statements(engine, partial(do_import, engine, REVISIONS, table)) for table in (last, last)]
    many = [
        statements(engine, partial(do_import, engine, REVISIONS, revisions(MANY, box_mm=size))) for size in (1, 1, 2)
    ]

    assert [found for found, _ in few] == [(10, 0, 0), (0, 0, 10)]
    assert [found for found, _ in many] == [(MANY, 0, 0), (0, 0, MANY), (0, MANY, 0)]
    assert [sent for _, sent in many[:2]] == [few[0][1] + 1, few[1][1]]  # wide rows: about 900 fit in a statement
    assert max(sent for _, sent in many) <= 15


def test_a_thousand_certificates_take_as_many_statements_as_ten(engine: Engine) -> None:
    few = statements(engine, partial(do_import, engine, CERTIFICATES, certificates(10), by="bureau"))
    many = statements(engine, partial(do_import, engine, CERTIFICATES, certificates(MANY)[10:], by="bureau"))
    again = statements(engine, partial(do_import, engine, CERTIFICATES, certificates(MANY), by="bureau"))

    assert (few[0], many[0], again[0]) == ((10, 0, 0), (MANY - 10, 0, 0), (0, 0, MANY))
    assert many[1] == few[1] <= 27  # one says whose rows, two read what machines taught and what the node states
    assert again[1] < few[1]


# ---------------------------------------------------------------- several at once


def test_the_same_parts_imported_at_once_are_added_once(engine: Engine) -> None:
    tables = (parts(200), parts(200)[::-1], parts(200), parts(200)[::-1])
    found = at_once(*(partial(do_import, engine, PARTS, table) for table in tables))

    assert sorted(map(counts, found)) == [(0, 0, 200), (0, 0, 200), (0, 0, 200), (200, 0, 0)]
    assert table_of(engine, AUDIT) == [("part.alias_added", 200), ("part.installed", 200), ("part.registered", 200)]
    assert table_of(engine, "SELECT count(*), sum(version) FROM parts") == [(200, 200)]


def test_different_tables_at_once_end_as_one_of_them_after_the_other(engine: Engine) -> None:
    do_import(engine, PARTS, parts(100))
    tables = [parts(100, place=place)[:: (-1) ** place] for place in (2, 3, 4)]
    found = at_once(*(partial(do_import, engine, PARTS, table) for table in tables))
    ends = "SELECT name, count(*), sum(version) FROM parts GROUP BY 1"
    ((name, *figures),) = table_of(engine, ends)

    assert [counts(result) for result in found] == [(0, 100, 0)] * 3
    assert (name in {"Impeller 2", "Impeller 3", "Impeller 4"}, figures) == (True, [100, 400])
    assert table_of(engine, "SELECT count(*), count(DISTINCT part_id) FROM part_aliases") == [(100, 100)]
    assert table_of(engine, "SELECT count(*), count(DISTINCT part_id) FROM asset_positions") == [(100, 100)]


def test_the_same_revisions_imported_at_once_are_added_once(engine: Engine) -> None:
    do_import(engine, PARTS, parts(200))
    tables = (revisions(200), revisions(200)[::-1], revisions(200))
    found = at_once(*(partial(do_import, engine, REVISIONS, table) for table in tables))

    assert sorted(map(counts, found)) == [(0, 0, 200), (0, 0, 200), (200, 0, 0)]
    assert table_of(engine, "SELECT state, count(*), sum(version) FROM part_revisions GROUP BY 1") == [
        ("draft", 200, 200)
    ]
    assert table_of(engine, AUDIT)[-1] == ("revision.added", 200)


def test_the_same_certificates_of_a_bureau_and_the_operator_at_once_are_handed_in_once(engine: Engine) -> None:
    found = at_once(
        partial(do_import, engine, CERTIFICATES, certificates(200), by="bureau"),
        partial(do_import, engine, CERTIFICATES, certificates(200)[::-1], by="operator"),
        partial(do_import, engine, CERTIFICATES, certificates(200), by="bureau"),
    )

    assert sorted(map(counts, found)) == [(0, 0, 200), (0, 0, 200), (200, 0, 0)]
    assert table_of(engine, "SELECT count(*), count(DISTINCT scheme) FROM certificates") == [(200, 200)]
    assert table_of(engine, AUDIT) == [("certificate.added", 200)]


def test_certificates_of_the_operator_are_told_one_by_one(engine: Engine) -> None:
    told = "SELECT count(*) FROM outbox_events WHERE data->>'reason' = 'certificate_added'"
    do_import(engine, CERTIFICATES, certificates(20), by="bureau")
    assert table_of(engine, told) == [(0,)]
    do_import(engine, CERTIFICATES, certificates(50), by="operator")
    assert table_of(engine, told) == [(30,)]
    assert table_of(engine, "SELECT count(*) FROM certificates WHERE verified_by = 'key_importer'") == [(30,)]
